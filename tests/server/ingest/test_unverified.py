"""Nobody without the secret decides who is told: authors are read from verified webhooks only."""

import pytest

from server.ingest.delivery import Delivery
from server.ingest.unverified import without_authors
from shared.pipe import ChangeWindowEntry, EventEntry
from tests.builders import change_window, change_window_entry, commit, event_entry

WRITTEN = commit("a", author="Ada", author_email="ada@acme.example", author_login="ada")


@pytest.mark.parametrize(
    "entry",
    [
        change_window_entry(1, 0, commits=[WRITTEN]),
        event_entry(1, 0, change_window=change_window(0, commits=[WRITTEN])),
    ],
)
def test_addresses_go_and_all_else_stays(entry: ChangeWindowEntry | EventEntry) -> None:
    (left,) = without_authors(Delivery(entries=(entry,), about="", identity=None)).entries
    assert b"ada@" not in repr(left).encode()
    assert "Ada" in repr(left)
