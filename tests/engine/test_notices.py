"""A resolve or silence finds its issues however they are named, and says how many they were."""

from collections.abc import Callable

import pytest

from engine.memory.state import State
from shared.pipe import Decision, Inbound, Incident
from tests import builders
from tests.engine.drive import codes, ended, of_type, run

HOUR = 3_600.0


def error(seq: int, at: float, number: int, **fields: object) -> Inbound:
    trace = [builders.frame(function=f"f{number}")]
    return builders.event_entry(seq, at, **({"stacktrace": trace} | fields))


def answer(state: State, entry: Inbound) -> tuple[str, dict[str, object]]:
    """The code and the numbers of the one decision on `entry`."""
    (decision,) = of_type(run([entry], state), Decision)
    assert decision.incident_id is None
    return decision.code, dict(decision.numbers)


@pytest.mark.parametrize("notice", [builders.resolve, builders.silence])
def test_a_notice_says_of_how_many_issues_it_was_also_the_second_time(
    notice: Callable[..., Inbound],
) -> None:
    state = State()
    out = run([error(n, n, n, issue_id="78"[n > 1]) for n in (1, 2, 3)], state)
    keys = list(state.issues)
    incident_id = of_type(out, Incident)[0].incident_id
    for seq in (4, 14):
        assert answer(state, notice(seq, 60 + seq, issue=keys[0])) == ("noted", {"issues": 1})
        assert answer(state, notice(seq + 1, 60 + seq, issue_id="8")) == ("noted", {"issues": 2})
        assert answer(state, notice(seq + 2, 60 + seq, issue_id="7")) == ("noted", {"issues": 1})
        for n, nobody in enumerate(({"issue": "x"}, {"incident_id": "inc-1"})):
            entry = notice(seq + 3 + n, 60 + seq, **nobody)
            assert answer(state, entry) == ("nothing_named", {})
    assert incident_id not in state.incidents


@pytest.mark.parametrize("notice", [builders.resolve, builders.silence])
def test_a_notice_about_an_incident_is_about_all_of_its_issues(
    notice: Callable[..., Inbound],
) -> None:
    state = State()
    out = run([error(1, 1, 1), error(2, 2, 2), error(3, 3, 3)], state)
    incident_id = of_type(out, Incident)[0].incident_id
    said = run([notice(4, 60, incident_id=incident_id)], state)
    assert of_type(said, Decision)[0].numbers == {"issues": 3}
    assert [line.incident_id for line in ended(said)] == [incident_id]


@pytest.mark.parametrize("notice", [builders.resolve, builders.silence])
def test_a_notice_about_an_issue_that_was_forgotten_is_noted_as_of_one(
    notice: Callable[..., Inbound],
) -> None:
    state = State()
    run([error(1, 0, 1), builders.settings(2, 1, max_issues=1), error(3, 2, 2)], state)
    (forgotten,) = state.tombstones
    assert answer(state, notice(4, 60, issue=forgotten)) == ("noted", {"issues": 1})
    assert answer(state, notice(5, 61, issue=forgotten)) == ("noted", {"issues": 1})


def test_an_issue_that_was_forgotten_is_silent_until_its_silence_ends() -> None:
    for at, code in ((HOUR - 1, "silenced"), (HOUR, "joined")):
        state = State()
        run([error(1, 0, 1), builders.settings(2, 1, max_issues=1), error(3, 2, 2)], state)
        (forgotten,) = state.tombstones
        entries = [
            builders.silence(4, 60, issue=forgotten, until=builders.at(HOUR)),
            error(5, at - 10, 3),
            error(6, at, 1, source_state="escalating"),
        ]
        assert codes(run(entries, state))[-1] == code


@pytest.mark.parametrize(("after", "code"), [(60, "before_resolve"), (61, "joined")])
def test_an_issue_that_was_forgotten_is_back_after_it_was_resolved(after: float, code: str) -> None:
    state = State()
    run([error(1, 0, 1), builders.settings(2, 1, max_issues=1), error(3, 2, 2)], state)
    (forgotten,) = state.tombstones
    out = run([builders.resolve(4, 60, issue=forgotten), error(5, after, 1)], state)
    assert codes(out) == ["noted", code]


def test_a_forgotten_issue_keeps_the_release_that_fixes_it() -> None:
    state = State()
    entries = [
        error(1, 0, 1, issue_id="7", release="shop@1.4.0"),
        builders.resolve(2, 1, issue_id="7", later=True),
        builders.settings(3, 2, max_issues=1),
        error(4, 3, 2),
    ]
    run(entries, state)
    assert len(state.tombstones) == 1
    out = run([error(5, 60, 1, release="shop@1.4.0"), error(6, 61, 1, release="shop@1.4.1")], state)
    assert codes(out) == ["older_release", "joined"]


@pytest.mark.parametrize(
    ("notice", "silenced_until", "resolved"),
    [(builders.silence, -1.0, 0.0), (builders.resolve, 0.0, builders.at(60).timestamp())],
)
def test_what_was_said_of_a_forgotten_issue_holds_also_where_its_source_names_it_first(
    notice: Callable[..., Inbound], silenced_until: float, resolved: float
) -> None:
    state = State()
    run([error(1, 0, 1), builders.settings(2, 1, max_issues=1), error(3, 2, 2)], state)
    (forgotten,) = state.tombstones
    as_a_whole = error(6, 80, 3, issue_id="7", occurrence=False, stacktrace=[])
    more = builders.settings(5, 70, max_issues=9)
    run([notice(4, 60, issue=forgotten), more, as_a_whole, error(7, 90, 1, issue_id="7")], state)
    issue = state.issues[forgotten]
    assert (issue.silenced_until, issue.resolved) == (silenced_until, resolved)
    assert not state.tombstones
