"""A stdout that nobody reads stalls nothing; lines that do not fit are counted."""

import asyncio
import fcntl
import logging
import os
import re
import select
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from server.process.log import OneLine, lines_lost
from server.process.log_writer import LogWriter
from tests.builders import event
from tests.processes import running_server
from tests.waiting import LIMIT_S, limit

PIPE_BYTES = 4096


async def until_all_are_incidents(http: aiohttp.ClientSession, url: str, count: int) -> None:
    while True:
        async with http.get(f"{url}/api/incidents?limit={count}") as response:
            if len((await response.json())["incidents"]) == count:
                return
        await asyncio.sleep(0.05)


class Pipe:
    """A log into a pipe that holds little and is read only when asked to."""

    def __init__(self) -> None:
        self.end, into = os.pipe()
        self.into = into
        fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        self.writer = LogWriter(into, lines_lost, max_waiting=10)
        self.writer.setFormatter(OneLine())

    def log(self, text: str) -> None:
        self.writer.handle(logging.LogRecord("pushlog", logging.INFO, "", 0, text, (), None))

    def read_until(self, text: str) -> list[str]:
        """Lines, after their time, up to the one with `text`."""
        read = b""
        while text.encode() not in read:
            read += os.read(self.end, PIPE_BYTES)
        return [line.partition(" ")[2] for line in read.decode().splitlines()]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    os.close(made.end)
    os.close(made.into)


def test_lines_come_in_their_order_as_they_are(pipe: Pipe) -> None:
    for number in range(5):
        pipe.log(f"line {number} é")
    assert pipe.read_until("line 4") == [f"INFO line {number} é" for number in range(5)]


def test_what_nobody_takes_stalls_nobody_and_is_counted(pipe: Pipe) -> None:
    long = "x" * PIPE_BYTES
    pipe.log(f"0 {long}")
    # Some of it is in the pipe, which is full then, and the rest is being written.
    select.select([pipe.end], [], [])
    for number in range(1, 30):
        pipe.log(f"{number} {long}")
    told = pipe.read_until(f"10 {long}")
    pipe.log("after it")
    told += pipe.read_until("after it")
    kept = [f"INFO {number} {long}" for number in range(11)]
    assert told[: len(kept)] == kept
    *notice, last = told[len(kept) :]
    assert notice == ["ERROR [server] 19 lines of the log are lost: nobody took them"]
    assert last == "INFO after it"


def test_a_flush_waits_for_the_last_line_but_for_nobody_who_does_not_read(pipe: Pipe) -> None:
    pipe.log("a")
    pipe.writer.flush()
    assert os.read(pipe.end, PIPE_BYTES).endswith(b"INFO a\n")
    pipe.log("x" * 3 * PIPE_BYTES)
    flushed = threading.Thread(target=pipe.writer.flush)
    flushed.start()
    flushed.join(LIMIT_S)
    assert not flushed.is_alive()
    pipe.read_until("\n")


def test_where_the_reader_is_gone_lines_are_lost_and_nothing_else() -> None:
    end, into = os.pipe()
    writer = LogWriter(into, lines_lost)
    os.close(end)
    writer.handle(logging.LogRecord("pushlog", logging.INFO, "", 0, "a", (), None))
    writer.flush()
    os.close(into)


async def test_a_server_whose_log_nobody_reads_goes_on(
    tmp_path: Path, http: aiohttp.ClientSession
) -> None:
    path = tmp_path / "log"
    os.mkfifo(path)
    end = os.open(path, os.O_RDWR)
    fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    command = ("/bin/sh", "-c", f"exec {sys.executable} -m server > {path}")
    async with running_server(tmp_path, command=command, listening=False) as server:
        read = b""
        while (found := re.search(rb"Listening on (http://\S+)\n", read)) is None:
            read += await asyncio.to_thread(os.read, end, PIPE_BYTES)
        url = found[1].decode()
        async with limit():
            for number in range(40):
                # A line each for its incident, which is never folded.
                error = event(number, service=f"service-{number}", message="x" * 500)
                body = msgspec.json.encode(error)
                async with http.post(f"{url}/api/webhooks/incidents", data=body) as response:
                    assert response.status == 202
            await until_all_are_incidents(http, url, 40)
        assert await server.interrupt() == 0
    os.close(end)
