"""A deploy announced twice is one deploy: the later news counts, and nothing known is lost."""

import itertools

import pytest

from engine.memory.state import State
from shared.event import ChangeWindow
from shared.incident import Reason, SuspectCommit
from shared.pipe import ChangeWindowEntry, Incident
from shared.reasons import Action, Evidence
from tests.builders import at, change_window, change_window_entry, commit, deploy_entry, event_entry
from tests.engine.drive import codes, of_type, run

MINUTE = 60.0

WITH_FUNCTIONS = commit("c1", functions=["total"], added=8)
FILES_ONLY = commit("c1", functions=[], added=None, deleted=None)


def test_a_push_that_comes_after_the_announcement_leaves_its_functions_known() -> None:
    state = State()
    run([change_window_entry(1, 0, commits=[WITH_FUNCTIONS], release="shop@2")], state)
    run([change_window_entry(2, 60, commits=[FILES_ONLY])], state)
    (deploy,) = state.deploys.values()
    assert deploy.window.commits == [WITH_FUNCTIONS]
    assert deploy.window.release == "shop@2"


def test_news_without_commits_moves_the_time_and_keeps_the_commits() -> None:
    state = State()
    run([change_window_entry(1, 0), change_window_entry(2, 600, commits=[])], state)
    (deploy,) = state.deploys.values()
    assert len(deploy.window.commits) == 1
    (incident, *_) = of_type(run([event_entry(3, 900)], state), Incident)
    assert incident.suspected_causes[0].commit_id == "a1b2c3d4"


def test_commits_that_are_told_later_are_suspects_of_the_next_error() -> None:
    state = State()
    run([change_window_entry(1, 0, commits=[commit("a")]), event_entry(2, 60)], state)
    told = [change_window_entry(3, 120, commits=[commit("a"), commit("b")])]
    out = run([*told, event_entry(4, 180, exception_type="KeyError")], state)
    (incident, *_) = of_type(out, Incident)
    assert {each.commit_id for each in incident.suspected_causes} == {"a", "b"}


def test_a_pushed_deploy_that_runs_later_keeps_the_incident_that_told_of_it() -> None:
    state = State()
    pushed = change_window(0, pending=True)
    run([deploy_entry(1, 0, change_window=pushed)], state)
    (told_by,) = state.incidents
    run([change_window_entry(2, 9 * MINUTE)], state)
    (kept,) = state.deploys.values()
    assert kept.window.deploy_time == at(9 * MINUTE)
    assert kept.incident == told_by


# --- what ran before -------------------------------------------------------------------------


def success(seq: int, minutes: float, name: str) -> ChangeWindowEntry:
    """The news that this runs now, which names no commits."""
    return change_window_entry(seq, minutes * MINUTE, deploy_id=name, commits=[])


def deploy(
    seq: int, minutes: float, name: str, *commits: str, pending: bool = False
) -> ChangeWindowEntry:
    listed = [commit(each, files=[f"shop/{each}.py"]) for each in commits or (name,)]
    fields = {"deploy_id": name, "commits": listed, "pending": pending}
    return change_window_entry(seq, minutes * MINUTE, **fields)


def push(seq: int, minutes: float, name: str) -> ChangeWindowEntry:
    """A push to a branch that is watched, which may run only later."""
    return deploy(seq, minutes, name, pending=True)


def suspects(*deploys: ChangeWindowEntry, minutes: float = 100) -> dict[str, SuspectCommit]:
    """The suspects of a new error at that time, by their commits."""
    state = State()
    run(deploys, state)
    (incident, *_) = of_type(run([event_entry(99, minutes * MINUTE)], state), Incident)
    return {each.commit_id: each for each in incident.suspected_causes}


def arrived(found: dict[str, SuspectCommit]) -> dict[str, tuple[float, bool]]:
    """By commit, in which minute it came or was taken away, and whether it was."""
    start = at(0)
    times = {name: each.deploy_time or start for name, each in found.items()}
    return {
        name: ((times[name] - start).total_seconds() / MINUTE, each.taken_away)
        for name, each in found.items()
    }


def test_the_first_news_that_it_runs_moves_a_push_to_that_time() -> None:
    assert arrived(suspects(push(1, 0, "a"), success(2, 9, "a"))) == {"a": (9, False)}
    # Also where another one was pushed meanwhile.
    found = suspects(push(1, 0, "a"), push(2, 5, "b"), success(3, 9, "a"), success(4, 12, "b"))
    assert arrived(found) == {"a": (9, False), "b": (12, False)}


