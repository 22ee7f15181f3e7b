"""Make text safe for Slack: without secrets, escaped, and cut to stay within a limit. Pure.

Slack refuses a whole message if one part is too long, and escaping makes text longer. So each
character is escaped by itself, and as many are taken as fit.
"""

from datetime import datetime
from urllib.parse import quote, urlsplit

from server.notify.masking import printable, without_secrets

_ESCAPED = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_CUT = "…"
_MAX_URL = 500
_LONGEST_SECRET = 1_000
"""Text cut off this far behind the limit is no part of a secret before it."""


def escaped(text: str, limit: int) -> str:
    """Return `text` with nothing in it that Slack would obey, at most `limit` characters.

    If it is too long, the end is left out and replaced by "…".
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
    """Return `text` without secrets, as far as it can be shown: searching all would take long."""
    return without_secrets(printable(text[: 2 * limit + _LONGEST_SECRET]))


def plain(text: str, limit: int) -> str:
    """Return one line, only cut, for a place that obeys nothing."""
    line = " ".join(_safe(text, limit).split()) or "-"
    return line if len(line) <= limit else line[: limit - 1] + _CUT


def escaped_line(text: str, limit: int) -> str:
    """Return `escaped` text on one line."""
    return escaped(" ".join(text.split()), limit)


def code(text: str, limit: int) -> str:
    """Return a block of `text` in monospaced letters, at most `limit` characters."""
    # Three of these would end the block.
    safe = text.replace("```", "`\u200b`\u200b`").strip() or "-"
    return f"```{escaped(safe, limit - 6)}```"


def link(url: str | None, label: str, limit: int) -> str:
    """Return a link, or only its label if `url` is not a web address or is too long.

    `limit` is that of the label.
    """
    shown = escaped_line(label, limit)
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
    # In a label, it would end the address.
    return f"<{target}|{shown.replace('|', '¦')}>"


def moment(at: datetime) -> str:
    """Return a time, which Slack shows to each reader in their own zone."""
    shown = "{date_short_pretty} {time}"
    return f"<!date^{int(at.timestamp())}^{shown}|{at:%Y-%m-%d %H:%M} UTC>"
