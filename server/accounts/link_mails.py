"""Sends mails with a one-time link, at once, because the person who asked is waiting."""

import asyncio
import logging
from datetime import UTC, datetime
from email.message import EmailMessage

import aiosmtplib

from server.notify.email import account_mail
from server.notify.email.channel import send_mail
from server.notify.email.compose import NotAnAddress
from server.notify.email.smtp_failures import failure_of
from server.process import log
from server.settings.settings import Settings, Smtp

TIMEOUT_S = 15.0


class MailFailed(RuntimeError):
    """The mail was not sent; the text says why."""


class LinkMails:
    """Sends by the mail server of the settings; `possible` is false if there is none."""

    def __init__(self, settings: Settings) -> None:
        self._smtp = settings.smtp
        self._public_url = settings.public_url
        self._under_way: set[asyncio.Task[None]] = set()

    @property
    def possible(self) -> bool:
        """Whether there is a mail server."""
        return self._smtp is not None

    async def invite(self, receiver: str, link: str, inviter: str) -> None:
        """Mail an invitation; raise `MailFailed`."""
        smtp = self._server()
        try:
            mail = account_mail.invitation(
                receiver,
                link,
                inviter=inviter,
                sender=smtp.sender,
                public_url=self._public_url,
                at=datetime.now(UTC),
            )
        except NotAnAddress as error:
            raise MailFailed(str(error)) from error
        await _send(mail, smtp)

    def reset_soon(self, receiver: str, link: str) -> None:
        """Mail a link to a new password in the background.

        Nobody waits for the mail, so the answer takes the same time whether or not there is such an
        account. The log shows a failure.
        """
        task = asyncio.create_task(self._reset(receiver, link), name="mail a reset")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Give up the mails that are under way."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _reset(self, receiver: str, link: str) -> None:
        try:
            smtp = self._server()
            mail = account_mail.reset(
                receiver,
                link,
                sender=smtp.sender,
                public_url=self._public_url,
                at=datetime.now(UTC),
            )
            await _send(mail, smtp)
        except (MailFailed, NotAnAddress) as error:
            log.server(logging.ERROR, f"a mail with a new password did not go out: {error}")

    def _server(self) -> Smtp:
        if self._smtp is None:
            raise MailFailed("no mail server is set up (SMTP_HOST)")
        return self._smtp


async def _send(mail: EmailMessage, smtp: Smtp) -> None:
    try:
        await send_mail(mail, smtp, TIMEOUT_S)
    except (aiosmtplib.SMTPException, OSError) as error:
        raise MailFailed(failure_of(error, smtp, TIMEOUT_S).reason) from error
