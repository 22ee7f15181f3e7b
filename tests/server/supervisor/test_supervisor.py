"""Every accepted entry ends in exactly one decision, whatever becomes of the engine."""

import asyncio
import itertools
import logging
import os
import signal
import sys

import msgspec
import pytest

from server.storage.main import checkpoints
from server.supervisor.child import start_child
from server.supervisor.feeder import STATES_A_SLICE, Feeder, Window
from server.supervisor.protocol import Conversation
from server.supervisor.session import Limits
from shared.pipe import Decision, IncidentEnded, State
from tests.clock import Clock
from tests.processes import ROOT
from tests.server.supervisor.scene import HONEST, Scene, misbehaving, small_window
from tests.waiting import LIMIT_S, limit


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


async def test_an_engine_that_died_counts_as_well_once_it_ran_for_as_long_as_it_was_away(
    stage: Scene, clock: Clock
) -> None:
    # The delay is half of it: the lower end of what is drawn.
    async with stage.supervising(backoff_s=0.02, monotonic=clock.seconds) as supervisor:
        await stage.running()
        assert supervisor.status().degraded is None
        stage.kill_child()
        await stage.until(lambda: supervisor.status().restarts == 1)
        await stage.running()
        clock.pass_s(0.009)
        assert supervisor.status().degraded == "the engine ended: killed by SIGKILL"
        clock.pass_s(0.001)
        assert supervisor.status().degraded is None


async def test_what_is_in_flight_is_bounded(stage: Scene) -> None:
    async with stage.supervising(misbehaving("late"), limits=small_window(5)) as supervisor:
        await stage.running()
        await stage.accept(*["Boom"] * 4)
        await stage.until(lambda: supervisor.status().in_flight == 4)
        assert supervisor.writable
        await stage.accept("Boom")
        await stage.until(lambda: supervisor.status().in_flight == 5)
        assert not supervisor.writable
        await stage.accept(*["Boom"] * 25)
    # In its last words the engine decides all that it was ever given.
    assert await stage.counts() == [*range(1, 6), *[None] * 25]
    async with stage.supervising():
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


async def test_a_stop_waits_for_what_is_in_flight_and_for_no_other_entry(stage: Scene) -> None:
    await asyncio.gather(*(stage.accept("Boom") for _ in range(10_000)))
    async with stage.supervising(misbehaving("slow"), limits=small_window(50)) as supervisor:
        await stage.running()
        await stage.decided(5)
        stopping = asyncio.create_task(supervisor.stop(LIMIT_S))
        await asyncio.sleep(0)
        assert supervisor.status().state == "stopping"
        decided = (await stage.progress()).recorded_seq
        await stopping
    assert (await stage.progress()).recorded_seq <= decided + 2 * 50
    async with stage.supervising():
        await stage.decided()
    assert await stage.counts() == list(range(1, 10_001))


async def test_it_can_be_stopped_before_it_began(stage: Scene) -> None:
    async with stage.supervising():
        pass


async def test_an_engine_that_is_still_starting_is_not_waited_for(stage: Scene) -> None:
    sleeping = ("/bin/sh", "-c", "sleep infinity")
    async with stage.supervising(sleeping, stop_s=10 * LIMIT_S) as supervisor:
        await stage.until(lambda: supervisor.status().state == "starting")
        async with limit():
            await supervisor.stop(10 * LIMIT_S)
        assert supervisor.status().last_exit == "it was still starting"


async def test_it_can_be_stopped_while_it_backs_off(stage: Scene) -> None:
    async with stage.supervising(misbehaving("exits"), backoff_s=20 * LIMIT_S) as supervisor:
        await stage.until(lambda: supervisor.status().state == "backing_off")
        async with limit():
            await supervisor.stop(10 * LIMIT_S)
        assert supervisor.status().state == "stopped"


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
        async with limit():
            while not any(isinstance(said, IncidentEnded) for said in stage.recordings.said):
                await stage.recordings.wait_beyond(stage.recordings.version)


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
    caplog.set_level(logging.INFO)
    async with stage.supervising(limits=small_window(100)) as supervisor:
        await stage.running()
        stage.recordings.trouble = OSError("no space left on device")
        await stage.accept(*["Boom"] * 500)
        await stage.until(lambda: stage.recordings.refused >= 2)
        assert supervisor.status().degraded == (
            "cannot record what the engine said: no space left on device"
        )
        stage.recordings.trouble = None
        await stage.decided()
        await stage.until(lambda: supervisor.status().degraded is None)
    assert await stage.counts() == list(range(1, 501))
    told = [text for text in caplog.messages if "record what" in text]
    assert "cannot record what the engine said: no space left on device; trying" in told[0]
    assert told[-1] == "[incident-engine] can record what the engine said again"


async def test_what_was_said_before_the_death_is_kept_while_nothing_can_be_stored(
    stage: Scene,
) -> None:
    async with stage.supervising() as supervisor:
        await stage.running()
        stage.recordings.trouble = OSError("read-only file system")
        await stage.accept(*["Boom"] * 20)
        await stage.until(lambda: stage.recordings.refused >= 1)
        stage.kill_child()
        await stage.until(lambda: stage.recordings.refused >= 3)
        stage.recordings.trouble = None
        await stage.decided()
        assert supervisor.status().restarts == 1
    assert await stage.counts() == list(range(1, 21))
    assert sum(isinstance(said, Decision) for said in stage.recordings.said) >= 20


async def test_while_many_states_are_given_back_others_have_their_turn(stage: Scene) -> None:
    slices = 10
    states = [State(f"Boom{n}", msgspec.Raw(b"7")) for n in range(slices * STATES_A_SLICE)]
    async with stage.database.write() as tx:
        await checkpoints.store(tx, 0, states)
    child = await start_child(HONEST, lambda _: None)
    conversation = Conversation(0)
    feeder = Feeder(
        child, conversation, stage.journal, window=Window(), one_by_one_to=0, record_each=False
    )
    restoring = asyncio.create_task(feeder.restore(stage.database))
    given = [0]
    while not restoring.done():
        await asyncio.sleep(0)
        given.append(conversation.signs_of_life)
    assert await restoring == len(states)
    assert given[-1] == slices
    assert max(after - before for before, after in itertools.pairwise(given)) == 1
    await child.kill()
    await child.close()


async def test_many_states_are_given_back_and_nothing_is_forgotten(stage: Scene) -> None:
    kinds = [f"Boom{n}" for n in range(2_000)]
    await asyncio.gather(*(stage.accept(kind) for kind in kinds))
    async with stage.supervising():
        await stage.decided()
    async with stage.supervising():
        await stage.accept(*kinds[:10])
        await stage.decided()
    assert (await stage.counts())[-10:] == [2] * 10


async def test_the_document_names_the_limits_that_are_in_force() -> None:
    limits, text = Limits(), (ROOT / "docs" / "SUPERVISOR.md").read_text()
    for promise in (
        f"not yet said `ready`. After {limits.start_s:g} s it is killed",
        f"for {limits.silence_s:g} s, or does not answer within {limits.restore_s:g} s of `resto",
        f"no acknowledgement of entries in flight for {limits.stuck_s:g} s",
    ):
        assert promise in text


async def test_decisions_that_nobody_waits_for_are_stored_together(stage: Scene) -> None:
    async with stage.supervising():
        await stage.running()
        for _ in range(200):
            await stage.accept("Boom")
        await stage.decided()
    assert stage.recordings.version < 200
