"""What is archived at its source stays quiet, wherever it happens and whenever it comes first."""

import pytest

from engine.memory.records import MAX_ARCHIVED
from engine.memory.state import State
from shared.pipe import EventEntry
from tests import builders
from tests.engine.drive import codes, restored, run, save, store

HOUR = 3_600.0


def event(seq: int, at: float, environment: str = "production", **fields: object) -> EventEntry:
    return builders.event_entry(seq, at, issue_id="7", environment=environment, **fields)


def test_an_issue_that_is_archived_is_quiet_in_places_where_it_comes_first() -> None:
    out = run(
        [
            event(1, 0, "staging"),
            builders.silence(2, 10, issue_id="7"),
            event(3, 20),
            event(4, 30, "eu"),
            builders.silence(5, 40, issue_id="7", until=builders.at(40)),
            event(6, 50),
        ]
    )
    assert codes(out) == ["not_production", "noted", "silenced", "not_production", "noted", "known"]


def test_an_issue_that_we_silenced_in_one_place_is_told_in_another() -> None:
    state = State()
    run([event(1, 0, "staging")], state)
    (key,) = state.issues
    assert codes(run([builders.silence(2, 10, issue=key), event(3, 20)], state)) == [
        "noted",
        "opened",
    ]


@pytest.mark.parametrize("restart", [False, True])
def test_an_issue_that_was_archived_before_it_came_is_quiet(restart: bool) -> None:
    state = State()
    assert codes(run([builders.silence(1, 0, issue_id="7")], state)) == ["noted"]
    if restart:
        stored: dict[str, bytes] = {}
        lines, seq = save(state)
        store(stored, lines)
        state = restored(stored, seq)
    out = run([event(2, 10), event(3, 2 * HOUR), event(4, 3 * HOUR, "eu")], state)
    assert codes(out) == ["silenced", "known", "not_production"]
    assert state.archived == {}


@pytest.mark.parametrize(
    "lifted",
    [
        builders.silence(2, 10, issue_id="7", until=builders.at(10)),
        builders.resolve(2, 10, issue_id="7"),
    ],
)
def test_what_is_no_longer_archived_is_told(lifted: object) -> None:
    state = State()
    run([builders.silence(1, 0, issue_id="7"), lifted], state)  # type: ignore[list-item]
    assert codes(run([event(3, 20)], state)) == ["opened"]


@pytest.mark.parametrize(("at", "code"), [(HOUR - 1.0, "silenced"), (HOUR + 1.0, "opened")])
def test_it_is_archived_until_the_time_that_was_set(at: float, code: str) -> None:
    archived = builders.silence(1, 0, issue_id="7", until=builders.at(HOUR))
    assert codes(run([archived, event(2, at)]))[-1] == code


def test_what_escalates_is_archived_no_longer() -> None:
    archived = builders.silence(1, 0, issue_id="7")
    assert codes(run([archived, event(2, 10, source_state="escalating")]))[-1] == "opened"


def test_a_test_is_told_whatever_is_archived() -> None:
    archived = builders.silence(1, 0, issue_id="7")
    assert codes(run([archived, event(2, 10, unique=True)]))[-1] == "opened"


def test_an_issue_that_is_archived_after_it_was_forgotten_is_quiet() -> None:
    state = State()
    one_issue = builders.settings(3, 10, max_issues=1)
    run([event(1, 0), builders.resolve(2, 5, issue_id="7"), one_issue], state)
    run([builders.event_entry(4, 20, service="other")], state)
    assert len(state.tombstones) == 1
    out = run([builders.silence(5, 30, issue_id="7"), event(6, 2 * HOUR)], state)
    assert codes(out) == ["noted", "silenced"]


def test_of_what_is_archived_unseen_the_newest_is_remembered() -> None:
    state = State()
    run([builders.silence(n, n, issue_id=f"i{n}") for n in range(1, MAX_ARCHIVED + 2)], state)
    run([builders.silence(MAX_ARCHIVED + 2, MAX_ARCHIVED + 2, issue_id="i2")], state)
    run([builders.silence(MAX_ARCHIVED + 3, MAX_ARCHIVED + 3, issue_id="new")], state)
    assert len(state.archived) == MAX_ARCHIVED
    assert {"i2", "new"} <= state.archived.keys()
    assert not {"i1", "i3"} & state.archived.keys()
