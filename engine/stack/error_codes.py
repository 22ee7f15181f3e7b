"""Find the codes of errors in a message: ORA-00942 and ORA-01017, or exit codes 1 and 137, are two.

A number is a code where the words before it say so, or where it begins a message as compilers and
databases write it. Codes of data (a postal code, a voucher) are none.
"""

import re

_HINT = re.compile(
    r"(?i:code|status|err|signal|sqlstate|hresult|http|0x[8c])|[A-Z]-?[0-9]|\([0-9]+,"
)
"""Each code has one of these before it or in it; it is tested first, as that is cheaper."""

_END = r"(?![a-z0-9]|[.,_-]\d)"
_NAMED = re.compile(
    rf"""
    (?<![a-z0-9])
    (?:(?P<whose>[a-z]{{1,20}})[ _-]|err|error|exit|result|return|status)?
    (?:code|status|errno|winerror|signal|sqlstate|hresult)
    (?:\ *[:=(\[]\ *|\ +)['"`]?
    (?P<code>[+-]?\d{{1,5}}|0x[0-9a-f]{{1,8}}|\d\d(?-i:[A-Z0-9]{{3}})){_END}
    """,
    re.VERBOSE | re.IGNORECASE,
)
_MIXED = re.compile(
    rf"(?<![a-z0-9])err(?:or)?[ _-]?code(?: *[:=(\[] *| +)['\"`]?"
    rf"(?P<code>(?-i:[A-Z]{{1,8}})-?\d{{2,6}}){_END}",
    re.IGNORECASE,
)
_STATUS = re.compile(
    rf"(?<![a-z0-9])http(?:/\d(?:\.\d)?)?[ :=]+(?P<code>[1-5]\d\d){_END}", re.IGNORECASE
)
_OF_ERROR = re.compile(
    r"(?<![a-z0-9])err(?:or)? #?(?P<code>[+-]?\d{1,5})(?=\s*(?:[:;,)\]]| \(|\.?$))",
    re.IGNORECASE,
)
_FIRST = re.compile(
    r"(?:^|: )\[?(?P<code>(?:(?:ORA|DPI|TNS|PLS|SP2|RMAN|BEA|SQL)-?|[A-Z]{1,8})\d{4,6})"
    r"(?=:|\]| duplicate)"
)
_IN_PAIR = re.compile(r"(?:^|: )\((?P<code>\d{1,5})(?=, ['\"])")
"""As MySQL's drivers for Python write it."""

_OF_WINDOWS = re.compile(r"(?P<code>\b0x(?:800[0-9a-f]|c000)[0-9a-f]{4}\b)", re.IGNORECASE)
_CODES = (_NAMED, _MIXED, _STATUS, _OF_ERROR, _FIRST, _IN_PAIR, _OF_WINDOWS)
"""Each ends with its code."""

_OF_DATA = """
access area bar booking color colour confirmation country coupon course currency customer discount
expired incorrect invalid invitation invite item language order pin post postal product promo
promotion qr referral region security source station tracking verification voucher wrong zip
"""
_DATA = frozenset(_OF_DATA.split())

_FIRST_PLACE = 0xE000
"""Of the characters that Unicode leaves to programs; a code is one of them in the meantime."""
_PLACES = re.compile("[\ue000-\uf8ff]")


def without_codes(line: str) -> tuple[str, list[str]]:
    """Return the line with a character in place of each code of an error, and the codes."""
    codes: list[str] = []

    def put_by(found: re.Match[str]) -> str:
        if (found.groupdict().get("whose") or "").lower() in _DATA:
            return found[0]
        codes.append(found["code"])
        return found[0].removesuffix(found["code"]) + chr(_FIRST_PLACE + len(codes) - 1)

    if _HINT.search(line):
        for pattern in _CODES:
            line = pattern.sub(put_by, line)
    return line, codes


def with_codes(line: str, codes: list[str]) -> str:
    """Return the line with its codes again."""

    def take(found: re.Match[str]) -> str:
        number = ord(found[0]) - _FIRST_PLACE
        return codes[number] if number < len(codes) else found[0]

    return _PLACES.sub(take, line) if codes else line
