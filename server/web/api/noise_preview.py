"""What a noise filter would have held back in the last days, to look at before it is turned on."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import msgspec
from aiohttp import web

from server.keys import DATABASE
from server.notify.noise import noise_in
from server.storage.database import Database
from server.storage.main.noise import FilterValues
from server.web.api.noise import FilterBody, checked
from server.web.api.recent_incidents import recent_incidents
from server.web.requests import answer, read_body
from shared.incident import IncidentSummary
from shared.structs import made_of

DAYS = 7
MOST_SHOWN = 20


class HeldBack(msgspec.Struct, frozen=True, kw_only=True):
    """An incident of which nobody would have been notified."""

    incident_id: str
    title: str
    service: str
    environment: str
    start_time: datetime


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a filter would have held back of the `incidents` of the last `days`.

    `held_back` counts them; `newest` are the first of these, newest first.
    """

    days: int
    incidents: int
    held_back: int
    newest: list[HeldBack]


async def preview_filter(request: web.Request) -> web.Response:
    """``POST /api/noise-filters/preview``: changes nothing."""
    values = checked(await read_body(request, FilterBody))
    return answer(await preview(request.app[DATABASE], values))


async def preview(database: Database, values: FilterValues) -> Preview:
    """Return what this filter, on and alone, would have held back in the last days."""
    looked_at, held_back = 0, 0
    newest: list[HeldBack] = []
    async for some in recent_incidents(database, DAYS):
        looked_at += len(some)
        found = await asyncio.to_thread(_held_back, some, values)
        held_back += len(found)
        newest += found[: MOST_SHOWN - len(newest)]
    return Preview(days=DAYS, incidents=looked_at, held_back=held_back, newest=newest)


def _held_back(some: Sequence[IncidentSummary], values: FilterValues) -> list[HeldBack]:
    return [made_of(each, HeldBack) for each in some if noise_in(each, [values]) is not None]
