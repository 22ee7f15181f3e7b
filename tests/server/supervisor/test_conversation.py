"""Whatever a child says: each entry gets one decision, and nothing it was not given counts."""

from typing import Literal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from server.storage.journal.entry import JournalEntry
from server.supervisor.protocol import Conversation
from shared.decisions import Code
from shared.incident import IncidentSummary
from shared.pipe import (
    Ack,
    Checkpoint,
    Decision,
    Error,
    FixLive,
    Incident,
    IncidentEnded,
    Outbound,
    Pong,
    Ready,
    State,
)
from tests.builders import at


def entry(seq: int) -> JournalEntry:
    return JournalEntry(seq, 0, b"{}")


def ready(watermark: int = 0) -> Conversation:
    """A child that is ready and has its states."""
    conversation = Conversation(watermark)
    assert conversation.hear(Ready("test"), 10) is None
    conversation.restored = True
    return conversation


def state(key: str = "a", value: bytes = b"1") -> State:
    return State(key, msgspec.Raw(value))


def incident(seq: int) -> Incident:
    summary = IncidentSummary(
        incident_id="inc-0000000000000001",
        title="",
        source="",
        service="",
        environment="",
        severity="error",
        priority_score=0,
        trigger="new_issue",
        exception_type="",
        message="",
        start_time=at(0),
        last_seen=at(0),
        peak_time=at(0),
        top_symptoms=[],
    )
    return Incident(**msgspec.structs.asdict(summary), seq=seq, change="opened")


def fix_live(seq: int) -> FixLive:
    return FixLive(
        incident_id="inc-0000000000000001",
        seq=seq,
        release="2.3.1",
        deploy_id="d",
        deploy_time=at(0),
        issues=1,
        time=at(0),
    )


def ended() -> IncidentEnded:
    return IncidentEnded("inc-0000000000000001", "quiet", at(0))


SEQS = st.integers(-1, 30)
MESSAGES = st.one_of(
    st.builds(Ready, st.just("again")),
    st.builds(Ack, SEQS),
    st.builds(Checkpoint, SEQS),
    st.builds(Decision, SEQS, st.sampled_from(["known", "opened"])),
    st.builds(Pong, SEQS),
    st.builds(state, st.sampled_from(["a", "b"])),
    st.builds(incident, SEQS),
    st.builds(fix_live, SEQS),
    st.builds(ended),
    st.builds(Error, error=st.just(True), message=st.just(""), seq=st.none() | SEQS),
)


@given(st.lists(st.one_of(MESSAGES, st.integers(1, 5), st.just("take"), st.just("ping"))))
def test_every_batch_decides_its_entries_once_in_order_and_the_rest_waits(
    steps: list[Outbound | int | Literal["take", "ping"]],
) -> None:
    conversation = ready()
    given_out = 0
    recorded: list[int] = []
    watermark = 0
    for step in steps:
        match step:
            case "take":
                batch = conversation.take()
                decided = [each.seq for each in batch.messages if isinstance(each, Decision)]
                assert decided == [each.seq for each in batch.entries]
                recorded.extend(decided)
                pending_state = False
                for message in batch.messages:
                    match message:
                        case State():
                            pending_state = True
                        case Checkpoint(seq):
                            assert watermark <= seq <= recorded[-1] if recorded else seq == 0
                            watermark = seq
                            pending_state = False
                        case Incident() | FixLive():
                            assert message.seq <= (recorded[-1] if recorded else 0)
                assert not pending_state
            case "ping":
                conversation.ping()
            case int():
                conversation.sent([entry(given_out + n + 1) for n in range(step)])
                given_out += step
            case _:
                conversation.hear(step, 10)
        waiting = [each.seq for each in conversation.recordable.entries]
        assert [*recorded, *waiting, *conversation.in_flight] == list(range(1, given_out + 1))
        assert conversation.acked <= given_out
        assert conversation.in_flight_bytes == 2 * len(conversation.in_flight)


def test_an_error_about_an_entry_that_was_not_given_says_nothing_of_it_later() -> None:
    conversation = ready()
    assert conversation.hear(Error(error=True, message="odd", seq=1), 10) is not None
    conversation.sent([entry(1), entry(2)])
    assert conversation.hear(Error(error=True, message="odd", seq=2), 10) is not None
    conversation.hear(Ack(2), 10)
    codes = [each.code for each in conversation.take().messages if isinstance(each, Decision)]
    assert codes == [Code.UNDECIDED, Code.UNREADABLE]


def test_states_wait_for_their_checkpoint() -> None:
    conversation = ready()
    conversation.sent([entry(1), entry(2)])
    for message in (
        Decision(1, Code.KNOWN),
        state("a"),
        Ack(1),
        Decision(2, Code.KNOWN),
        state("b"),
    ):
        assert conversation.hear(message, 10) is None
    assert conversation.take().messages == [Decision(1, Code.KNOWN)]
    assert conversation.hear(Checkpoint(2), 10) is None
    assert conversation.take().messages == [
        Decision(2, Code.KNOWN),
        state("a"),
        state("b"),
        Checkpoint(2),
    ]
    assert conversation.held_bytes == 0


