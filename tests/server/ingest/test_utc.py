"""What comes in with another offset is the same moment, in UTC, for everybody who sees it later."""

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import aiohttp
import msgspec
import pytest
from msgspec.structs import replace

from server.ingest.generic import parse_generic
from server.ingest.github import parse_github
from server.ingest.utc import in_utc
from server.settings.environments import EnvironmentMap
from server.settings.services import ServiceMap
from shared.event import Push
from shared.pipe import EventEntry
from tests.builders import (
    START,
    change_window,
    change_window_entry,
    commit,
    event,
    event_entry,
    resolve,
    silence,
)
from tests.processes import ServerProcess
from tests.server.ingest.github_payloads import sample as github_sample

KABUL = timezone(timedelta(hours=4, minutes=30))
THERE = START.astimezone(KABUL)


def times(text: bytes) -> list[str]:
    return re.findall(r"\d{4}-\d\d-\d\dT[\d:.]+[^\"]*", text.decode())


def push() -> Push:
    commits = [commit(timestamp=THERE)]
    return Push(title="x", branch="main", by="ada", repository="a/b", services=[], commits=commits)


def window() -> Any:
    return replace(change_window(commits=[commit(timestamp=THERE)], push=push()), deploy_time=THERE)


@pytest.mark.parametrize(
    "entry",
    [
        event_entry(1, timestamp=THERE, change_window=window()),
        change_window_entry(1, deploy_time=THERE, commits=[commit(timestamp=THERE)], push=push()),
        resolve(1, time=THERE),
        silence(1, time=THERE, until=THERE),
    ],
)
def test_every_time_of_every_entry_is_the_same_moment_in_utc(entry: Any) -> None:
    before, after = (msgspec.json.encode(each) for each in (entry, in_utc(entry)))
    assert any(each.endswith("+04:30") for each in times(before))
    assert {each[-1] for each in times(after)} == {"Z"}
    assert in_utc(entry) == entry


ENDS = [
    datetime.min.replace(tzinfo=KABUL),
    datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
]


@pytest.mark.parametrize("odd", ENDS)
def test_at_the_ends_of_the_calendar_a_time_stays_within_it(odd: datetime) -> None:
    entry = in_utc(event_entry(1, timestamp=odd))
    assert isinstance(entry, EventEntry)
    assert entry.timestamp == odd.replace(tzinfo=UTC)


def test_each_adapter_gives_utc() -> None:
    body = msgspec.json.encode(event(timestamp=THERE, change_window=window()))
    deliveries = [parse_generic(body, None, START)]
    pushed = github_sample("push")
    pushed["commits"][0]["timestamp"] = THERE.isoformat()
    deliveries.append(
        parse_github(
            msgspec.json.encode(pushed),
            event="push",
            delivery="guid",
            content_type="application/json",
            received=START,
            services=ServiceMap((), ()),
            environments=EnvironmentMap((), ()),
            announce_deploys=True,
        )
    )
    for delivery in deliveries:
        assert {each[-1] for each in times(msgspec.json.encode(delivery.entries))} == {"Z"}


async def test_what_people_are_told_of_a_deploy_elsewhere_is_in_utc(
    http: aiohttp.ClientSession, server: ServerProcess
) -> None:
    now = datetime.now(KABUL)
    deployed = replace(change_window(), deploy_time=now - timedelta(minutes=5))
    body = msgspec.json.encode(event(timestamp=now, change_window=deployed))
    async with http.post(f"{server.url}/api/webhooks/incidents", data=body) as response:
        assert response.status == 202
    opened = await server.log.wait_for(r"incident (inc-[0-9a-f]{16}) \(new_issue\)")
    async with http.get(f"{server.url}/api/incidents/{opened[1]}") as response:
        found = await response.read()
    assert len(times(found)) > 3
    assert {each[-1] for each in times(found)} == {"Z"}
