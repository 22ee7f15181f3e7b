"""Mails with a link that works once: an invitation, or a new password.

They are never in the outbox, which would keep the link's secret. If one is lost, the person who
asked for it asks again.
"""

from datetime import datetime
from email.message import EmailMessage
from email.utils import make_msgid
from secrets import token_hex

from server.notify.email.blocks import Address, Content, Paragraph, Section
from server.notify.email.compose import write


def invitation(
    receiver: str, link: str, *, inviter: str, sender: str, public_url: str, at: datetime
) -> EmailMessage:
    """Return the mail in which `inviter` invites `receiver`. Raises `NotAnAddress`."""
    content = Content(
        subject="You are invited to PushLog",
        preview=f"{inviter} invites you to {public_url}",
        kicker="Invitation",
        tone="plain",
        title=f"{inviter} invites you to PushLog",
        links=[("Accept the invitation", Address(link))],
        sections=[
            Section(
                "What this is",
                [
                    Paragraph(
                        f"PushLog at {public_url} tells a team when production breaks and which "
                        "deploy caused it. The link works once and expires after seven days."
                    )
                ],
            )
        ],
    )
    return _mail(content, receiver, sender, at)


def reset(receiver: str, link: str, *, sender: str, public_url: str, at: datetime) -> EmailMessage:
    """Return the mail with the link to a new password. Raises `NotAnAddress`."""
    content = Content(
        subject="Reset your PushLog password",
        preview="The link works once and expires after an hour.",
        kicker="New password",
        tone="plain",
        title="Choose a new password",
        links=[("Choose a new password", Address(link))],
        sections=[
            Section(
                "If this was not you",
                [
                    Paragraph(
                        f"Someone requested a new password at {public_url}. You can delete this "
                        "mail: nothing changes until someone uses the link, which works once and "
                        "expires after an hour."
                    )
                ],
            )
        ],
    )
    return _mail(content, receiver, sender, at)


def _mail(content: Content, receiver: str, sender: str, at: datetime) -> EmailMessage:
    return write(
        content,
        receiver=receiver,
        sender=sender,
        at=at,
        subject=content.subject,
        thread=lambda domain: {"Message-ID": make_msgid(domain=domain)},
        unsubscribe=None,
        mark=token_hex(16),
    )
