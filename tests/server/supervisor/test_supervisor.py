"""Every accepted entry ends in exactly one decision, whatever becomes of the engine."""

import asyncio
import logging
import os
import signal
import sys

import pytest

from server.supervisor.life import Limits
from shared.pipe import Decision, IncidentEnded
from tests.server.supervisor.scene import QUICK, Scene, misbehaving, small_window


async def test_each_entry_is_decided_once_and_in_order(stage: Scene) -> None:
    await stage.accept(*["Boom"] * 10)
    async with stage.supervising():
        await stage.accept(*["Boom"] * 190)
        await stage.decided()
    assert await stage.counts() == list(range(1, 201))
    assert stage.supervisor.status().state == "stopped"


async def test_nothing_is_lost_or_counted_twice_when_the_engine_is_killed(stage: Scene) -> None:
    async with stage.supervising():
        for kill in range(1, 6):
            await stage.running()
            accepting = asyncio.create_task(stage.accept(*["Boom"] * 200))
            before = (await stage.progress()).recorded_seq
            await stage.decided(before + 20)
            stage.kill_child()
            await accepting
            await stage.restarted(kill)
        await stage.decided()
    assert await stage.counts() == list(range(1, 1_001))
    assert await stage.dead_letters() == []


async def test_the_engine_knows_after_a_restart_of_the_server_what_it_knew(stage: Scene) -> None:
    for _ in range(3):
        async with stage.supervising():
            await stage.accept(*["Boom", "Bang"] * 40)
            await stage.decided()
    assert await stage.counts() == [1 + n // 2 for n in range(240)]
    assert (await stage.progress()).watermark == 240


async def test_entries_wait_while_there_is_no_engine(
    stage: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with stage.supervising(("/nonexistent/engine",)) as supervisor:
        await stage.accept("Boom", "Boom")
        await stage.until(lambda: supervisor.status().restarts >= 3)
        status = supervisor.status()
        assert not supervisor.writable
        assert status.backlog == supervisor.backlog == 2
        assert status.degraded == ("the engine ended: its command was not found (exit code 127)")
    assert "[incident-engine] cannot start /nonexistent/engine: No such file" in caplog.text
    async with stage.supervising() as supervisor:
        await stage.decided()
        await stage.until(lambda: supervisor.backlog == 0 and supervisor.writable)
        assert supervisor.status().degraded is None
        assert supervisor.status().engine == "honest 1"


async def test_an_engine_that_ends_at_once_is_tried_again_and_named(stage: Scene) -> None:
    async with stage.supervising(misbehaving("exits")) as supervisor:
        await stage.until(lambda: supervisor.status().restarts >= 3)
        assert supervisor.status().degraded == "the engine ended: exit code 3"
        assert supervisor.status().last_exit == "exit code 3"


async def test_an_engine_that_died_counts_as_well_only_after_a_while(stage: Scene) -> None:
    async with stage.supervising(backoff_s=2) as supervisor:
        await stage.running()
        assert supervisor.status().degraded is None
        stage.kill_child()
        await stage.until(lambda: supervisor.status().restarts == 1)
        await stage.running()
        assert supervisor.status().degraded == "the engine ended: killed by SIGKILL"
        await stage.until(lambda: supervisor.status().degraded is None)


async def test_what_is_in_flight_is_bounded(stage: Scene) -> None:
    async with stage.supervising(misbehaving("slow"), limits=small_window(5)) as supervisor:
        await stage.running()
        await stage.accept(*["Boom"] * 30)
        seen = set()
        while supervisor.backlog:
            seen.add(supervisor.status().in_flight)
            if supervisor.status().in_flight >= 5:
                assert not supervisor.writable
            await asyncio.sleep(0.001)
        assert max(seen) == 5
        await stage.decided()
    assert await stage.counts() == list(range(1, 31))


async def test_the_last_words_of_the_engine_are_recorded(stage: Scene) -> None:
    async with stage.supervising(misbehaving("late")):
        await stage.running()
        await stage.accept(*["Boom"] * 10)
        await stage.until(lambda: stage.supervisor.status().in_flight == 10)
    assert await stage.counts() == list(range(1, 11))
    assert (await stage.progress()).watermark == 10


async def test_an_engine_that_does_not_end_is_killed_and_nothing_is_lost(stage: Scene) -> None:
    async with stage.supervising(misbehaving("stubborn"), stop_s=0.5):
        await stage.accept(*["Boom"] * 10)
        await stage.decided()
    async with stage.supervising():
        await stage.accept("Boom")
        await stage.decided()
    assert await stage.counts() == list(range(1, 12))


async def test_it_stops_at_once_with_many_entries_waiting(stage: Scene) -> None:
    await asyncio.gather(*(stage.accept("Boom") for _ in range(10_000)))
    async with stage.supervising(misbehaving("slow"), limits=small_window(50)):
        await stage.running()
        await stage.decided(5)
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < 4
    async with stage.supervising():
        await stage.decided()
    assert await stage.counts() == list(range(1, 10_001))


async def test_it_can_be_stopped_before_it_began(stage: Scene) -> None:
    async with stage.supervising():
        pass


async def test_an_engine_that_is_still_starting_is_not_waited_for(stage: Scene) -> None:
    sleeping = ("/bin/sh", "-c", "sleep 60")
    async with stage.supervising(sleeping, stop_s=60) as supervisor:
        await stage.until(lambda: supervisor.status().state == "starting")
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < 10


async def test_it_can_be_stopped_while_it_backs_off(stage: Scene) -> None:
    async with stage.supervising(misbehaving("exits"), backoff_s=60) as supervisor:
        await stage.until(lambda: supervisor.status().state == "backing_off")
        started = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - started < 5


async def test_an_interrupt_for_the_whole_tree_does_not_end_the_engine(stage: Scene) -> None:
    async with stage.supervising() as supervisor:
        await stage.running()
        os.kill(stage.child_pid(), signal.SIGINT)
        await stage.accept(*["Boom"] * 10)
        await stage.decided()
        assert supervisor.status().restarts == 0


async def test_a_wrapper_dies_with_the_engine_that_it_started(stage: Scene) -> None:
    command = ("/bin/sh", "-c", f"{sys.executable} -m tests.fakes.engines.misbehaving stubborn; :")
    async with stage.supervising(command, stop_s=0.5):
        await stage.accept("Boom")
        await stage.decided()


async def test_what_a_deadline_caused_is_recorded_without_another_entry(stage: Scene) -> None:
    async with stage.supervising(misbehaving("ticked")):
        await stage.accept("Boom")
        async with asyncio.timeout(10):
            while not any(isinstance(said, IncidentEnded) for said in stage.ledger.said):
                await stage.ledger.wait_beyond(stage.ledger.version)


async def test_what_the_engine_says_to_people_is_in_the_log(
    stage: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with stage.supervising(misbehaving("talkative")):
        await stage.accept("Boom")
        await stage.decided()
    lines = [record.getMessage() for record in caplog.records]
    assert "[incident-engine] deciding 1\ufffd" in lines
    assert "[incident-engine] (a line of 100000 bytes)" in lines


async def test_while_nothing_can_be_stored_it_waits_and_then_goes_on(
    stage: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.supervising(limits=small_window(100)) as supervisor:
        await stage.running()
        stage.ledger.trouble = OSError("no space left on device")
        await stage.accept(*["Boom"] * 500)
        await stage.until(lambda: stage.ledger.refused >= 2)
        assert supervisor.status().degraded == (
            "cannot record what the engine said: no space left on device"
        )
        stage.ledger.trouble = None
        await stage.decided()
        await stage.until(lambda: supervisor.status().degraded is None)
    assert await stage.counts() == list(range(1, 501))
    assert "can record what the engine said again" in caplog.text or "cannot record" in caplog.text


async def test_what_was_said_before_the_death_is_kept_while_nothing_can_be_stored(
    stage: Scene,
) -> None:
    async with stage.supervising() as supervisor:
        await stage.running()
        stage.ledger.trouble = OSError("read-only file system")
        await stage.accept(*["Boom"] * 20)
        await stage.until(lambda: stage.ledger.refused >= 1)
        stage.kill_child()
        await stage.until(lambda: stage.ledger.refused >= 3)
        stage.ledger.trouble = None
        await stage.decided()
        assert supervisor.status().restarts == 1
    assert await stage.counts() == list(range(1, 21))
    assert sum(isinstance(said, Decision) for said in stage.ledger.said) >= 20


async def test_many_states_are_given_back_without_standing_in_the_way(stage: Scene) -> None:
    kinds = [f"Boom{n}" for n in range(5_000)]
    await asyncio.gather(*(stage.accept(kind) for kind in kinds))
    async with stage.supervising():
        await stage.decided()
    slowest = 0.0
    loop = asyncio.get_running_loop()
    async with stage.supervising() as supervisor:
        while supervisor.status().state != "running":
            started = loop.time()
            await asyncio.sleep(0)
            slowest = max(slowest, loop.time() - started)
        await stage.accept(*kinds[:10])
        await stage.decided()
    assert slowest < 0.25
    assert (await stage.counts())[-10:] == [2] * 10


async def test_limits_of_the_server_are_those_of_the_design() -> None:
    limits = Limits()
    assert limits.silence_s == 15
    assert limits.tick_every_s == 1
    assert QUICK.silence_s == limits.silence_s
