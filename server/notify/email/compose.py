"""Turn letters into a mail. Pure. Headers are made here; text and HTML come from a template each.

No header takes its form from an event: a subject is one line of printable characters, and
everything else from outside is in the body.
"""

import functools
import textwrap
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address as Mailbox
from email.headerregistry import BaseHeader, HeaderRegistry, UniqueUnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, parseaddr
from hashlib import sha256
from pathlib import Path

import jinja2
import msgspec
from markupsafe import Markup

from server.notify.channel import Letter
from server.notify.email.blocks import Address, Content
from server.notify.email.content import content_of
from server.notify.email.digest import digest_of
from server.notify.masking import masked_line, printable, without_secrets
from server.notify.news import IncidentNews, SuspectNews, TestNews

LINE_LENGTH = 76
MAX_SUBJECT = 180
MAX_PREVIEW = 160
MAX_TITLE = 300
TEXT_WIDTH = 76


class NotAnAddress(ValueError):
    """No mail can be sent to, or from, this address."""


class SubjectHeader(UniqueUnstructuredHeader, BaseHeader):  # type: ignore[misc]
    """A subject that reads as it was written, whatever its letters.

    Where a line must end, the fold of `EmailMessage` loses blanks between words with letters beyond
    ASCII, and writes encoded words that are empty (cpython issues 136052 and 144156). That of
    `email.header` does neither.
    """

    def fold(self, *, policy: Policy) -> str:
        """Return the header in lines, each of at most 76 characters."""
        text = str(self)
        charset = "us-ascii" if text.isascii() else "utf-8"
        header = Header(text, charset, LINE_LENGTH, self.name)
        return f"{self.name}: {header.encode(linesep=policy.linesep)}{policy.linesep}"


