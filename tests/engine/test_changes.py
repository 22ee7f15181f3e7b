"""Commits that can hardly break anything are distinguished from those that can."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.suspects.commit_kinds import Kind, kinds, runs_in_production
from tests.builders import commit


def kind(message: str = "Round prices", **changes: Any) -> Kind:
    return kinds([commit(message=message, **changes)])[0]


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "docs/setup.py",
        "CHANGELOG",
        "LICENSE",
        "tests/test_cart.py",
        "shop/test_cart.py",
        "shop/conftest.py",
        "src/test/java/org/shop/CartTest.java",
        "org/shop/TestCart.java",
        "src/cart.spec.ts",
        "src/__tests__/cart.ts",
        "cart_test.go",
        "spec/cart_spec.rb",
        "package-lock.json",
        "poetry.lock",
        "go.sum",
        ".github/workflows/ci.yml",
        ".gitignore",
        "Jenkinsfile",
        "web/logo.png",
    ],
)
def test_what_production_does_not_run_is_known(path: str) -> None:
    assert not runs_in_production(path)


@pytest.mark.parametrize(
    "path",
    [
        "shop/cart.py",
        "src/latest.js",
        "src/Contest.cs",
        "shop/attestation.py",
        "package.json",
        "requirements.txt",
        "pom.xml",
        "Dockerfile",
        "config/production.yml",
        ".env.production",
        "migrations/0001.sql",
        "site/views.py",
    ],
)
def test_what_production_runs_or_reads_is_not_passed_over(path: str) -> None:
    assert runs_in_production(path)


@pytest.mark.parametrize(
    "message", ["Fix typo", "Javadoc", "docs: say how", "Add license headers", "Update comments"]
)
def test_a_change_of_words_is_known_by_its_message(message: str) -> None:
    assert kind(message) == "rewording"


@pytest.mark.parametrize(
    "message",
    [
        "Correct speling",
        "Fix a misspeling in the cart",
        "Fix misspellings",
        "Typos, spelling, punctuation, grammar of docs, comments, copyright headers and @since",
    ],
)
def test_a_change_of_spelling_is_one_of_words_however_much_or_badly_it_says(message: str) -> None:
    assert kind(message) == "rewording"


@pytest.mark.parametrize(
    "message",
    ["Reformat with prettier", "Fix indentation", "Rename Cart to Basket", "style: black"],
)
def test_a_change_of_layout_takes_out_what_it_puts_in(message: str) -> None:
    assert kind(message, added=40, deleted=41) == "layout"
    assert kind(message, added=400, deleted=41) == "code"
    assert kind(message, added=None, deleted=None) == "layout"


@pytest.mark.parametrize(
    "message",
    [
        "Post comments to the feed",
        "Parse the Authorization header",
        "Format prices",
        "Move to euro",
    ],
)
def test_a_feature_is_not_taken_for_cosmetics_by_one_word(message: str) -> None:
    assert kind(message, added=80, deleted=3) == "code"


def test_a_commit_of_which_no_file_is_known_may_be_code() -> None:
    assert kind(files=[]) == "code"


def test_one_file_that_runs_is_enough() -> None:
    assert kind(files=["README.md", "tests/test_cart.py"]) == "not_run"
    assert kind(files=["README.md", "shop/cart.py"]) == "code"


def test_a_merge_of_commits_that_are_listed_brings_nothing_of_its_own() -> None:
    merge = commit("m" * 8, message="Merge pull request #3 from ada/round")
    assert kinds([commit(), merge]) == ["code", "merge"]


def test_a_merge_of_commits_that_are_not_listed_is_a_change() -> None:
    merge = commit("m" * 8, message="Merge branch 'round'", files=["shop/tax.py"])
    assert kinds([commit(), merge]) == ["code", "code"]


def test_a_commit_and_its_revert_undo_each_other() -> None:
    change = commit("abcdef12", message="Round half up")
    by_hash = commit("12345678", message="Back\n\nThis reverts commit abcdef12.")
    by_title = commit("12345678", message='Revert "Round half up"')
    assert kinds([change, by_hash]) == ["undone", "undone"]
    assert kinds([change, by_title]) == ["undone", "undone"]


def test_a_revert_of_what_was_deployed_before_is_a_change() -> None:
    assert kind('Revert "Round half up"\n\nThis reverts commit abcdef12.') == "code"


@given(st.text(), st.text(min_size=1))
def test_no_commit_is_too_odd(message: str, path: str) -> None:
    assert kind(message, files=[path]) in ("code", "rewording", "layout", "not_run", "merge")
