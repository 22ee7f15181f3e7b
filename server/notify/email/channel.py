"""Send mail by SMTP: one connection for each mail, and a message about each failure."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage

import aiosmtplib

from server.notify.channel import ChannelName, DeliveryFailed, Letter
from server.notify.delivery.pace import EMAIL, Meter
from server.notify.email.compose import Letterhead, NotAnAddress, compose
from server.notify.email.smtp_failures import CONNECT_TIMEOUT_S, failure_of
from server.settings.settings import Smtp
from server.storage.main.slack_messages import SlackMessage

TIMEOUT_S = 60.0
"""The limit for all of it: name, connection, login and mail."""
GOODBYE_TIMEOUT_S = 2.0


class EmailChannel:
    """Sends letters as mail through the server of `smtp`."""

    name: ChannelName = "email"

    def __init__(
        self,
        smtp: Smtp,
        letterhead: Letterhead,
        *,
        timeout_s: float = TIMEOUT_S,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.meter = Meter(EMAIL.per_minute, now)
        self.editing: asyncio.Lock | None = None
        self._smtp = smtp
        self._letterhead = letterhead
        self._timeout_s = timeout_s
        self._now = now

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        """Deliver letters to their one receiver. Raises `DeliveryFailed`."""
        try:
            # In a thread, because a digest of hundreds takes a second, and webhooks cannot wait for
            # it.
            mail = await asyncio.to_thread(compose, letters, self._letterhead, self._now())
        except NotAnAddress as error:
            raise DeliveryFailed(str(error), permanent=True, kind="message") from error
        try:
            await send_mail(mail, self._smtp, self._timeout_s)
        except (aiosmtplib.SMTPException, OSError) as error:
            failure = failure_of(error, self._smtp, self._timeout_s)
            raise DeliveryFailed(
                failure.reason, permanent=failure.permanent, kind=failure.kind
            ) from error
        return ()


async def send_mail(mail: EmailMessage, smtp: Smtp, timeout_s: float = TIMEOUT_S) -> None:
    """Hand `mail` to the server. Raises `aiosmtplib.SMTPException` or `OSError` (`TimeoutError`).

    Once the server has accepted the mail, nothing that happens after it is a failure.
    """
    async with _logged_in(smtp, timeout_s) as client:
        await client.send_message(mail)


async def try_login(smtp: Smtp, timeout_s: float = TIMEOUT_S) -> None:
    """Do everything that `send_mail` does, without a mail; raises as it does."""
    async with _logged_in(smtp, timeout_s):
        pass


@contextlib.asynccontextmanager
async def _logged_in(smtp: Smtp, timeout_s: float) -> AsyncIterator[aiosmtplib.SMTP]:
    client = aiosmtplib.SMTP(
        hostname=smtp.host,
        port=smtp.port,
        use_tls=smtp.security == "tls",
        start_tls=False,
        tls_context=None if smtp.security == "none" else _tls(smtp),
        timeout=timeout_s,
    )
    try:
        async with asyncio.timeout(timeout_s):
            await client.connect(timeout=min(CONNECT_TIMEOUT_S, timeout_s))
            if smtp.security == "starttls":
                await client.starttls()
            if smtp.user is not None:
                await client.login(smtp.user, smtp.password or "")
            yield client
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=GOODBYE_TIMEOUT_S)
    finally:
        client.close()


def _tls(smtp: Smtp) -> ssl.SSLContext:
    """Return a context that checks certificates by the system's authorities and the one set."""
    context = ssl.create_default_context()
    if smtp.ca_file is not None:
        context.load_verify_locations(cafile=smtp.ca_file)
    return context
