"""A real mail server on this machine: aiosmtpd, with a login, TLS and the moods of others.

::

    async with FakeSmtp(tls="starttls", ca=authority, login=("ada", "s3cret")) as server:
        ... send to server.smtp()
        mail = server.mails[0]
"""

import asyncio
import ssl
import subprocess
import warnings
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from server.settings.settings import Smtp, SmtpSecurity


class Authority:
    """A self-signed certificate for localhost, made for these tests."""

    def __init__(self, folder: Path, name: str = "localhost") -> None:
        self.certificate = folder / f"{name}.pem"
        self.key = folder / f"{name}.key"
        command = [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", f"/CN={name}"),
            *("-addext", f"subjectAltName=DNS:{name}"),
            *("-keyout", str(self.key), "-out", str(self.certificate)),
        ]
        subprocess.run(command, check=True, capture_output=True)

    def context(self) -> ssl.SSLContext:
        """What a server with this certificate needs."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context


class FakeSmtp:
    """The server. Each list of answers holds what it says in turn, before it says yes.

    `hangs` lets it accept connections and never say a word.
    """

    def __init__(
        self,
        *,
        security: SmtpSecurity = "none",
        authority: Authority | None = None,
        login: tuple[str, str] | None = None,
        hangs: bool = False,
        to_sender: list[str] | None = None,
        to_recipient: list[str] | None = None,
        to_data: list[str] | None = None,
    ) -> None:
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.recipients: list[str] = []
        self.port = 0
        self._security = security
        self._authority = authority
        self._login = login
        self._hangs = hangs
        self._answers = {"MAIL": to_sender or [], "RCPT": to_recipient or [], "DATA": to_data or []}
        self._server: asyncio.Server | None = None
        self._arrived = asyncio.Condition()
        self._silent: list[asyncio.BaseTransport] = []

    def smtp(self, **changes: Any) -> Smtp:
        """The settings with which it can be used."""
        user, password = self._login or (None, None)
        fields: dict[str, Any] = {
            "host": "localhost",
            "port": self.port,
            "user": user,
            "password": password,
            "sender": "pushlog@acme.example",
            "security": self._security,
            "ca_file": self._authority.certificate if self._authority else None,
        }
        return Smtp(**(fields | changes))

    async def wait_for(self, subject: str) -> EmailMessage:
        """The first mail with `subject` in its subject, as soon as it is there."""

        def found() -> EmailMessage | None:
            return next((mail for mail in self.mails if subject in mail["Subject"]), None)

        async with self._arrived:
            return cast("EmailMessage", await self._arrived.wait_for(found))

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        context = self._authority.context() if self._authority else None
        self._server = await loop.create_server(
            self._protocol,
            "127.0.0.1",
            0,
            ssl=context if self._security == "tls" else None,
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        self._server.close()
        for transport in self._silent:
            transport.close()
        await self._server.wait_closed()

    def _protocol(self) -> asyncio.BaseProtocol:
        if self._hangs:
            return _Silence(self._silent)
        starttls = self._security == "starttls"
        with warnings.catch_warnings():
            # It mistakes implicit TLS for no TLS, and warns about a login over it.
            warnings.simplefilter("ignore", UserWarning)
            return SMTP(
                self,
                hostname="mail.acme.example",
                tls_context=self._authority.context() if self._authority and starttls else None,
                require_starttls=starttls,
                authenticator=self._check if self._login else None,
                auth_required=self._login is not None,
                auth_require_tls=starttls,
                enable_SMTPUTF8=True,
            )

    def _check(self, _server: SMTP, _session: Session, _envelope: Envelope, *given: Any) -> Any:
        _mechanism, data = given
        found = cast("LoginPassword", data)
        wanted = cast("tuple[str, str]", self._login)
        told = (found.login.decode(), found.password.decode())
        return AuthResult(success=told == wanted, handled=told == wanted)

    async def handle_MAIL(  # noqa: N802 - the names are aiosmtpd's
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._answers["MAIL"]:
            return self._answers["MAIL"].pop(0)
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self._answers["RCPT"]:
            return self._answers["RCPT"].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self._answers["DATA"]:
            return self._answers["DATA"].pop(0)
        content = cast("bytes", envelope.original_content)
        self.raw.append(content)
        self.mails.append(message_from_bytes(content, policy=default))
        self.recipients.extend(envelope.rcpt_tos)
        async with self._arrived:
            self._arrived.notify_all()
        return "250 OK"


class _Silence(asyncio.Protocol):
    """Accepts, and says nothing."""

    def __init__(self, transports: list[asyncio.BaseTransport]) -> None:
        self._transports = transports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transports.append(transport)
