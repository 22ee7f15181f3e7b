"""Remove secrets and control characters from text that leaves this machine in a message. Pure.

Only common shapes are recognised: names that announce a secret, login headers, tokens with a
telling prefix, passwords in addresses. Anything else stays.
"""

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from shared.incident import IncidentSummary

MASK = "***"

_NAMED = re.compile(
    r"""(?ix)
    \b(?P<name>[\w-]{0,40}(?:password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key
        |private[_-]?key|credentials?|session[_-]?id|cookie|authorization))
    (?P<between>["']?[ \t]{0,8}(?P<sign>[=:])[ \t]{0,8})
    (?P<value>"[^"\n]*"|'[^'\n]*'|[^\s"'&,;<>{}()\[\]]+)
    """
)
_LOGIN = re.compile(r"(?i)\b(?P<kind>bearer|basic|digest)[ \t]+(?P<value>[\w.~+/=-]{8,})")
_IN_ADDRESS = re.compile(r"(?P<start>\b[a-z][a-z0-9+.-]{0,30}://[^\s:/@]{0,200}:)[^\s/@]{1,500}@")
_TOKENS = re.compile(
    r"""(?x)
    \b(?:gh[pousr]_[A-Za-z0-9]{20,} | github_pat_\w{20,} | glpat-[\w-]{16,}
    | xox[abeoprs]-[\w-]{10,} | [sr]k_(?:live|test)_[A-Za-z0-9]{10,} | sk-[\w-]{20,}
    | A[KS]IA[0-9A-Z]{16} | AIza[\w-]{30,}
    | eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*)
    """
)
_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----)[^-]*")
_QUERY_VALUE = re.compile(r"=[^&;]+")


def without_secrets(text: str) -> str:
    """Return `text` with everything that looks like a secret replaced by `MASK`."""
    text = _PRIVATE_KEY.sub(rf"\1 {MASK}", text)
    text = _LOGIN.sub(_masked_login, text)
    text = _NAMED.sub(_masked_value, text)
    text = _IN_ADDRESS.sub(rf"\g<start>{MASK}@", text)
    return _TOKENS.sub(MASK, text)


def masked_values(values: Mapping[str, object]) -> dict[str, object]:
    """Return `values`, as decoded from JSON, with every secret in them masked.

    A value is masked for what it looks like, or because of its name.
    """
    return {name: _masked(each, name) for name, each in values.items()}


def _masked(value: object, name: str = "") -> object:
    match value:
        case str() if value and _NAMED.search(f"{name}=1"):
            return MASK
        case str():
            return without_secrets(value)
        case dict():
            return masked_values(value)
        case list():
            return [_masked(each, name) for each in value]
    return value


def without_query_values(url: str) -> str:
    """Return an address with the names in its query but no values, no login and no fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return MASK
    place = parts.netloc.rpartition("@")[2]
    query = _QUERY_VALUE.sub(f"={MASK}", parts.query)
    return urlunsplit((parts.scheme, place, parts.path, query, ""))


def route_of(incident: IncidentSummary) -> str | None:
    """Return the route of the request that failed or, if only that is known, its address."""
    if incident.api_route is None and incident.request_url is not None:
        return without_query_values(incident.request_url)
    return incident.api_route


def printable(text: str) -> str:
    """Return `text` without what a reader or a header could take for more than text.

    This removes control characters, line separators except line feeds, characters that turn the
    direction of reading, and halves of surrogate pairs. A tab becomes four spaces.
    """
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    return "".join(each for each in text if each == "\n" or not _is_control(each))


def masked_line(text: str, longest: int) -> str:
    """Return `text` as one line for a header or a heading, cut if it is longer than `longest`."""
    return cut(" ".join(without_secrets(printable(text)).split()), longest)


def cut(text: str, longest: int) -> str:
    """Return the beginning of `text`, with the cut marked."""
    return text if len(text) <= longest else f"{text[: longest - 1].rstrip()}…"


def _masked_login(found: re.Match[str]) -> str:
    # "Basic authentication failed" is a sentence, not a login.
    value = found["value"]
    is_secret = any(each.isdigit() or each in "=+/" for each in value)
    return f"{found['kind']} {MASK}" if is_secret else found[0]


def _masked_value(found: re.Match[str]) -> str:
    # "Unexpected token: expected a name" is a sentence; "token: 5f3c…" and "token=x" are not.
    value = found["value"]
    is_prose = found["sign"] == ":" and not any(each.isdigit() or each in "\"'" for each in value)
    return found[0] if is_prose or MASK in value else f"{found['name']}{found['between']}{MASK}"


def _is_control(character: str) -> bool:
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} or character in _TURNING


_TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
