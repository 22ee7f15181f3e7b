"""How often an incident's events came is counted from decisions, in stretches of the journal."""

import contextlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.incidents import rate
from server.incidents.rate import Baseline, Rate, read_rate
from server.storage.database import open_database
from server.storage.journal.journal import open_journal
from server.storage.main import decisions, deploys, incidents
from server.storage.main.deploys import DeployMark
from server.storage.times import to_micros
from shared.decisions import Code
from shared.pipe import Decision, IncidentEnded
from tests.builders import at, change_window, event_entry
from tests.server.web.conftest import incident, incident_id

MINE = incident_id(1)
SPIKE = {
    "rate_per_min": 6.0,
    "usual_per_min": 0.2,
    "count": 12,
    "window_min": 2,
    "threshold": 7.0,
    "factor": 30.0,
    "log10_p": -9.0,
}


class Past:
    """Entries that arrived at these seconds; each is an event of the incident or of no incident."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def rate(
        self,
        arrived: Sequence[tuple[float, bool]],
        *,
        now: datetime,
        ended: datetime | None = None,
        **changes: Any,
    ) -> Rate | None:
        async with contextlib.AsyncExitStack() as stack:
            database = await stack.enter_async_context(open_database(self.folder / "pushlog.db"))
            wall = [0]
            journal = await stack.enter_async_context(
                open_journal(
                    self.folder / "journal.db", wall=lambda: wall[0], monotonic=lambda: wall[0]
                )
            )
            said = []
            for seconds, ours in arrived:
                wall[0] = to_micros(at(seconds))
                (seq,) = (await journal.append([event_entry(None, received=None)], None)).seqs
                said.append(
                    Decision(seq, Code.IN_INCIDENT if ours else Code.KNOWN, MINE if ours else None)
                )
            opened_seq = next(each.seq for each in said if each.incident_id)
            async with database.write() as tx:
                await incidents.put(tx, incident(1, seq=opened_seq, **changes))
                await decisions.store(tx, said)
                for seconds in (-3600, -120, 90):
                    await deploys.store(
                        tx, "shop", "production", change_window(seconds, deploy_id=f"d{seconds}")
                    )
                await deploys.store(tx, "other", "production", change_window(60))
                if ended is not None:
                    await incidents.end(tx, IncidentEnded(MINE, "quiet", ended))
            async with database.read() as tx:
                stored = await incidents.get(tx, MINE)
                assert stored is not None
                return await read_rate(tx, journal, stored, now)


@pytest.fixture
def past(database_path: Path) -> Past:
    return Past(database_path.parent)


async def test_only_the_events_of_the_incident_count_each_in_its_minute(past: Past) -> None:
    arrived = [(-30, False), (0, True), (1, False), (59.9, True), (60, True), (61, False)]
    found = await past.rate([*arrived, (200, True)], now=at(210))
    assert found is not None
    assert (found.begin, found.opened_at, found.end) == (at(-600), at(0), at(240))
    assert [(point.at, point.events) for point in found.points] == [
        (at(0), 2),
        (at(60), 1),
        (at(120), 0),
        (at(180), 1),
    ]
    assert not any(point.at_least for point in found.points)


@pytest.mark.parametrize(
    ("numbers", "baseline"),
    [
        (SPIKE, Baseline(0.2, 3.5, 2, 12)),
        (SPIKE | {"different_errors": 12}, None),
        ({"said_by_source": "sentry"}, None),
        ({}, None),
    ],
)
async def test_what_was_usual_is_told_only_of_a_spike_of_this_error(
    past: Past, numbers: dict[str, float], baseline: Baseline | None
) -> None:
    found = await past.rate([(0, True)], now=at(10), trigger="spike", trigger_numbers=numbers)
    assert found is not None
    assert found.baseline == baseline


async def test_deploys_of_the_same_place_and_time_are_marked(past: Past) -> None:
    found = await past.rate([(0, True)], now=at(100))
    assert found is not None
    assert found.deploys == [
        DeployMark(at(-120), "d-120", None),
        DeployMark(at(90), "d90", None),
    ]


@pytest.mark.parametrize(
    ("minutes", "step_min", "points"),
    [(0.1, 1, 1), (60, 1, 60), (61, 2, 31), (24 * 60, 30, 48), (60 * 1440, 1440, 60)],
)
async def test_however_long_it_lasts_the_chart_has_few_stretches(
    past: Past, minutes: float, step_min: int, points: int
) -> None:
    ended = at(minutes * 60)
    found = await past.rate([(0, True), (1, True)], now=ended + timedelta(days=9), ended=ended)
    assert found is not None
    assert (found.step_min, len(found.points)) == (step_min, points)
    assert sum(point.events for point in found.points) == 2


async def test_beyond_the_limit_a_count_says_that_it_is_the_least(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate, "LOOKED_AT_MOST", 3)
    found = await past.rate([*((n, True) for n in range(5)), (70, True)], now=at(100))
    assert found is not None
    assert [(point.events, point.at_least) for point in found.points] == [(3, True), (1, False)]
