"""The live stream loses and repeats nothing, and forgets clients that are gone."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientResponse
from pytest_aiohttp import AiohttpClient

from server.keys import DATABASE, LIVE
from server.web.api import stream as stream_module
from tests.server.web.conftest import SIGNED_IN, Client, Open, build, incident, record
from tests.waiting import LIMIT_S, limit, until

PATH = "/api/notifications/stream"


class Message(msgspec.Struct):
    event: str
    id: str | None
    data: Any
    retry: int | None = None


class Reader:
    """Reads a stream as browsers do."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response

    async def message(self) -> Message:
        fields: dict[str, str] = {}
        async with limit():
            async for raw in self.response.content:
                line = raw.decode().rstrip("\r\n")
                if line and not line.startswith(":"):
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif fields:
                    return Message(
                        event=fields["event"],
                        id=fields.get("id"),
                        data=json.loads(fields["data"]),
                        retry=int(fields["retry"]) if "retry" in fields else None,
                    )
        raise EOFError

    async def until(self, event: str) -> list[Message]:
        """The messages up to the next one of this kind."""
        messages = []
        while True:
            messages.append(await self.message())
            if messages[-1].event == event:
                return messages

    async def comment(self) -> str:
        async with limit():
            async for raw in self.response.content:
                if raw.startswith(b":"):
                    return raw.decode().strip()
        raise EOFError


@contextlib.asynccontextmanager
async def reading(
    client: Client, position: int | None = None, **query: str
) -> AsyncIterator[Reader]:
    headers = {} if position is None else {"Last-Event-ID": str(position)}
    async with client.get(PATH, headers=headers, params=query) as response:
        assert response.status == 200
        assert response.content_type == "text/event-stream"
        yield Reader(response)


def ids(messages: list[Message]) -> list[int]:
    return [each.data["id"] for each in messages if each.event == "notification"]


async def test_the_first_message_is_the_count_with_the_position_and_the_pause_before_reconnects(
    client: Client, open_incident: Open
) -> None:
    await open_incident(1)
    async with reading(client) as reader:
        first = await reader.message()
    assert first == Message("unread", "1", {"unread": 1}, retry=stream_module.RETRY_MS)


async def test_a_new_incident_is_told_at_once_with_its_id_and_the_new_count(
    client: Client, open_incident: Open
) -> None:
    async with reading(client) as reader:
        assert (await reader.message()).data == {"unread": 0}
        opened = await open_incident(7)
        told, count = await reader.until("unread")
        assert (told.event, told.id) == ("notification", "1")
        assert told.data["incident_id"] == opened
        assert told.data["title"] == "ValueError: price 7 is negative"
        assert count.data == {"unread": 1}
        assert (await reader.message()).event == "incidents"


async def test_an_incident_that_nobody_is_told_of_still_refreshes_lists(
    client: Client, open_incident: Open
) -> None:
    async with reading(client) as reader:
        await reader.message()
        await open_incident(notify=False)
        assert (await reader.message()).event == "incidents"


async def test_a_reconnect_is_told_what_came_meanwhile_once_and_in_order(
    client: Client, open_incident: Open
) -> None:
    for number in range(1, 6):
        await open_incident(number)
    async with reading(client, position=2) as reader:
        assert ids(await reader.until("unread")) == [3, 4, 5]
        await open_incident(6)
        assert ids(await reader.until("unread")) == [6]


async def test_a_first_connection_goes_on_from_where_its_page_was_made(
    client: Client, open_incident: Open
) -> None:
    await open_incident(1)
    await open_incident(2)
    async with reading(client, after="1") as reader:
        assert ids(await reader.until("unread")) == [2]


async def test_what_the_browser_remembers_goes_before_what_its_page_said(
    client: Client, open_incident: Open
) -> None:
    await open_incident(1)
    await open_incident(2)
    async with reading(client, position=2, after="0") as reader:
        assert ids(await reader.until("unread")) == []


