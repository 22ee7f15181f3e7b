"""Only meaningful words are compared, in one form."""

from hypothesis import given
from hypothesis import strategies as st

from engine.suspects.words import rarity, words


def test_names_fall_apart_where_their_parts_meet() -> None:
    assert words("parseHTTPDate tax_rate TaxRate") == {"parse", "http", "date", "tax", "rate"}


def test_words_of_any_error_or_any_commit_say_nothing() -> None:
    assert words("java.lang.IllegalArgumentException: null") == set()
    assert words("Fixed a bug and added tests") == set()


def test_one_and_many_are_one_word() -> None:
    assert words("locales") == words("locale")
    assert words("address") == {"address"}
    # A short word would lose too much.
    assert words("carts logs") == {"cart", "logs"}


def test_other_alphabets_have_words() -> None:
    assert words("цена отрицательна") == {"цена", "отрицательна"}


def test_a_rarer_word_tells_more() -> None:
    assert rarity(50, 1) > rarity(50, 10) > rarity(50, 50) >= 0


@given(st.text())
def test_no_text_is_too_odd(text: str) -> None:
    assert all(word == word.lower() and len(word) > 2 for word in words(text))


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_word_never_speaks_against_a_commit(documents: int, holding: int) -> None:
    assert rarity(documents, min(holding, documents)) > 0
