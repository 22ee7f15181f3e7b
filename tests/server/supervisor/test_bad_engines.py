"""An engine that hangs, floods, lies or crashes on an entry is contained or replaced."""

import logging
import re

import pytest

from server.supervisor import session
from server.supervisor.session import Limits
from shared.pipe import decode_inbound
from tests.server.supervisor.scene import Scene, misbehaving

IMPATIENT = Limits(tick_every_s=0.05, ping_every_s=0.05, silence_s=3, restore_s=3, stuck_s=3)
"""Long enough for an engine that is well, however busy the machine is."""

HOURS = 3_600.0
"""As a back-off: this server starts no second engine."""


async def test_a_poisoned_entry_is_set_aside_and_what_came_with_it_is_decided(
    stage: Scene,
) -> None:
    await stage.accept(*["Boom"] * 60, "Poison", *["Boom"] * 60)
    async with stage.supervising(misbehaving("poisoned")) as supervisor:
        codes = await stage.decided()
        assert codes == ["known"] * 60 + ["dead_letter"] + ["known"] * 60
        (letter,) = await stage.dead_letters()
        assert letter.seq == 61
        assert letter.reason == (
            "the engine died of it twice, the second time so: killed by SIGKILL"
        )
        assert letter.state == "waiting"
        await stage.until(lambda: supervisor.backlog == 0)
        # Once together with other entries, then twice alone.
        assert supervisor.status().restarts == 3
    counts = await stage.counts()
    assert counts[:60] + counts[61:] == list(range(1, 121))


