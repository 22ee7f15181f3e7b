"""What a sender without the secret must not decide: who is told. Pure."""

from collections.abc import Sequence

from msgspec.structs import replace

from server.ingest.delivery import Delivery
from shared.event import ChangeWindow, Commit
from shared.pipe import ChangeWindowEntry, Entry, EventEntry


def without_authors(delivery: Delivery) -> Delivery:
    """Return the delivery without the addresses of those who wrote commits."""
    return replace(delivery, entries=tuple(_of_entry(entry) for entry in delivery.entries))


def _of_entry(entry: Entry) -> Entry:
    match entry:
        case ChangeWindowEntry():
            return replace(entry, commits=_of_commits(entry.commits))
        case EventEntry(change_window=ChangeWindow() as window):
            return replace(
                entry, change_window=replace(window, commits=_of_commits(window.commits))
            )
    return entry


def _of_commits(commits: Sequence[Commit]) -> list[Commit]:
    return [replace(each, author_email=None, author_login=None) for each in commits]
