"""Admins say whose commits are whose, where addresses do not tell; members see it."""

import json

import pytest

from server.keys import DATABASE
from server.storage.main import commit_authors
from tests.builders import commit
from tests.server.web.accounts.conftest import Visitor
from tests.server.web.conftest import Client

PAGE = "/settings/people"
HIDDEN = "7+ada@users.noreply.github.com"


@pytest.fixture
async def ada(client: Client, ada: Visitor) -> Visitor:
    async with client.app[DATABASE].write() as tx:
        await commit_authors.note(
            tx,
            [
                commit("a", author="Ada", author_email="ada@example.org", author_login="ada"),
                commit("b", author="Ada L.", author_email=HIDDEN),
                commit("c", author="Eve <b>", author_email="eve@home.example"),
            ],
            1,
        )
    return ada


async def whose(visitor: Visitor) -> dict[str, tuple[str | None, bool]]:
    """By address: the person, and whether an admin said so."""
    _, text = await visitor.get("/api/authors")
    return {
        each["address"]: (each["person"], each["by_hand"]) for each in json.loads(text)["authors"]
    }


async def test_addresses_and_names_at_github_lead_to_people(ada: Visitor) -> None:
    found = await whose(ada)
    assert found == {
        "ada@example.org": ("Ada", False),
        HIDDEN: ("Ada", False),
        "eve@home.example": (None, False),
    }


async def test_an_admin_corrects_it_on_the_page_and_takes_it_back(
    ada: Visitor, bob: Visitor
) -> None:
    _, page = await ada.get(PAGE)
    assert "Whose commits are whose" in page
    assert "Eve &lt;b&gt;" in page
    _, people = await ada.get("/api/people")
    ids = {each["name"]: str(each["id"]) for each in json.loads(people)["people"]}
    save = f"{PAGE}/authors"
    for person, expected in (
        (ids["Bob"], ("Bob", True)),
        ("nobody", (None, True)),
        ("auto", (None, False)),
    ):
        status, page = await ada.post(save, address="eve@home.example", person=person)
        assert status == 200
        assert "Saved." in page
        assert (await whose(ada))["eve@home.example"] == expected


async def test_a_member_sees_whose_commits_are_whose_and_changes_nothing(
    ada: Visitor, bob: Visitor
) -> None:
    _, page = await bob.get(PAGE)
    assert "Whose commits are whose" in page
    assert f'action="{PAGE}/authors"' not in page
    status, _ = await bob.post(f"{PAGE}/authors", address="eve@home.example", person="nobody")
    assert status == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"address": "eve@home.example", "person": 999}, 404),
        ({"address": "mallory@home.example", "person": "auto"}, 404),
        ({"address": "eve@home.example", "person": "somebody"}, 400),
        ({"address": "eve@home.example", "person": -1}, 400),
        ({"address": "eve@home.example"}, 400),
    ],
)
async def test_what_makes_no_sense_is_refused(
    ada: Visitor, body: dict[str, object], status: int
) -> None:
    answered, _ = await ada.ask("PUT", "/api/authors", json=body)
    assert answered == status
    assert (await whose(ada))["eve@home.example"] == (None, False)


async def test_the_form_says_what_is_wrong(ada: Visitor) -> None:
    status, page = await ada.post(f"{PAGE}/authors", address="eve@home.example", person="0")
    assert status == 400
    assert "Expected `int` &gt;= 1" in page
