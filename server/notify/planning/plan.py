"""What a plan is made of: who heard before, and who is told now."""

import msgspec

from server.notify.news import IncidentNews
from server.storage.main.noise import NoiseFilter
from server.storage.main.not_told import NotTold
from server.storage.main.notification_routes import Timing
from server.storage.main.notifications import Change
from server.storage.main.outbox import NewDelivery


class Heard(msgspec.Struct, frozen=True):
    """Who was told about an incident before: in the bell, and by channel and receiver outside."""

    people: frozenset[int] = frozenset()
    outside: frozenset[tuple[str, str]] = frozenset()


def change_of(news: IncidentNews, *, seq: int, at: int, title: str | None = None) -> Change:
    """Return the change of which `news` tells, because of the entry at `seq`; `at` in microseconds.

    In the bell it has the `title` of its incident, if none is given.
    """
    return Change(
        incident_id=news.incident.incident_id,
        seq=seq,
        change=news.change,
        title=news.incident.title if title is None else title,
        at=at,
    )


class Plan(msgspec.Struct):
    """Whose bell rings, what goes outside, and who is not told, for one thing that happened.

    `of` is the change of an incident, if it is one. `held_back_by` is the noise filter because of
    which nobody is told, and `waits` when a route has them told, if that is not now.
    """

    of: Change | None = None
    people: list[int] = msgspec.field(default_factory=list)
    deliveries: list[NewDelivery] = msgspec.field(default_factory=list)
    not_told: list[NotTold] = msgspec.field(default_factory=list)
    held_back_by: NoiseFilter | None = None
    waits: Timing | None = None
