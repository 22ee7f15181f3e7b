"""Which records have changed since the last checkpoint, for the next one to say."""

from collections.abc import Iterator
from typing import Literal

Kind = Literal[
    "clock",
    "deploy",
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

    Whoever changes, adds or removes a record calls the method of its kind.
    """

    def __init__(self) -> None:
        self._records: dict[tuple[Kind, str], None] = {}

    def __bool__(self) -> bool:
        """Whether anything has changed."""
        return bool(self._records)

    def __iter__(self) -> Iterator[tuple[Kind, str]]:
        return iter(self._records)

    def clear(self) -> None:
        """A checkpoint has said all of it."""
        self._records.clear()

    def clock(self) -> None:
        """The clock moved."""
        self._records["clock", ""] = None

    def deploy(self, key: str) -> None:
        """The deploy of this key changed."""
        self._records["deploy", key] = None

    def incident(self, incident_id: str) -> None:
        """The open incident of this id changed, or ended."""
        self._records["incident", incident_id] = None

    def issue(self, key: str) -> None:
        """The issue of this key changed."""
        self._records["issue", key] = None

    def recent(self, key: str) -> None:
        """The recent errors of the service of this key changed."""
        self._records["recent", key] = None

    def service(self, key: str) -> None:
        """The service of this key changed."""
        self._records["service", key] = None

    def settings(self) -> None:
        """The settings changed."""
        self._records["settings", ""] = None

    def tombstone(self, key: str) -> None:
        """The tombstone of the issue of this key changed."""
        self._records["tombstone", key] = None

    def watch(self, key: str) -> None:
        """The watched deploy of the service of this key changed."""
        self._records["watch", key] = None
