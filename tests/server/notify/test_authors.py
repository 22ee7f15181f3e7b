"""Commits lead to a person by what an admin said, by address, and by the name at GitHub."""

from datetime import timedelta

import pytest

from server.notify.authors import person_of
from server.storage.main.commit_authors import CommitAuthor, address_of, login_of
from server.storage.main.people import Person
from tests.builders import START, commit

ADA = Person(1, "Ada", "Ada@acme.example", True, "all")
BOB = Person(2, "Bob", "bob@acme.example", True, "all")
NOBODY = Person(3, "operator", None, False, "all")
PEOPLE = [ADA, BOB, NOBODY]
HIDDEN = "12345+ada@users.noreply.github.com"


def author(
    address: str, login: str | None = None, person: int | None = None, *, by_hand: bool = False
) -> CommitAuthor:
    return CommitAuthor(
        address=address,
        login=login,
        name="A",
        person_id=person,
        by_hand=by_hand,
        seen_at=START + timedelta(0),
    )


@pytest.mark.parametrize(
    ("address", "login", "authors", "person"),
    [
        ("ada@acme.example", None, [], ADA),
        ("eve@acme.example", None, [], None),
        (None, None, [], None),
        # GitHub said elsewhere that Ada's address and this name are one.
        (HIDDEN, "ada", [author("ada@acme.example", "ada")], ADA),
        (HIDDEN, "ada", [], None),
        ("ada@home.example", "ada", [author("ada@acme.example", "ada")], ADA),
        # Two people with one name at GitHub: not certain.
        (HIDDEN, "a", [author("ada@acme.example", "a"), author("bob@acme.example", "a")], None),
        # What an admin said comes first, for this address and for others of the same name.
        ("ada@acme.example", None, [author("ada@acme.example", None, 2, by_hand=True)], BOB),
        ("ada@acme.example", None, [author("ada@acme.example", None, None, by_hand=True)], None),
        (HIDDEN, "ada", [author("x@y.example", "ada", 2, by_hand=True)], BOB),
        # Somebody who is no longer here.
        ("x@y.example", None, [author("x@y.example", None, 9, by_hand=True)], None),
    ],
)
def test_who_wrote_it(
    address: str | None, login: str | None, authors: list[CommitAuthor], person: Person | None
) -> None:
    assert person_of(address, login, PEOPLE, authors) == person


@pytest.mark.parametrize(
    ("email", "login", "found"),
    [
        (HIDDEN, None, "ada"),
        ("Ada@users.noreply.github.com", None, "ada"),
        ("ada@acme.example", "AdaL", "adal"),
        ("ada@acme.example", None, None),
        ("1+x+ada@users.noreply.github.com", None, None),
        ("ada@users.noreply.github.com.evil.example", None, None),
        (None, None, None),
    ],
)
def test_the_name_at_github_is_in_the_addresses_that_hide_one(
    email: str | None, login: str | None, found: str | None
) -> None:
    assert login_of(commit(author_email=email, author_login=login)) == found


def test_addresses_are_compared_without_case_and_blanks() -> None:
    assert address_of(commit(author_email=" Ada@Acme.Example ")) == "ada@acme.example"
    assert address_of(commit(author_email="  ")) is None
