"""Wrong clocks (the future, the far past, out of order) open, end and rewind nothing."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.fold import LATEST, fold
from engine.memory.state import State
from shared.pipe import Decision, DeployVerdict, Incident
from tests import builders
from tests.engine.drive import codes, ended, of_type, run, told

HOUR = 3_600.0
DAY = 24 * HOUR

ANY_TIME = st.datetimes(timezones=st.just(UTC))


def the_issue(state: State) -> tuple[float, float, int]:
    """(first seen, last seen, count) of the only issue; times in seconds after the start."""
    (issue,) = state.issues.values()
    start = builders.START.timestamp()
    return issue.first_seen - start, issue.last_seen - start, issue.count


def test_an_event_from_the_future_counts_as_of_now() -> None:
    state = State()
    out = fold(state, builders.event_entry(1, 0, timestamp=builders.at(10 * DAY)))
    assert the_issue(state) == (0.0, 0.0, 1)
    assert of_type(out, Incident)[0].last_seen == builders.at(0)


def test_an_event_a_little_ahead_keeps_its_time() -> None:
    state = State()
    fold(state, builders.event_entry(1, 0, timestamp=builders.at(60)))
    assert the_issue(state) == (60.0, 60.0, 1)


def test_a_late_event_counts_at_its_own_time_and_never_moves_last_seen_back() -> None:
    state = State()
    out = run(
        [
            builders.event_entry(1, 0),
            builders.tick(2 * HOUR),
            builders.event_entry(2, 3 * HOUR, timestamp=builders.at(-DAY)),
        ],
        state,
    )
    assert codes(out) == ["opened", "late"]
    assert the_issue(state) == (-DAY, 0.0, 2)


@pytest.mark.parametrize(("behind", "code"), [(HOUR, "known"), (HOUR + 1, "late")])
def test_an_event_is_late_when_it_is_more_than_an_hour_behind_the_clock(
    behind: float, code: str
) -> None:
    state = State()
    run([builders.event_entry(1, 0, environment="staging")], state)
    for seq in (2, 3):
        at = seq * DAY
        late = builders.event_entry(
            seq, at, timestamp=builders.at(at - behind), environment="staging"
        )
        assert codes(fold(state, late)) == [code]
    assert the_issue(state) == (0.0, 3 * DAY - behind, 3)


@pytest.mark.parametrize(("behind", "end"), [(HOUR, HOUR / 2 + 60), (HOUR + 1, HOUR / 2)])
def test_no_incident_lives_longer_by_an_event_that_is_late(behind: float, end: float) -> None:
    late = builders.event_entry(2, 60, timestamp=builders.at(60 - behind))
    out = run([builders.event_entry(1, 0), late, builders.tick(DAY)])
    assert codes(out) == ["opened", "in_incident"]
    assert [line.time for line in ended(out)] == [builders.at(end)]


def test_late_events_are_no_spike_however_many() -> None:
    state = State()
    steady = [builders.event_entry(n + 1, n * 600.0) for n in range(500)]
    now = steady[-1].seq or 0
    late = [
        builders.event_entry(now + n + 1, 500 * 600.0, timestamp=builders.at(250 * 600.0))
        for n in range(400)
    ]
    run(steady, state)
    assert set(codes(run(late, state))) == {"late"}


def test_a_late_event_of_an_unknown_issue_is_new_all_the_same() -> None:
    out = run([builders.event_entry(1, 0, timestamp=builders.at(-400 * DAY))])
    assert codes(out) == ["opened"]
    assert of_type(out, Incident)[0].trigger == "new_issue"


def test_an_event_from_before_the_resolve_is_no_regression() -> None:
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7"),
            builders.resolve(2, 100, issue_id="7"),
            builders.event_entry(3, 110, timestamp=builders.at(90), issue_id="7"),
            builders.event_entry(4, 120, issue_id="7"),
        ]
    )
    assert codes(out) == ["opened", "noted", "before_resolve", "opened"]
    assert told(out) == [("opened", "new_issue"), ("opened", "regression")]


def test_a_resolve_from_the_future_does_not_hide_what_comes_after_it_was_said() -> None:
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7"),
            builders.resolve(2, 100, time=builders.at(10 * DAY), issue_id="7"),
            builders.event_entry(3, 200, issue_id="7"),
        ]
    )
    assert told(out) == [("opened", "new_issue"), ("opened", "regression")]


def test_a_clock_that_goes_back_ends_nothing_and_rewinds_nothing() -> None:
    state = State()
    out = run([builders.event_entry(1, 1_000), builders.event_entry(2, -DAY)], state)
    assert ended(out) == []
    assert state.now == builders.at(1_000).timestamp()


def test_incidents_end_at_their_own_time_however_late_that_is_noticed() -> None:
    by_tick = run([builders.event_entry(1, 0), *map(builders.tick, range(0, 9_000, 60))])
    by_entry = run([builders.event_entry(1, 0), builders.event_entry(2, DAY)])
    assert [line.time for line in ended(by_tick)] == [builders.at(1_800)]
    assert ended(by_entry)[0] == ended(by_tick)[0]


@given(st.lists(st.tuples(ANY_TIME, st.one_of(st.none(), ANY_TIME)), max_size=5), ANY_TIME)
def test_no_time_is_too_odd(
    times: list[tuple[datetime, datetime | None]], deploy: datetime
) -> None:
    state = State()
    out = fold(state, builders.change_window_entry(1, deploy_time=deploy))
    for seq, (timestamp, received) in enumerate(times, start=2):
        out += fold(state, builders.event_entry(seq, timestamp=timestamp, received=received))
    out += fold(state, builders.tick(0))
    assert len(of_type(out, Decision)) == len(times) + 1


END_OF_TIME = datetime.max.replace(tzinfo=UTC)


def test_what_is_received_at_the_end_of_time_still_ends_and_is_judged() -> None:
    """The clock stops early enough that an incident and a watched deploy can still end."""
    state = State()
    deployed = builders.change_window_entry(1, received=END_OF_TIME, deploy_time=END_OF_TIME)
    failed = builders.event_entry(2, received=END_OF_TIME, timestamp=END_OF_TIME)
    out = run([deployed, failed], state)
    assert codes(out) == ["noted", "opened"]
    out = fold(state, msgspec.structs.replace(builders.tick(0), received=END_OF_TIME))
    stopped = datetime.fromtimestamp(LATEST, UTC)
    assert [line.time for line in ended(out)] == [stopped + timedelta(minutes=30)]
    assert [line.verdict for line in of_type(out, DeployVerdict)] == ["too_little_data"]


@pytest.mark.parametrize(("received", "now"), [(-1.0, -1.0), (0.0, 0.0), (1.0, 0.0)])
def test_the_clock_goes_on_to_the_year_9892_and_no_further(received: float, now: float) -> None:
    stop = datetime(9892, 3, 8, 12, 26, 40, tzinfo=UTC)
    state = State()
    fold(state, builders.event_entry(1, received=stop + timedelta(seconds=received)))
    assert datetime.fromtimestamp(state.now, UTC) == stop + timedelta(seconds=now)
