"""Who hears of what: pure, so that each rule can be read and tested by itself."""

from collections.abc import Iterable, Sequence
from typing import Literal

from server.storage.people import Person
from shared.event import Severity

TOLD = ("opened", "escalated")
"""The changes of an incident that people are told; the rest they find when they look."""

_RANK = {"all": 0, "warning": 0, "error": 1, "critical": 2}


def recipients(
    people: Iterable[Person], severity: Severity, floor: Literal["all", "error", "critical"]
) -> Sequence[Person]:
    """Those whose own floor, and that of the installation, lets this severity through."""
    if _RANK[severity] < _RANK[floor]:
        return ()
    return [person for person in people if _RANK[severity] >= _RANK[person.min_severity]]
