"""Secrets of the installation: in the data folder, or agreed on by all servers of a database."""

import secrets

from server.accounts.secrets import new_code
from server.settings.settings import Settings
from server.storage.database import Database
from server.storage.files.key_file import KEY_BYTES, read_key, read_or_make_key
from server.storage.shared import installation_keys


async def mail_key(settings: Settings, database: Database) -> bytes | None:
    """Return the key of the addresses that end mails, if there are such mails."""
    if settings.postgres_url is not None:
        proposed = secrets.token_bytes(KEY_BYTES)
        return await installation_keys.agree(database, "mail", proposed)
    if settings.smtp is None:
        return read_key(settings.mail_key_path)
    return read_or_make_key(settings.mail_key_path)


async def first_code(settings: Settings, database: Database) -> str:
    """Return the code that creates the first account."""
    code = new_code()
    if settings.postgres_url is None:
        return code
    return (await installation_keys.agree(database, "first code", code.encode())).decode()