def test_a_checkpoint_that_is_not_believed_takes_no_states_with_it() -> None:
    conversation = ready(watermark=5)
    conversation.sent([entry(6)])
    conversation.hear(state(), 10)
    assert conversation.hear(Checkpoint(7), 10) == (
        "a checkpoint at entry 7, which it was not given"
    )
    assert conversation.hear(Checkpoint(4), 10) == "a checkpoint at entry 4, after one at 5"
    assert conversation.take().messages == []
    assert conversation.hear(Checkpoint(6), 10) == ("it acknowledged entry 6 without a decision")
    assert state() in conversation.take().messages


def test_an_incident_waits_for_the_acknowledgement_of_its_entry() -> None:
    conversation = ready()
    conversation.sent([entry(1), entry(2)])
    for message in (Decision(1, Code.KNOWN), Decision(2, Code.OPENED), incident(2), Ack(1)):
        assert conversation.hear(message, 10) is None
    assert conversation.take().messages == [Decision(1, Code.KNOWN)]
    conversation.hear(Ack(2), 10)
    assert conversation.take().messages == [Decision(2, Code.OPENED), incident(2)]


def test_a_fix_that_is_live_waits_for_the_entry_of_its_deploy() -> None:
    conversation = ready()
    conversation.sent([entry(1), entry(2)])
    assert conversation.hear(fix_live(3), 10) is not None
    for message in (Decision(1, Code.KNOWN), fix_live(2), Decision(2, Code.NOTED), Ack(1)):
        assert conversation.hear(message, 10) is None
    assert conversation.take().messages == [Decision(1, Code.KNOWN)]
    conversation.hear(Ack(2), 10)
    assert conversation.take().messages == [Decision(2, Code.NOTED), fix_live(2)]


def test_what_a_deadline_caused_waits_for_nothing() -> None:
    conversation = ready()
    conversation.hear(ended(), 10)
    assert conversation.take().messages == [ended()]
    conversation.sent([entry(1)])
    conversation.hear(ended(), 10)
    assert conversation.take().messages == []
    conversation.hear(Decision(1, Code.KNOWN), 10)
    conversation.hear(Ack(1), 10)
    assert conversation.take().messages == [Decision(1, Code.KNOWN), ended()]


def test_nothing_is_believed_before_it_is_ready_and_restored() -> None:
    conversation = Conversation(0)
    assert conversation.hear(Ack(0), 10) == "it speaks before it says that it is ready"
    conversation.hear(Ready("test"), 10)
    for message in (state(), Checkpoint(0), ended(), Ack(0)):
        assert conversation.hear(message, 10) == "it speaks of entries before it has its states"
    assert conversation.take().messages == []


def test_only_answers_to_open_pings_are_signs_of_life() -> None:
    conversation = ready()
    before = conversation.signs_of_life
    assert conversation.hear(Pong(1), 10) == "an answer to ping 1, which is not open"
    assert conversation.ping().id == 1
    assert conversation.ping().id == 2
    assert conversation.signs_of_life == before
    assert conversation.hear(Pong(1), 10) is None
    assert conversation.hear(Pong(1), 10) == "an answer to ping 1, which is not open"
    assert conversation.signs_of_life == before + 1


def test_an_acknowledgement_may_come_again_but_not_go_back() -> None:
    conversation = ready()
    conversation.sent([entry(1), entry(2)])
    for seq in (1, 2):
        conversation.hear(Decision(seq, Code.KNOWN), 10)
    assert conversation.hear(Ack(2), 10) is None
    assert conversation.hear(Ack(2), 10) is None
    assert conversation.hear(Ack(1), 10) == "an acknowledgement of entry 1, after one of 2"


def test_what_is_held_without_an_acknowledgement_is_measured() -> None:
    conversation = ready()
    conversation.sent([entry(1)])
    for _ in range(10):
        conversation.hear(incident(1), 1_000)
        conversation.hear(state(), 500)
    assert conversation.held_bytes == 15_000
    conversation.hear(Decision(1, Code.KNOWN), 10)
    conversation.hear(Ack(1), 10)
    assert conversation.held_bytes == 5_000
    assert conversation.recordable.size_bytes == 10_012


def test_of_two_decisions_on_one_entry_the_first_counts_and_the_second_is_told() -> None:
    conversation = ready()
    conversation.sent([entry(1), entry(2)])
    assert conversation.hear(Decision(1, Code.KNOWN), 10) is None
    for _ in range(2):
        assert conversation.hear(Decision(1, Code.OPENED), 1_000) == "a second decision on entry 1"
        assert conversation.held_bytes == 10
    assert conversation.hear(Decision(2, Code.OPENED), 10) is None
    assert conversation.hear(Ack(2), 10) is None
    assert conversation.take().messages == [Decision(1, Code.KNOWN), Decision(2, Code.OPENED)]
    assert conversation.hear(Decision(1, Code.OPENED), 10) == (
        "a decision on entry 1, which is not in flight"
    )


def test_people_may_wait_for_what_is_no_decision() -> None:
    conversation = ready()
    conversation.sent([entry(1), entry(2)])
    for seq, has_news in ((1, False), (2, True)):
        conversation.hear(Decision(seq, Code.KNOWN), 10)
        if has_news:
            conversation.hear(IncidentEnded("inc-0", "quiet", at(0)), 10)
        conversation.hear(Ack(seq), 10)
        assert conversation.take().has_news == has_news
