"""Give people and programs access from the server itself, if nobody else can or no mail goes out.

It works on the database, whether or not the server runs.
"""

import argparse
import asyncio
import sys

from scripts.installation import read_installation, say_database
from server.accounts.secrets import ENDING, digest, new_secret, new_token
from server.settings.settings import Settings
from server.storage.database import Database, migrate, open_database
from server.storage.main import accounts, api_tokens, one_time_links, people
from server.storage.main.accounts import Account
from server.storage.times import micros_now

EXIT_REFUSED = 1


class Refused(Exception):
    """It cannot be done; the message says why."""


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, `EXIT_REFUSED`; 2 if a setting is wrong."""
    options = _parser().parse_args(arguments)
    settings = read_installation()
    say_database(settings)
    try:
        print(asyncio.run(_answer(settings, options)))
    except Refused as error:
        print(f"scripts/people: {error}", file=sys.stderr)
        return EXIT_REFUSED
    return 0


async def _answer(settings: Settings, options: argparse.Namespace) -> str:
    await asyncio.to_thread(migrate, settings.database)
    async with open_database(settings.database) as database:
        match options.action:
            case "list":
                return await _list(database)
            case "invite":
                role: accounts.Role = "admin" if options.admin else "member"
                secret = await _invite(database, options.email, role)
                return f"{settings.public_url}/invitation/{secret}"
            case "reset":
                return f"{settings.public_url}/reset/{await _reset(database, options.email)}"
            case "remove":
                return await _remove(database, options.email)
            case _:
                scope: api_tokens.Scope = "read" if options.read_only else "write"
                return await _token(database, options.name, options.of, scope)


async def _list(database: Database) -> str:
    async with database.read() as tx:
        everyone = await accounts.everyone(tx)
    lines = [f"{each.role:<8}{each.email}  {each.name}" for each in everyone]
    return (
        "\n".join(lines)
        or "There are no accounts yet. The server's log says how to create the first one."
    )


async def _invite(database: Database, email: str, role: accounts.Role) -> str:
    secret = new_secret()
    async with database.write() as tx:
        if await accounts.by_email(tx, email) is not None:
            raise Refused(f"{email} already has an account.")
        await one_time_links.add(
            tx,
            digest=digest(secret),
            purpose="invitation",
            email=email,
            role=role,
            at=micros_now(),
        )
    return secret


async def _reset(database: Database, email: str) -> str:
    secret = new_secret()
    async with database.write() as tx:
        account = _there(await accounts.by_email(tx, email), email)
        await one_time_links.add(
            tx,
            digest=digest(secret),
            purpose="reset",
            email=account.email,
            person_id=account.id,
            at=micros_now(),
        )
    return secret


async def _remove(database: Database, email: str) -> str:
    try:
        async with database.write() as tx:
            account = _there(await accounts.by_email(tx, email), email)
            await accounts.remove(tx, account.id)
    except accounts.LastAdmin as error:
        raise Refused(f"{email} is the last admin. Invite another one first.") from error
    return f"Removed {account.email}. Their sessions and tokens no longer work."


async def _token(database: Database, name: str, email: str | None, scope: api_tokens.Scope) -> str:
    token = new_token()
    async with database.write() as tx:
        if email is None:
            # The first account, or the one that stands for it until it is made.
            await people.make_operator(tx)
            person = (await people.everyone(tx))[0].id
        else:
            person = _there(await accounts.by_email(tx, email), email).id
        await api_tokens.add(
            tx,
            digest=digest(token),
            person_id=person,
            name=name,
            ending=token[-ENDING:],
            scope=scope,
            at=micros_now(),
        )
    return token


def _there(account: Account | None, email: str) -> Account:
    if account is None:
        raise Refused(f"No account has the mail address {email}.")
    return account


def _email(text: str) -> str:
    if "@" not in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not a mail address")
    return text


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/people",
        description="Manages who may use PushLog, from the machine that it runs on, whether or not "
        "the server is running. The links and tokens that it prints give access: share each only "
        "with the person it is for.",
        epilog="Exit codes: 0 done, 1 not possible, 2 a setting is wrong.",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="list everybody who can sign in")
    inviting = actions.add_parser(
        "invite", help="print a link that creates one account; it works for a week"
    )
    inviting.add_argument("email", type=_email, metavar="EMAIL")
    inviting.add_argument("--admin", action="store_true", help="let them invite and remove people")
    resetting = actions.add_parser(
        "reset", help="print a link that sets a new password; it works for an hour"
    )
    resetting.add_argument("email", type=_email, metavar="EMAIL")
    removing = actions.add_parser(
        "remove", help="remove an account, and end its sessions and tokens at once"
    )
    removing.add_argument("email", type=_email, metavar="EMAIL")
    making = actions.add_parser("token", help="print a new token for a program")
    making.add_argument("name", metavar="NAME", help="what the token is for, to recognize it by")
    making.add_argument(
        "--read-only", action="store_true", help="let the program read, but change nothing"
    )
    making.add_argument(
        "--of",
        type=_email,
        metavar="EMAIL",
        help="whose token it is (default: the first account's)",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