class Letterhead(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes the mails: the sender's address, PushLog's address, and how to end these mails."""

    sender: str
    public_url: str
    unsubscribe_url: Callable[[str], str]


def compose(letters: Sequence[Letter], letterhead: Letterhead, at: datetime) -> EmailMessage:
    """Return the mail that tells one receiver about `letters`: one as itself, several as a digest.

    Raises `NotAnAddress`.
    """
    first = letters[0]
    if len(letters) == 1:
        content = content_of(first.news, letterhead.public_url)
    else:
        content = digest_of(letters, letterhead.public_url)
    # Whom a setting names cannot unsubscribe.
    by_setting = all(
        isinstance(each.news, TestNews)
        or (isinstance(each.news, IncidentNews) and each.news.change == "handed_on")
        for each in letters
    )
    return write(
        content,
        receiver=first.receiver,
        sender=letterhead.sender,
        at=at,
        subject=_subject(letters, content),
        thread=functools.partial(_thread, letters),
        unsubscribe=None if by_setting else letterhead.unsubscribe_url(first.receiver),
        mark=_digest_of_keys(letters),
    )


def write(
    content: Content,
    *,
    receiver: str,
    sender: str,
    at: datetime,
    subject: str,
    thread: Callable[[str], Mapping[str, str]],
    unsubscribe: str | None,
    mark: str,
) -> EmailMessage:
    """Return the mail that says `content` as text and as HTML. Raises `NotAnAddress`.

    `thread` returns, for the sender's domain, the headers that name this mail and those before it.
    `mark` separates the parts, and is the same when the same mail is written again.
    """
    writer, reader = _mailbox(sender, "PushLog"), _mailbox(receiver)
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = writer
    mail["To"] = reader
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    for name, value in thread(writer.domain).items():
        mail[name] = value
    mail["Auto-Submitted"] = "auto-generated"
    if unsubscribe is not None:
        mail["List-Unsubscribe"] = f"<{unsubscribe}>"
        # One click is only promised for https (RFC 8058, section 3.1).
        if unsubscribe.startswith("https://"):
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    shown = {
        "content": content,
        "subject": subject,
        "preview": masked_line(content.preview, MAX_PREVIEW),
        "title": masked_line(content.title, MAX_TITLE),
        "unsubscribe": None if unsubscribe is None else Address(unsubscribe),
    }
    # In quoted-printable, no line is too long and no byte too high for any server on the way.
    mail.set_content(_TEXT.render(shown), cte="quoted-printable")
    mail.add_alternative(_HTML.render(shown), subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_{mark}")
    return mail


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("subject", SubjectHeader)
_POLICY = SMTP.clone(header_factory=_HEADERS)


def _mailbox(text: str, default_name: str = "") -> Mailbox:
    name, address = parseaddr(text) if "<" in text else ("", text)
    try:
        mailbox = Mailbox(display_name=masked_line(name, 100) or default_name, addr_spec=address)
    except (MessageError, ValueError, IndexError) as error:
        raise NotAnAddress(f"{text!r} is not a mail address") from error
    if not (mailbox.username and mailbox.domain and address.isprintable()):
        raise NotAnAddress(f"{text!r} is not a mail address")
    return mailbox


def _subject(letters: Sequence[Letter], content: Content) -> str:
    # "=?" begins an encoded word, which a mail reader would decode to whatever it stands for.
    subject = masked_line(content.subject, MAX_SUBJECT).replace("=?", "= ?")
    is_answer = len(letters) == 1 and "In-Reply-To" in _thread(letters, "x")
    return f"Re: {subject}" if is_answer else subject


def _thread(letters: Sequence[Letter], domain: str) -> dict[str, str]:
    """Return the Message-ID and, after the first mail of an incident, what this mail answers.

    The first one's id is made of the incident and the receiver, so that each later mail knows it.
    The other ids are made of the letters' keys: the same mail sent twice has one id. All mails of
    an incident refer to a mail that there is not: otherwise mail programs would put the first mails
    of incidents with the same title together.
    """
    by_keys = f"<pushlog.{_digest_of_keys(letters)}@{domain}>"
    letter = letters[0]
    if len(letters) > 1 or letter.incident_id is None:
        return {"Message-ID": by_keys}
    whose = sha256(f"{letter.incident_id}\n{letter.receiver}".encode()).hexdigest()[:32]
    thread, root = f"<pushlog.thread.{whose}@{domain}>", f"<pushlog.incident.{whose}@{domain}>"
    match letter.news:
        case IncidentNews(change="opened"):
            return {"Message-ID": root, "References": thread}
        case SuspectNews():
            # Its subject is its own, and it may come before the other mails of the incident.
            return {"Message-ID": by_keys, "References": thread}
        case _:
            references = f"{thread} {root}"
            return {"Message-ID": by_keys, "In-Reply-To": root, "References": references}


def _digest_of_keys(letters: Sequence[Letter]) -> str:
    return sha256("\n".join(letter.key for letter in letters).encode()).hexdigest()[:32]


def _shown(value: object) -> object:
    """Return the value of a template expression as it may appear in a mail."""
    if isinstance(value, str) and not isinstance(value, Markup | Address):
        return without_secrets(printable(value))
    return value


def _wrapped(text: str, indent: int = 0, hanging: int = 0) -> str:
    """Wrap prose into lines that a mail reader shows whole, each line of it by itself."""
    margin = " " * indent
    return "\n".join(
        textwrap.fill(
            line,
            TEXT_WIDTH,
            initial_indent=margin,
            subsequent_indent=margin + " " * hanging,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in str(text).split("\n")
    )


_environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
    undefined=jinja2.StrictUndefined,
    autoescape=jinja2.select_autoescape(["html"]),
    trim_blocks=True,
    lstrip_blocks=True,
    finalize=_shown,
    auto_reload=False,
)
_environment.filters["wrapped"] = _wrapped
_TEXT = _environment.get_template("mail.txt")
_HTML = _environment.get_template("mail.html")