@pytest.mark.parametrize("again", [success(9, 50, "a"), push(9, 50, "a")])
def test_what_runs_already_is_no_new_deploy_when_it_is_announced_again(
    again: ChangeWindowEntry,
) -> None:
    state = State()
    run([push(1, 0, "a"), success(2, 9, "a"), again], state)
    (kept,) = state.deploys.values()
    assert (kept.window.deploy_time, kept.window.ran_since) == (at(9 * MINUTE), None)


def test_a_deploy_that_goes_back_brings_nothing_new_and_takes_away_what_came_after() -> None:
    deploys = [push(1, 0, "a"), success(2, 9, "a"), push(3, 20, "b"), success(4, 29, "b")]
    found = suspects(*deploys, success(5, 95, "a"))
    assert arrived(found) == {"a": (9, False), "b": (95, True)}
    assert Reason(Evidence.TAKEN_AWAY, {"minutes": 5}) in found["b"].evidence
    assert Reason(Evidence.DEPLOYED_BEFORE, {"minutes": 91}) in found["a"].evidence
    assert found["b"].deploy_id == "a"


def test_a_deploy_that_goes_back_is_news_once() -> None:
    told = [
        deploy_entry(n, n * MINUTE, change_window=window(n, name))
        for n, name in enumerate("aba", 1)
    ]
    again = deploy_entry(4, 4 * MINUTE, change_window=window(3, "a"))
    assert codes(run([*told, again])) == ["opened", "opened", "opened", "deploy_known"]


def window(minutes: float, name: str) -> ChangeWindow:
    return change_window(minutes * MINUTE, deploy_id=name, commits=[commit(name)])


def test_an_error_that_began_before_a_deploy_went_back_knows_nothing_of_that() -> None:
    state = State()
    run([deploy(1, 0, "a"), deploy(2, 20, "b"), event_entry(3, 100 * MINUTE)], state)
    # The suspects stay as they were, or the incident would be told again.
    assert of_type(run([success(4, 120, "a")], state), Incident) == []
    (incident,) = state.incidents.values()
    found = {each.commit_id: each for each in incident.suspects}
    assert arrived(found) == {"a": (0, False), "b": (20, False)}


def test_what_comes_back_after_it_was_taken_away_arrives_again() -> None:
    deploys = [deploy(1, 0, "a"), deploy(2, 20, "b"), deploy(3, 40, "a"), deploy(4, 90, "b")]
    assert arrived(suspects(*deploys)) == {"a": (0, False), "b": (90, False)}
    # Within a new deploy, too.
    deploys[3] = deploy(4, 90, "c", "b", "c")
    assert arrived(suspects(*deploys)) == {"a": (0, False), "b": (90, False), "c": (90, False)}


def test_a_commit_that_is_listed_with_every_deploy_is_new_only_once() -> None:
    found = suspects(
        deploy(1, 0, "a"), deploy(2, 20, "b", "a", "b"), deploy(3, 90, "c", "a", "b", "c")
    )
    assert arrived(found) == {"a": (0, False), "b": (20, False), "c": (90, False)}


def test_nobody_is_asked_to_revert_what_was_taken_away() -> None:
    state = State()
    traced = commit("b", files=["shop/cart.py"], functions=["total"])
    taken = change_window_entry(2, 20 * MINUTE, deploy_id="b", commits=[traced])
    run([deploy(1, 0, "a"), taken, success(3, 95, "a")], state)
    (incident, *_) = of_type(run([event_entry(99, 100 * MINUTE)], state), Incident)
    assert incident.suspected_causes[0].commit_id == "b"
    assert incident.suspected_causes[0].confidence > 0.5
    codes = [each.code for each in incident.recommended_first_actions if isinstance(each, Reason)]
    assert Action.LOOK_AT_SUSPECT in codes
    assert Action.REVERT_SUSPECT not in codes


def test_whatever_is_announced_in_whatever_order_every_commit_is_once_somewhere() -> None:
    news = [("a", 0), ("b", 20), ("a", 40), ("b", 60)]
    for order in itertools.permutations(news):
        deploys = [deploy(n, minutes, name) for n, (name, minutes) in enumerate(order, 1)]
        assert suspects(*deploys).keys() == {"a", "b"}
