"""A mail server that accepts everything: aiosmtpd on a free port of this machine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

from aiosmtpd.smtp import SMTP, Envelope, Session

RECEIVER = "operator@acme.example"
"""The mail address of the one person in a round."""


class Mailbox:
    """What was delivered, in order; a mail that is delivered twice is here twice.

    At the mail numbered `strike_at`, it calls `strike` before it says that it has the mail.
    """

    def __init__(self) -> None:
        self.port = 0
        self.mails: list[EmailMessage] = []
        self.strike_at: int | None = None
        self.strike: Callable[[], None] = lambda: None

    def settings(self) -> dict[str, str]:
        """Return what the server needs to send its mails here."""
        return {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(self.port),
            "SMTP_FROM": "pushlog@acme.example",
            "SMTP_SECURITY": "none",
        }

    def texts(self) -> list[str]:
        """Return the plain text of each mail."""
        parts = [mail.get_body(("plain",)) for mail in self.mails]
        return [part.get_content() for part in parts if part is not None]

    async def handle_DATA(  # noqa: N802 - the name is aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail, and say that it was delivered."""
        content = cast("bytes", envelope.original_content)
        self.mails.append(message_from_bytes(content, policy=default))
        if len(self.mails) == self.strike_at:
            self.strike()
        return "250 OK"


@contextlib.asynccontextmanager
async def open_mailbox() -> AsyncIterator[Mailbox]:
    """Yield a mailbox that listens."""
    mailbox = Mailbox()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="mail.acme.example", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    mailbox.port = server.sockets[0].getsockname()[1]
    async with server:
        yield mailbox
