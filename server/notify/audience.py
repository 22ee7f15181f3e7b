"""Find out who may be told of incidents, when, and what keeps people from being told."""

from collections.abc import Sequence

import msgspec

from server.notify.outlets import Outlets
from server.settings.settings import MinSeverity
from server.storage.database import Transaction
from server.storage.main import noise, notification_routes
from server.storage.main.noise import NoiseFilter
from server.storage.main.notification_routes import Route
from server.storage.main.people import Person


class Audience(msgspec.Struct, frozen=True, kw_only=True):
    """All of it, as it is now; the filters and routes are those that are on."""

    people: Sequence[Person]
    filters: Sequence[NoiseFilter]
    routes: Sequence[Route]
    floor: MinSeverity
    outlets: Outlets


async def read_audience(
    tx: Transaction, people: Sequence[Person], *, floor: MinSeverity, outlets: Outlets, now: int
) -> Audience:
    """Return the audience at `now` (microseconds), of which `people` are read already."""
    return Audience(
        people=people,
        filters=await noise.in_force(tx, now),
        routes=await notification_routes.in_force(tx),
        floor=floor,
        outlets=outlets,
    )