async def test_once_poison_is_set_aside_the_engine_is_started_again_as_soon_as_at_first(
    stage: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    await stage.accept("Poison", "Boom")
    async with stage.supervising(misbehaving("poisoned"), backoff_s=0.2) as supervisor:
        await stage.decided()
        restarts = supervisor.status().restarts
        stage.kill_child()
        await stage.restarted(restarts + 1)
        await stage.running()
    delays = re.findall(r"starting again in (\S+) s", caplog.text)
    assert delays[:2] == ["0.1", "0.2"]
    assert delays[restarts:] == ["0.1"]


async def test_a_dead_letter_is_left_out_of_every_later_replay(stage: Scene) -> None:
    await stage.accept("Boom", "Poison", "Boom")
    async with stage.supervising(misbehaving("poisoned")) as supervisor:
        await stage.decided()
        restarts = supervisor.status().restarts
        # Before the first checkpoint: the whole journal comes again.
        stage.kill_child()
        await stage.until(lambda: supervisor.status().restarts > restarts)
        await stage.accept("Boom")
        await stage.decided()
        assert supervisor.status().restarts == restarts + 1
    async with stage.supervising(misbehaving("poisoned")) as supervisor:
        await stage.running()
        assert supervisor.status().restarts == 0
    assert await stage.counts() == [1, None, 2, 3]


async def test_poison_in_a_row_first_and_last_is_found_one_by_one(stage: Scene) -> None:
    await stage.accept("Poison", "Poison", "Boom", "Poison")
    async with stage.supervising(misbehaving("poisoned")):
        codes = await stage.decided()
    assert codes == ["dead_letter", "dead_letter", "known", "dead_letter"]


async def test_what_an_engine_died_of_is_known_to_the_next_server(stage: Scene) -> None:
    await stage.accept(*["Boom"] * 5, "Poison")
    async with stage.supervising(misbehaving("poisoned"), backoff_s=HOURS):
        await stage.restarted(1)
    async with stage.supervising(misbehaving("poisoned"), backoff_s=HOURS):
        # No longer in the company of others.
        await stage.decided(5)
        await stage.restarted(1)
    async with stage.supervising(misbehaving("poisoned")) as supervisor:
        await stage.decided()
        assert supervisor.status().restarts == 1
    assert [letter.seq for letter in await stage.dead_letters()] == [6]


@pytest.mark.parametrize(("kind", "engine"), [("Poison", "poisoned"), ("Odd", "unstorable")])
async def test_one_by_one_goes_on_with_each_decision_and_waits_for_no_ping(
    stage: Scene, kind: str, engine: str
) -> None:
    await stage.accept("Boom", kind, *["Boom"] * 10)
    silent = Limits(tick_every_s=3_600, ping_every_s=3_600, silence_s=3_600)
    async with stage.supervising(misbehaving(engine), limits=silent):
        assert (await stage.decided())[1] == "dead_letter"


async def test_nothing_more_is_read_while_much_waits_to_be_recorded(stage: Scene) -> None:
    await stage.accept(*["Boom"] * 60)
    stage.recordings.trouble = OSError("the disk is full")
    async with stage.supervising(misbehaving("wordy"), limits=IMPATIENT) as supervisor:
        # By then the engine has been silent for longer than it may be, if it were its fault.
        await stage.until(lambda: stage.recordings.refused >= 7)
        assert 20 < supervisor.status().in_flight < 60
        stage.recordings.trouble = None
        await stage.decided()
        assert supervisor.status().restarts == 0
    assert await stage.counts() == list(range(1, 61))


async def test_a_replayed_dead_letter_is_a_new_entry(stage: Scene) -> None:
    await stage.accept("Boom", "Poison")
    async with stage.supervising(misbehaving("poisoned")):
        await stage.decided()
    (letter,) = await stage.dead_letters()
    entry = decode_inbound(letter.entry)
    await stage.journal.append([entry], None)  # type: ignore[list-item]
    async with stage.supervising():
        assert await stage.decided() == ["known", "dead_letter", "known"]


async def test_no_entry_is_blamed_for_deaths_in_company(stage: Scene) -> None:
    async with stage.supervising(misbehaving("slow")) as supervisor:
        for _ in range(3):
            await stage.running()
            await stage.accept(*["Boom"] * 20)
            await stage.until(lambda: 5 < supervisor.status().in_flight < 20)
            stage.kill_child()
            await stage.decided()
        assert supervisor.status().restarts == 3
    assert await stage.dead_letters() == []
    assert await stage.counts() == list(range(1, 61))


async def test_an_entry_on_which_the_engine_hangs_is_set_aside(stage: Scene) -> None:
    await stage.accept("Boom", "Hang", "Boom")
    async with stage.supervising(misbehaving("hung"), limits=IMPATIENT):
        assert await stage.decided() == ["known", "dead_letter", "known"]
    (letter,) = await stage.dead_letters()
    assert "no sign of life" in letter.reason


async def test_an_entry_whose_decision_cannot_be_recorded_is_set_aside(stage: Scene) -> None:
    await stage.accept(*["Boom"] * 30, "Odd", *["Boom"] * 30)
    async with stage.supervising(misbehaving("unstorable")):
        codes = await stage.decided()
        assert codes == ["known"] * 30 + ["dead_letter"] + ["known"] * 30
    (letter,) = await stage.dead_letters()
    assert "what it said cannot be recorded: OverflowError: Python int too large" in letter.reason
    counts = await stage.counts()
    assert counts[:30] + counts[31:] == list(range(1, 61))


async def test_an_engine_that_answers_nothing_is_replaced(stage: Scene) -> None:
    async with stage.supervising(misbehaving("mute"), limits=IMPATIENT) as supervisor:
        await stage.until(lambda: supervisor.status().restarts >= 2)
        assert "no sign of life" in (supervisor.status().degraded or "")
    assert await stage.dead_letters() == []


async def test_an_engine_that_has_its_states_is_waited_for_as_long_as_a_restore_may_take(
    stage: Scene,
) -> None:
    hasty = Limits(tick_every_s=3_600, ping_every_s=0.05, silence_s=3_600, restore_s=0.2)
    async with stage.supervising(misbehaving("mute"), limits=hasty) as supervisor:
        await stage.until(lambda: supervisor.status().restarts >= 1)
        assert "no sign of life" in (supervisor.status().degraded or "")


async def test_an_engine_that_only_answers_pings_is_replaced(stage: Scene) -> None:
    await stage.accept("Boom", "Boom")
    async with stage.supervising(misbehaving("idle"), limits=IMPATIENT) as supervisor:
        await stage.until(lambda: supervisor.status().restarts >= 1)
        assert "it decided nothing" in (supervisor.status().degraded or "")


async def test_what_counts_for_nothing_changes_nothing(
    stage: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.supervising(misbehaving("rubbish")) as supervisor:
        for _ in range(20):
            await stage.accept(*["Boom"] * 10)
            await stage.decided()
        assert supervisor.status().restarts == 0
        assert (await stage.progress()).watermark <= 200
    assert await stage.counts() == list(range(1, 201))
    for fault in (
        "an acknowledgement of entry",
        "a checkpoint at entry",
        "a decision on entry",
        "it says again that it is ready",
        "an answer to ping 999999",
        "a line that is no message",
    ):
        assert f"says what does not count: {fault}" in caplog.text


async def test_a_line_of_100_mb_is_dropped_and_the_engine_goes_on(
    stage: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage.supervising(misbehaving("huge")) as supervisor:
        await stage.accept("Boom", "Boom")
        await stage.decided()
        assert supervisor.status().restarts == 0
    assert "a line of 104857600 bytes" in caplog.text
    assert await stage.counts() == [1, 2]


@pytest.mark.parametrize("engine", ["flood", "raving"])
async def test_a_flood_of_rubbish_ends_its_engine(stage: Scene, engine: str) -> None:
    async with stage.supervising(misbehaving(engine)) as supervisor:
        for deaths in range(1, 3):
            await stage.running()
            before = supervisor.status().restarts
            await stage.accept("Boom")
            await stage.restarted(deaths)
            assert supervisor.status().restarts == before + 1
            assert "lines in a row that do not count" in (supervisor.status().last_exit or "")


async def test_an_engine_that_says_much_and_acknowledges_nothing_is_replaced(
    stage: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session.HELD_BYTES == 256 * 2**20
    monkeypatch.setattr(session, "HELD_BYTES", 1_000)
    await stage.accept(*["Boom"] * 20)
    async with stage.supervising(misbehaving("late")) as supervisor:
        await stage.restarted(1)
        assert "bytes without an acknowledgement" in (supervisor.status().last_exit or "")


async def test_rubbish_that_is_no_flood_ends_no_engine(stage: Scene) -> None:
    await stage.accept(*["Boom"] * 3)
    async with stage.supervising(misbehaving("mumbling")) as supervisor:
        await stage.decided()
        assert supervisor.status().restarts == 0


async def test_nothing_counts_before_the_states_are_complete(stage: Scene) -> None:
    await stage.accept(*["Boom"] * 3)
    async with stage.supervising(misbehaving("early")):
        await stage.decided()
    assert await stage.counts() == [1, 2, 3]


async def test_an_entry_that_the_engine_does_not_decide_is_decided_as_such(
    stage: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await stage.accept("Boom", "Forget", "Garbled", "Boom")
    async with stage.supervising(misbehaving("forgetful")):
        assert await stage.decided() == ["known", "undecided", "unreadable", "known"]
    assert "it acknowledged entry 2 without a decision" in caplog.text
