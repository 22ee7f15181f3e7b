"""The heartbeat is called while everything is well, and at no other time."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest

from server.heartbeat import Heartbeat
from tests.fakes.monitor import FakeMonitor
from tests.waiting import limit


class Patient:
    """What the heartbeat asks for the health; tests set it and wait for the question."""

    def __init__(self, trouble: str | None = None) -> None:
        self.trouble = trouble
        self.looks = 0
        self._looked = asyncio.Event()

    async def find_trouble(self) -> str | None:
        self.looks += 1
        self._looked.set()
        return self.trouble

    async def looked(self, times: int) -> None:
        async with limit():
            while self.looks < times:
                self._looked.clear()
                await self._looked.wait()


@pytest.fixture
async def monitor() -> AsyncIterator[FakeMonitor]:
    async with FakeMonitor() as fake:
        yield fake


@contextlib.asynccontextmanager
async def beating(
    url: str, patient: Patient, *, every_s: float = 0.001, timeout_s: float = 10.0
) -> AsyncIterator[None]:
    heartbeat = Heartbeat(
        url, patient.find_trouble, every_s=every_s, look_again_s=0.001, timeout_s=timeout_s
    )
    task = asyncio.create_task(heartbeat.run())
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        await asyncio.wait({task})


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "pushlog"]


async def test_it_is_called_with_get_while_everything_is_well(
    monitor: FakeMonitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pushlog")
    patient = Patient()
    async with beating(monitor.heartbeat_url, patient):
        await monitor.wait_for_calls(5)
        await patient.looked(6)
    assert set(monitor.calls) == {"GET /ping/secret"}
    assert said(caplog) == ["[server] heartbeat arrives"]


async def test_it_is_not_called_while_something_is_wrong_and_again_when_it_is_well(
    monitor: FakeMonitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pushlog")
    patient = Patient("the journal: its file is gone")
    async with beating(monitor.heartbeat_url, patient):
        await patient.looked(5)
        assert monitor.calls == []
        patient.trouble = None
        await monitor.wait_for_calls(1)
        await patient.looked(7)
    assert said(caplog) == [
        "[server] heartbeat withheld: the journal: its file is gone",
        "[server] heartbeat arrives",
    ]


async def test_after_a_call_the_next_one_waits_a_full_period(monitor: FakeMonitor) -> None:
    patient = Patient()
    async with beating(monitor.heartbeat_url, patient, every_s=3600.0):
        await monitor.wait_for_calls(1)
    assert (patient.looks, len(monitor.calls)) == (1, 1)


@pytest.mark.parametrize("status", [302, 404, 500])
async def test_a_refusal_is_logged_once_and_a_redirect_is_not_followed(
    monitor: FakeMonitor, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.INFO, "pushlog")
    monitor.status = status
    patient = Patient()
    async with beating(monitor.heartbeat_url, patient):
        await monitor.wait_for_calls(3)
        await patient.looked(4)
    assert set(monitor.calls) == {"GET /ping/secret"}
    assert said(caplog) == [
        f"[server] heartbeat does not arrive: HEARTBEAT_URL answered HTTP {status}"
    ]


async def test_an_address_that_does_not_answer_stops_nothing_and_is_never_in_the_log(
    monitor: FakeMonitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pushlog")
    monitor.hang = True
    hung, nobody = Patient(), Patient()
    async with beating(monitor.heartbeat_url, hung, timeout_s=0.01):
        await hung.looked(3)
    async with beating("http://127.0.0.1:1/ping/secret", nobody):
        await nobody.looked(3)
    assert said(caplog) == [
        "[server] heartbeat does not arrive: no answer within 0 s",
        "[server] heartbeat does not arrive: no connection to 127.0.0.1, port 1",
    ]
    assert "secret" not in caplog.text