async def test_a_reconnect_after_a_restart_of_the_server_loses_and_doubles_nothing(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    before = await aiohttp_client(build(tmp_path), cookies=SIGNED_IN)
    await record(before.app[DATABASE], incident(1))
    async with reading(before, position=0) as reader:
        assert ids(await reader.until("unread")) == [1]
        await record(before.app[DATABASE], incident(2))
        await before.server.close()
        with pytest.raises(EOFError):
            await reader.message()
    after = await aiohttp_client(build(tmp_path), cookies=SIGNED_IN)
    await record(after.app[DATABASE], incident(3))
    async with reading(after, position=1) as reader:
        assert ids(await reader.until("unread")) == [2, 3]


async def test_a_position_of_another_database_does_not_silence_what_comes(
    client: Client, open_incident: Open
) -> None:
    await open_incident(1)
    async with reading(client, position=4711) as reader:
        assert (await reader.message()).id == "1"
        await open_incident(2)
        assert ids(await reader.until("unread")) == [2]


async def test_a_flood_is_told_completely(client: Client, open_incident: Open) -> None:
    count = 2 * stream_module.BATCH + 7
    for number in range(1, count + 1):
        await record(client.app[DATABASE], incident(number))
    async with reading(client, position=0) as reader:
        messages = await reader.until("unread")
    assert ids(messages) == list(range(1, count + 1))
    assert messages[-1].data == {"unread": count}


async def test_incidents_that_open_while_others_connect_reach_each_reader_exactly_once(
    client: Client,
) -> None:
    count, readers = 30, 5

    async def open_all() -> None:
        for number in range(1, count + 1):
            await record(client.app[DATABASE], incident(number))
            client.app[LIVE].publish(1)

    async def read_all(delay: int) -> list[int]:
        for _ in range(delay):
            await asyncio.sleep(0)
        seen: list[int] = []
        async with reading(client, position=0) as reader:
            while len(seen) < count:
                seen += ids(await reader.until("unread"))
        return seen

    _, *all_seen = await asyncio.gather(
        open_all(), *(read_all(20 * number) for number in range(readers))
    )
    assert all_seen == [list(range(1, count + 1))] * readers


async def test_reading_in_one_tab_lowers_the_count_in_the_others(
    client: Client, open_incident: Open
) -> None:
    await open_incident(1)
    await open_incident(2)
    async with reading(client) as reader:
        assert (await reader.message()).data == {"unread": 2}
        await client.post("/api/notifications/1/read")
        assert (await reader.until("unread"))[-1].data == {"unread": 1}
        await client.post("/api/notifications/read-all")
        assert (await reader.until("unread"))[-1].data == {"unread": 0}


@pytest.mark.parametrize("position", ["x", "-1", "1.5", "9" * 19, "٣"])
async def test_a_position_that_is_none_is_refused(client: Client, position: str) -> None:
    response = await client.get(PATH, params={"after": position})
    assert response.status == 400


async def test_a_reader_that_leaves_is_forgotten(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "KEEP_ALIVE_S", 0.05)
    async with reading(client) as reader:
        await reader.message()
        assert client.app[LIVE].listening == 1
        reader.response.close()
        await until(lambda: not client.app[LIVE].listening)


async def test_a_silent_stream_is_kept_alive(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "KEEP_ALIVE_S", 0.05)
    async with reading(client) as reader:
        await reader.message()
        assert (await reader.comment()).startswith(":")


async def test_stopping_the_server_ends_streams_before_they_have_anything_to_say(
    tmp_path: Path, aiohttp_client: AiohttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_module, "KEEP_ALIVE_S", 10 * LIMIT_S)
    client = await aiohttp_client(build(tmp_path), cookies=SIGNED_IN)
    async with reading(client) as reader:
        await reader.message()
        async with limit():
            await client.server.close()
            with pytest.raises(EOFError):
                await reader.message()


async def test_a_page_that_is_older_than_its_stream_is_told_to_read_again(client: Client) -> None:
    async with client.get("/incidents") as response:
        seen = re.findall(r'data-seen="([0-9a-f.]+)"', await response.text())[0]
    async with reading(client, seen=seen) as reader:
        await reader.until("unread")
        client.app[LIVE].publish_incidents()
        assert [each.event for each in await reader.until("incidents")] == ["incidents"]
    async with reading(client, seen=seen) as reader:
        assert [each.event for each in await reader.until("incidents")] == ["unread", "incidents"]


def test_a_stream_pauses_longer_if_reads_cost_more_and_if_there_are_more_streams() -> None:
    assert stream_module.pause_s(0.001, streams=1) == pytest.approx(0.005)
    assert stream_module.pause_s(0.001, streams=10) == pytest.approx(0.05)
    assert stream_module.pause_s(0.001, streams=500) == stream_module.LONGEST_PAUSE_S
    assert stream_module.pause_s(3.0, streams=1) == stream_module.LONGEST_PAUSE_S
