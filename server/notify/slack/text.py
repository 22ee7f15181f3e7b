"""Text as Slack takes it: without secrets, escaped, and cut so that it stays within a limit. Pure.

Slack refuses a whole message of which one part is too long, and escaping makes text longer. So
each character is escaped by itself, and as many are taken as fit.
"""

from datetime import datetime
from urllib.parse import quote, urlsplit

from server.notify.masking import printable, without_secrets

_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CUT = "…"
_MAX_URL = 500
_LONGEST_SECRET = 1_000
"""What is cut off so far behind the limit is no part of a secret before it."""


def escaped(text: str, limit: int) -> str:
    """`text` with nothing in it that Slack would obey, of at most `limit` characters.

    Of what is too long the end is left out, and "…" stands for it.
    """
    parts: list[str] = []
    size = 0
    for character in _safe(text, limit):
        part = _ESCAPED.get(character, character)
        size += len(part)
        parts.append(part)
        if size > limit:
            break
    if size <= limit:
        return "".join(parts)
    while size > limit - len(_CUT):
        size -= len(parts.pop())
    return "".join(parts) + _CUT


def _safe(text: str, limit: int) -> str:
    """`text` without secrets, as far as it can be shown: to search all of it would take long."""
    return without_secrets(printable(text[: 2 * limit + _LONGEST_SECRET]))


def plain(text: str, limit: int) -> str:
    """For a place that obeys nothing: one line, cut only."""
    line = " ".join(_safe(text, limit).split()) or "-"
    return line if len(line) <= limit else line[: limit - 1] + _CUT


def one_line(text: str, limit: int) -> str:
    """`escaped`, on one line."""
    return escaped(" ".join(text.split()), limit)


def code(text: str, limit: int) -> str:
    """A block of `text` in letters of one width, of at most `limit` characters."""
    # Three of these would end the block.
    safe = text.replace("```", "`\u200b`\u200b`").strip() or "-"
    return f"```{escaped(safe, limit - 6)}```"


def link(url: str | None, label: str, limit: int) -> str:
    """A link, or only its label where `url` is none of the web or too long. `limit` is that of the
    label.
    """
    shown = one_line(label, limit)
    if url is None:
        return shown
    try:
        is_web = urlsplit(url).scheme in ("http", "https")
    except ValueError:
        is_web = False
    if not is_web:
        return shown
    target = quote(url, safe="/:?#[]@!$&'()*+,;=%~-._").replace("&", "&amp;")
    if len(target) > _MAX_URL:
        return shown
    # In a label it would end the address.
    return f"<{target}|{shown.replace('|', '¦')}>"


def moment(at: datetime) -> str:
    """A time, which Slack shows to each reader in their own zone."""
    shown = "{date_short_pretty} {time}"
    return f"<!date^{int(at.timestamp())}^{shown}|{at:%Y-%m-%d %H:%M} UTC>"
