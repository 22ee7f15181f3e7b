"""What a mail says in each of its forms."""

from email.message import EmailMessage


def text(mail: EmailMessage) -> str:
    return _part(mail, "plain").replace("\r\n", "\n")


def html(mail: EmailMessage) -> str:
    return _part(mail, "html")


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())
