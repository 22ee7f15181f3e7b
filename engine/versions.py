"""Compare releases by their names: `shop@1.10.0-rc.1+37`, `v1.9`, `2025.03.04`, `release-1.10`.

Numbers and prereleases follow Semantic Versioning 2.0.0 (11), with what else is common: fewer or
more numbers, dates, `1.0rc1`, `1.9 (42)` of Apple's builds, `1.4.0-hotfix.1` and `1.4.0-2-g3f2a9c1`
of `git describe`, which are after 1.4.0, and words in front. A hash has no order.
"""

import re
from functools import lru_cache

import msgspec

_RELEASE = re.compile(
    r"""
    (?:(?P<package>.*)@)?
    (?P<words>(?:(?!v\d)[a-z][a-z0-9]*(?:[-_/\ ]|\.(?=[a-z])))+)?
    v?(?P<numbers>\d{1,14}(?:\.\d{1,14}){0,5})
    (?:-(?P<described>\d{1,6})-g[0-9a-f]{4,40}
      |[-._]?(?P<early>(?:alpha|beta|preview|pre|dev|rc|a|b|c)(?:[-.]?\d{1,9})?|(?<=[-._])[\da-z.-]+)
    )?
    (?:\+(?P<build>[\da-z.-]+)|\ ?\((?P<counted>\d{1,9})\))?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_DATE = re.compile(r"\b((?:19|20)\d\d)-(\d\d)-(\d\d)\b")
_MOMENT = re.compile(r"\b((?:19|20)\d{6})T(\d{4,6})Z?\b", re.IGNORECASE)
_WEEK = re.compile(r"\b((?:19|20)\d\d)-?w(\d\d?)\b", re.IGNORECASE)
_HASH = re.compile(r"(?=\d*[a-f])[0-9a-f]{7,64}", re.IGNORECASE)
_COUNT = re.compile(r"\d{1,6}|(?:19|20)\d{6,12}")
"""A single number that counts builds or is a date; another may be a hash."""
_COUNTING = frozenset(("b", "build", "deploy", "rel", "release", "rev", "run", "ver", "version"))
"""Words after which a single number is a version; others may name a branch or a ticket."""
_FINAL_WORDS = frozenset(("final", "ga", "release"))
_LATER_WORDS = frozenset(("hotfix", "patch", "post", "sp"))

_PART = re.compile(r"\d+|[a-z]+", re.IGNORECASE)

_EARLY, _FINAL, _LATER = range(3)

Parts = tuple[tuple[int, int, str], ...]


class Version(msgspec.Struct, frozen=True):
    """What the name of a release says about its place among others of its `package`."""

    package: str
    order: tuple[tuple[int, ...], int, Parts]
    build: str
    """What it was built as: a number, or nothing that could be compared."""


def is_before(one: str, other: str) -> bool | None:
    """Return whether release `one` is older than `other`, or None if their names do not tell."""
    left, right = _read(one), _read(other)
    if left is None or right is None:
        return None
    if left.package and right.package and left.package != right.package:
        return None
    if left.order != right.order:
        return left.order < right.order
    if left.build.isdecimal() and right.build.isdecimal():
        return int(left.build) < int(right.build)
    return False if left.build == right.build else None


@lru_cache(maxsize=1_024)
def _read(release: str) -> Version | None:
    package, at, version = release.strip().rpartition("@")
    if _HASH.fullmatch(version):
        return None
    version = _WEEK.sub(r"\1.\2", _MOMENT.sub(r"\1.\2", _DATE.sub(r"\1.\2.\3", version)))
    found = _RELEASE.fullmatch(package + at + version)
    if found is None:
        return None
    texts, words = found["numbers"].split("."), (found["words"] or "").lower()
    if len(texts) == 1 and not (_COUNT.fullmatch(texts[0]) or found["early"]):
        return None
    if len(texts) == 1 and words and _PART.findall(words)[-1] not in _COUNTING:
        return None
    numbers = [int(text) for text in texts]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    stage, parts, build = _FINAL, Parts(), found["build"] or found["counted"] or ""
    if found["described"]:
        stage, parts = _LATER, _parts(found["described"])
    elif found["early"] and _HASH.fullmatch(found["early"]):
        build = found["early"]
    elif found["early"]:
        stage, parts = _stage(_parts(found["early"]))
    return Version(package.lower() + at + words, (tuple(numbers), stage, parts), build)


def _stage(parts: Parts) -> tuple[int, Parts]:
    """Return whether these parts behind the numbers are before, at or after the release."""
    word = parts[0][2] if parts else ""
    if word in _FINAL_WORDS:
        return _FINAL, parts[1:]
    return _LATER if word in _LATER_WORDS else _EARLY, parts


def _parts(text: str) -> Parts:
    """Return the parts of a prerelease so that they compare: numbers by value, before words."""
    return tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part.lower())
        for part in _PART.findall(text)
    )
