"""Explain what went wrong with a mail server and what to do: one table for the log and people.

Only a refusal of this mail or its receiver is permanent. A problem with the connection or with our
own account may be fixed within the day that a mail waits.
"""

import errno
import socket
import ssl

import aiosmtplib
import msgspec

from server.notify.channel import FailureKind
from server.settings.settings import Smtp

CONNECT_TIMEOUT_S = 15.0
"""How long a mail server may take until it says that it is ready."""


class Failure(msgspec.Struct, frozen=True):
    """`reason` says what happened, `advice` what to do; if `permanent`, no later try will help."""

    reason: str
    advice: str
    permanent: bool = False
    kind: FailureKind = "connection"


def failure_of(error: BaseException, smtp: Smtp, timeout_s: float) -> Failure:
    """Return what `error` means, which was raised while sending to the server of `smtp`."""
    where = f"{smtp.host}:{smtp.port}"
    for each in _causes(error):
        found = _connection(each, smtp, where) or _answer(each, smtp)
        if found is not None:
            return found
    if isinstance(error, TimeoutError):
        is_connecting = isinstance(error, aiosmtplib.SMTPConnectTimeoutError)
        limit = min(CONNECT_TIMEOUT_S, timeout_s) if is_connecting else timeout_s
        return Failure(
            f"{where} did not answer within {limit:g} s",
            "A firewall may be dropping the packets; many providers block port 25. Try "
            "SMTP_PORT=587. SMTP_SECURITY must be tls on port 465, and starttls on port 587.",
        )
    if isinstance(error, aiosmtplib.SMTPServerDisconnected):
        return Failure(
            f"{where} closed the connection: {error}",
            "SMTP_SECURITY must be tls on port 465, and starttls on port 587. The mail server's "
            "log says why it closed the connection.",
        )
    return Failure(
        f"{where} cannot be reached: {error}", "Check the network, SMTP_HOST and SMTP_PORT."
    )


def _connection(error: BaseException, smtp: Smtp, where: str) -> Failure | None:
    match error:
        case socket.gaierror():
            return Failure(
                f"the name {smtp.host} cannot be looked up: {error.strerror or error}",
                "Check SMTP_HOST for typos, and check this machine's DNS.",
            )
        case OSError() if f"[Errno {errno.ECONNREFUSED}]" in str(error):
            # If the name has several addresses, asyncio puts all of their errors into one text.
            return Failure(
                f"{where} refused the connection: nothing is listening there",
                "Check SMTP_PORT. Usual ports are 587 for starttls and 465 for tls; port 25 is "
                "often blocked.",
            )
        case ssl.SSLCertVerificationError():
            return Failure(
                f"the certificate of {where} is not trusted: {error.verify_message}",
                "SMTP_HOST must be a name in the certificate. If your own authority signed the "
                "certificate, set SMTP_CA_FILE to the authority's file.",
            )
        case ssl.SSLError():
            return Failure(
                f"TLS could not be negotiated with {where}: {error.reason or error}",
                "SMTP_SECURITY must be tls on port 465, and starttls on port 587.",
            )
    return None


def _answer(error: BaseException, smtp: Smtp) -> Failure | None:
    """Look up the answers that a server gives in words and a code (RFC 5321, 4.2)."""
    match error:
        case aiosmtplib.SMTPAuthenticationError():
            return Failure(
                f"the login of {smtp.user} was refused: {_said(error)}",
                "Check SMTP_USER and SMTP_PASS. Many providers require an app password or an API "
                "key instead of the account's password.",
                kind="settings",
            )
        case aiosmtplib.SMTPSenderRefused():
            return Failure(
                f"the sender {smtp.sender} was refused: {_said(error)}",
                "SMTP_FROM must be an address that this account may send from. If the server "
                "requires a login, set SMTP_USER and SMTP_PASS.",
                kind="settings",
            )
        case aiosmtplib.SMTPRecipientsRefused() if error.recipients:
            return _answer(error.recipients[0], smtp)
        case aiosmtplib.SMTPRecipientRefused():
            return _refusal(
                error,
                f"the receiver {error.recipient} was refused: {_said(error)}",
                "Check the address. If the answer mentions relaying, the server accepts mail to "
                "other domains only after a login: set SMTP_USER and SMTP_PASS.",
            )
        case aiosmtplib.SMTPDataError():
            return _refusal(
                error,
                f"the mail itself was refused: {_said(error)}",
                "The answer says why. Often the reason is the server's spam filter, or SPF and "
                "DKIM of the sender's domain.",
            )
        # aiosmtplib mostly uses the base class itself for what a server does not offer.
        case _ if type(error) in _NOT_OFFERED:
            return Failure(
                f"{smtp.host} does not support what PushLog asked for: {error}",
                "If it does not support STARTTLS, set SMTP_SECURITY=tls with port 465 or, in a "
                "network that you trust, SMTP_SECURITY=none. If it does not support login, remove "
                "SMTP_USER.",
                kind="settings",
            )
        case aiosmtplib.SMTPResponseException():
            return Failure(
                f"{smtp.host} answered {_said(error)}",
                "The server accepts no mail at the moment, or none from this machine.",
            )
    return None


def _refusal(error: aiosmtplib.SMTPResponseException, reason: str, advice: str) -> Failure:
    """Return what it means that the server refuses this mail or its receiver."""
    if error.code in _LOGIN_WANTED:
        return Failure(reason, advice, kind="settings")
    return Failure(reason, advice, permanent=error.code >= 500, kind="message")


_NOT_OFFERED = (aiosmtplib.SMTPNotSupported, aiosmtplib.SMTPException)

_LOGIN_WANTED = frozenset({530, 534, 535, 538})
"""The 5xx codes that are about our account and not about the mail (RFC 4954, section 6)."""


def _said(error: aiosmtplib.SMTPResponseException) -> str:
    return f"{error.code} {' '.join(error.message.split())}"


def _causes(error: BaseException) -> list[BaseException]:
    """Return the error, what it was raised from, and so on."""
    found: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None and seen not in found:
        found.append(seen)
        seen = seen.__cause__
    return found
