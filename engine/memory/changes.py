"""Track which records have changed since the last checkpoint, for the next one."""

from collections.abc import Iterator
from typing import Literal

Kind = Literal[
    "archived",
    "awaited",
    "clock",
    "deploy",
    "fix",
    "incident",
    "issue",
    "recent",
    "service",
    "settings",
    "tombstone",
    "watch",
]


class Changes:
    """Records by kind and key, in the order in which they first changed.

    Code that changes, adds or removes a record calls the method of its kind.
    """

    def __init__(self) -> None:
        self._records: dict[tuple[Kind, str], None] = {}

    def __bool__(self) -> bool:
        """Return whether anything has changed."""
        return bool(self._records)

    def __iter__(self) -> Iterator[tuple[Kind, str]]:
        return iter(self._records)

    def clear(self) -> None:
        """Forget all changes, because a checkpoint has saved them."""
        self._records.clear()

    def archived(self, issue_id: str) -> None:
        """Note that the issue that its source calls `issue_id` is archived unseen, or no longer."""
        self._records["archived", issue_id] = None

    def awaited(self, issue_id: str) -> None:
        """Note that news of the issue that its source calls `issue_id` waits, or no longer does."""
        self._records["awaited", issue_id] = None

    def clock(self) -> None:
        """Note that the clock moved."""
        self._records["clock", ""] = None

    def deploy(self, key: str) -> None:
        """Note that the deploy of this key changed."""
        self._records["deploy", key] = None

    def fix(self, key: str) -> None:
        """Note that the issue of this key waits for its fix, or no longer does."""
        self._records["fix", key] = None

    def incident(self, incident_id: str) -> None:
        """Note that the open incident of this id changed, or ended."""
        self._records["incident", incident_id] = None

    def issue(self, key: str) -> None:
        """Note that the issue of this key changed."""
        self._records["issue", key] = None

    def recent(self, key: str) -> None:
        """Note that the recent errors of the service of this key changed."""
        self._records["recent", key] = None

    def service(self, key: str) -> None:
        """Note that the service of this key changed."""
        self._records["service", key] = None

    def settings(self) -> None:
        """Note that the settings changed."""
        self._records["settings", ""] = None

    def tombstone(self, key: str) -> None:
        """Note that the tombstone of the issue of this key changed."""
        self._records["tombstone", key] = None

    def watch(self, key: str) -> None:
        """Note that the watched deploy of the service of this key changed."""
        self._records["watch", key] = None
