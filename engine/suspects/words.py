"""Extract the words of an error and of a commit, and rate what it means that they share some."""

import math
import re
from functools import lru_cache

_WORD = re.compile(r"[A-Z]+(?=[A-Z][^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+|[A-Z]+")
_MIN_LENGTH = 3

_ENGLISH = """
the and for not that this with from are was were has have had but its can could may must should
will would when where which while who why how than then them they there into onto over under out
off per via one two all any some each only also too very more most less use uses used using does
did done been being without because instead just now new old
"""
_OF_ANY_ERROR = """
error errors exception exceptions fail failed failure fault invalid illegal unexpected unable
cannot null none nil undefined nan value values argument arguments given got expected found
missing index range bounds access state unsupported runtime type object string number java lang
org com net util
"""
_OF_ANY_COMMIT = """
add added adding adds fix fixed fixes fixing bug bugs issue issues patch change changed changes
changing update updated updates updating remove removed removes make made makes merge merged pull
request commit branch improve improved improvement support supports initial implement implemented
implementation allow allows refactor refactored clean cleanup test tests testing src main code
file files method methods class classes function functions version release get set
"""
_STOP_WORDS = frozenset((_ENGLISH + _OF_ANY_ERROR + _OF_ANY_COMMIT).split())


@lru_cache(maxsize=16384)
def words(text: str) -> frozenset[str]:
    """Return a text's telling words in lower case: `parseHTTPDate` has `parse`, `http`, `date`.

    A plural `s` is dropped, so that `locales` and `locale` are one word.
    """
    return frozenset(
        _singular(word)
        for match in _WORD.findall(text)
        if len(word := match.lower()) >= _MIN_LENGTH and word not in _STOP_WORDS
    )


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 4 and word.endswith("s") and word[-2] not in "su" else word


def rarity(documents: int, holding: int) -> float:
    """Return how telling a word (or file) in `holding` of `documents` is; the usual idf, >= 0."""
    return math.log((documents + 1) / (holding + 1)) + 1 / (documents + 1)
