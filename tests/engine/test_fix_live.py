"""A deploy that brings the fix of resolved issues is told once, to the incident they were in."""

from typing import Any

import pytest

from engine.memory import awaited_fixes
from engine.memory.records import MAX_AWAITED_FIXES, AwaitedFix
from engine.memory.state import State
from engine.suspects.releases import is_same
from shared.event import UNKNOWN_ENVIRONMENT
from shared.pipe import ChangeWindowEntry, EventEntry, FixLive, Inbound, Incident
from tests.builders import (
    at,
    change_window,
    change_window_entry,
    commit,
    deploy_entry,
    event_entry,
    frame,
    resolve,
    silence,
)
from tests.engine.drive import Stored, codes, lasting, of_type, restored, run, save, store

HOUR = 3_600.0
FIXED = "shop@2.3.1"


def failing(seq: int = 2, seconds: float = 60, **changes: Any) -> EventEntry:
    """An error in the release before the fix."""
    return event_entry(seq, seconds, **({"issue_id": "7", "release": "shop@2.3.0"} | changes))


def deploy(
    seq: int, seconds: float, release: str | None = None, **changes: Any
) -> ChangeWindowEntry:
    """A deploy of this release, or of none that is named."""
    fields: dict[str, Any] = {"deploy_id": f"d{seq}", "commits": [], "release": release}
    return change_window_entry(seq, seconds, **(fields | changes))


def resolved(seq: int = 3, seconds: float = HOUR, **changes: Any) -> Inbound:
    """The source says that its issue 7 is resolved."""
    return resolve(seq, seconds, **({"issue_id": "7"} | changes))


BROKEN = (deploy(1, 0, "shop@2.3.0"), failing())
"""The release before the fix is deployed, and fails."""


def fixes(*after: Inbound) -> list[FixLive]:
    """What is said of fixes if this comes after `BROKEN`."""
    return of_type(run([*BROKEN, *after]), FixLive)


def releases(*after: Inbound) -> list[str]:
    return [each.release for each in fixes(*after)]


def test_the_deploy_of_the_release_that_has_the_fix_is_told_to_its_incident() -> None:
    out = run([*BROKEN, resolved(release=FIXED), deploy(4, 2 * HOUR, FIXED)])
    (incident, *_) = of_type(out, Incident)
    assert of_type(out, FixLive) == [
        FixLive(
            incident_id=incident.incident_id,
            seq=4,
            release=FIXED,
            deploy_id="d4",
            deploy_time=at(2 * HOUR),
            issues=1,
            time=at(2 * HOUR),
        )
    ]
    assert codes(out)[-1] == "noted"


@pytest.mark.parametrize(
    ("wanted", "deployed", "told"),
    [
        (FIXED, "2.3.1", ["2.3.1"]),
        (FIXED, "v2.3.1", ["v2.3.1"]),
        (FIXED, "shop@2.3.1+37", ["shop@2.3.1+37"]),
        (FIXED, "shop@2.4.0", ["shop@2.4.0"]),
        (FIXED, "shop@2.3.1-rc.1", []),
        (FIXED, "shop@2.2.9", []),
        (FIXED, "4f2ab1c", []),
        (FIXED, None, []),
        ("9d0c77a", "9d0c77a", ["9d0c77a"]),
        ("9d0c77a", "4f2ab1c", []),
        (None, FIXED, []),
    ],
)
def test_a_release_has_the_fix_if_its_name_says_so(
    wanted: str | None, deployed: str | None, told: list[str]
) -> None:
    assert releases(resolved(release=wanted), deploy(4, 2 * HOUR, deployed)) == told


def test_a_release_that_is_called_by_its_commit_is_brought_by_the_deploy_of_the_commit() -> None:
    fixing = deploy(4, 2 * HOUR, commits=[commit("9d0c77a" + "1" * 33)])
    assert releases(resolved(release="shop@9d0c77a"), fixing) == ["shop@9d0c77a"]


@pytest.mark.parametrize(
    ("deployed", "told"),
    [
        ("shop@2.3.1", ["shop@2.3.1"]),
        ("shop@2.3.0", []),
        ("shop@2.3", []),
        ("shop@2.2.9", []),
        ("4f2ab1c", ["4f2ab1c"]),
        (None, []),
    ],
)
def test_resolved_in_the_next_release_the_first_newer_one_has_the_fix(
    deployed: str | None, told: list[str]
) -> None:
    assert releases(resolved(later=True), deploy(4, 2 * HOUR, deployed)) == told


def test_where_no_release_is_known_the_next_one_is_the_first() -> None:
    steps = [failing(1, 0, release=None), resolved(2, later=True)]
    out = run([*steps, deploy(3, 2 * HOUR), deploy(4, 3 * HOUR, "2.3.1")])
    assert [each.release for each in of_type(out, FixLive)] == ["2.3.1"]


def test_what_ran_before_the_resolve_is_not_the_next_release() -> None:
    late = deploy(4, HOUR - 60, "shop@2.3.1", received=at(HOUR + 60))
    following = deploy(5, 2 * HOUR, "shop@2.3.2")
    assert releases(resolved(later=True), late, following) == ["shop@2.3.2"]


def test_a_release_that_was_deployed_before_the_resolve_is_told_if_that_becomes_known() -> None:
    late = deploy(4, HOUR - 60, FIXED, received=at(HOUR + 60))
    assert releases(resolved(release=FIXED), late) == [FIXED]


@pytest.mark.parametrize("runs", [FIXED, "2.3.1", "shop@2.4.0"])
@pytest.mark.parametrize("seen_in_an_event", [False, True])
def test_what_runs_already_is_awaited_by_nobody(runs: str, *, seen_in_an_event: bool) -> None:
    known = (
        failing(3, HOUR, release=runs, issue_id="8", exception_type="KeyError")
        if seen_in_an_event
        else deploy(3, HOUR, runs)
    )
    following = deploy(5, 3 * HOUR, "shop@2.5.0")
    assert releases(known, resolved(4, 2 * HOUR, release=FIXED), following) == []


def test_what_is_only_pushed_is_not_live_and_does_not_count_as_running() -> None:
    pushed = deploy(3, HOUR, FIXED, deploy_id="p", pending=True)
    again = deploy(5, 3 * HOUR, FIXED, deploy_id="p", pending=True, commits=[commit()])
    runs = deploy(6, 4 * HOUR, FIXED, deploy_id="p")
    (said,) = fixes(pushed, resolved(4, 2 * HOUR, release=FIXED), again, runs)
    assert (said.seq, said.deploy_time) == (6, at(4 * HOUR))


def test_a_deploy_that_others_have_followed_is_not_live() -> None:
    followed = deploy(5, 2 * HOUR, "9d0c77a", received=at(4 * HOUR))
    assert releases(resolved(release="9d0c77a"), deploy(4, 3 * HOUR, "4f2ab1c"), followed) == []


def test_a_fix_is_told_once() -> None:
    announced = [
        deploy(4, 2 * HOUR, FIXED),
        # The same again, with what was looked up, and after a roll-back.
        deploy(5, 2 * HOUR, FIXED, deploy_id="d4", commits=[commit()]),
        deploy(6, 3 * HOUR, "shop@2.3.0", deploy_id="d1"),
        deploy(7, 4 * HOUR, FIXED, deploy_id="d4"),
        deploy(8, 5 * HOUR, "shop@2.3.2"),
    ]
    assert [each.seq for each in fixes(resolved(release=FIXED), *announced)] == [4]


def test_a_release_that_becomes_known_later_is_told_then() -> None:
    unnamed = deploy(4, 2 * HOUR, None, deploy_id="d")
    named = deploy(5, 2 * HOUR, FIXED, deploy_id="d")
    assert [each.seq for each in fixes(resolved(release=FIXED), unnamed, named)] == [5]


@pytest.mark.parametrize("other", [{"service": "basket"}, {"environment": "staging"}])
def test_a_deploy_elsewhere_tells_nothing(other: dict[str, str]) -> None:
    elsewhere = deploy(4, 2 * HOUR, FIXED, **other)
    assert releases(resolved(release=FIXED), elsewhere) == []


def test_of_an_issue_in_two_environments_each_incident_hears_of_its_own() -> None:
    steps = [
        failing(1, 0, environment="production"),
        failing(2, 0, environment="staging", source_state="escalating"),
        resolved(release=FIXED),
    ]
    state = State()
    out = run(steps, state)
    places = {each.environment: each.incident_id for each in of_type(out, Incident)}
    for seq, environment in ((4, "staging"), (5, "production")):
        said = run([deploy(seq, seq * HOUR, FIXED, environment=environment)], state)
        assert [each.incident_id for each in of_type(said, FixLive)] == [places[environment]]


@pytest.mark.parametrize("kind", ["deploy", "event"])
def test_a_deploy_that_an_event_brings_counts_too(kind: str) -> None:
    window = change_window(2 * HOUR, release=FIXED, deploy_id="d")
    entry = (
        deploy_entry(4, 2 * HOUR, change_window=window)
        if kind == "deploy"
        else failing(4, 2 * HOUR, exception_type="KeyError", issue_id="8", change_window=window)
    )
    assert releases(resolved(release=FIXED), entry) == [FIXED]


def two_issues() -> list[Inbound]:
    """One incident of two issues."""
    other = failing(3, 120, issue_id="8", exception_type="KeyError", stacktrace=[frame(line=9)])
    return [*BROKEN, other]


def test_of_two_issues_that_one_deploy_fixes_an_incident_hears_once() -> None:
    steps = [
        *two_issues(),
        resolved(4, release="shop@2.3.1"),
        resolved(5, issue_id="8", later=True),
        deploy(6, 2 * HOUR, "shop@2.3.1"),
    ]
    (said,) = of_type(run(steps), FixLive)
    assert said.issues == 2


def test_of_two_issues_that_two_deploys_fix_an_incident_hears_of_each() -> None:
    steps = [
        *two_issues(),
        resolved(4, release="shop@2.3.1"),
        resolved(5, issue_id="8", release="shop@2.4.0"),
        deploy(6, 2 * HOUR, "shop@2.3.1"),
        deploy(7, 3 * HOUR, "shop@2.4.0"),
    ]
    out = run(steps)
    said = of_type(out, FixLive)
    assert [(each.release, each.issues) for each in said] == [("shop@2.3.1", 1), ("shop@2.4.0", 1)]
    # The first was resolved while its incident went on with the other.
    assert {each.incident_id for each in said} == {of_type(out, Incident)[0].incident_id}


def test_another_resolve_while_the_incident_goes_on_replaces_the_first() -> None:
    steps = [
        *two_issues(),
        resolved(4, later=True),
        resolved(5, 2 * HOUR, release="shop@2.4.0"),
        deploy(6, 3 * HOUR, "shop@2.3.1"),
        deploy(7, 4 * HOUR, "shop@2.4.0"),
    ]
    assert [each.release for each in of_type(run(steps), FixLive)] == ["shop@2.4.0"]


@pytest.mark.parametrize(
    "undone",
    [
        pytest.param(resolved(4, 2 * HOUR), id="resolved for now"),
        pytest.param(silence(4, 2 * HOUR, issue_id="7"), id="archived by the source"),
        pytest.param(failing(4, 2 * HOUR, release=None), id="back"),
        pytest.param(failing(4, 2 * HOUR, release=FIXED), id="back in the release with the fix"),
    ],
)
def test_what_undoes_the_resolve_ends_the_wait(undone: Inbound) -> None:
    state = State()
    steps = [*BROKEN, resolved(release=FIXED), undone, deploy(5, 3 * HOUR, FIXED)]
    assert of_type(run(steps, state), FixLive) == []
    assert (state.fixes, state.fixes_of) == ({}, {})


def test_the_release_without_the_fix_may_go_on_and_the_wait_too() -> None:
    still = failing(4, 2 * HOUR)
    assert releases(resolved(release=FIXED), still, deploy(5, 3 * HOUR, FIXED)) == [FIXED]


def test_an_issue_without_an_incident_tells_nobody() -> None:
    quiet = failing(1, 0, environment="staging")
    there = deploy(3, 2 * HOUR, FIXED, environment="staging")
    assert of_type(run([quiet, resolved(2, release=FIXED), there]), FixLive) == []


def test_an_issue_whose_place_becomes_known_waits_there() -> None:
    steps = [
        failing(1, 0, environment=UNKNOWN_ENVIRONMENT, occurrence=False, stacktrace=[]),
        resolved(2, 60, later=True),
        # It is the issue that was told of, and in the release that has no fix.
        failing(3, 0, received=at(120)),
        deploy(4, 2 * HOUR, FIXED),
    ]
    assert [each.seq for each in of_type(run(steps), FixLive)] == [4]


def test_too_many_waits_end_the_longest() -> None:
    state = State()
    for number in range(MAX_AWAITED_FIXES + 1):
        scope = f"service-{number % 2}", "production"
        fix = AwaitedFix(*scope, f"inc-{number}", FIXED, later=False, resolved=1.0, touched=number)
        awaited_fixes.keep(state, str(number), fix)
    assert len(state.fixes) == MAX_AWAITED_FIXES
    first, other = (state.fixes_of[f"service-{each}", "production"] for each in (0, 1))
    assert first | other == set(state.fixes)
    assert "0" not in first


def test_a_restart_forgets_no_wait_and_repeats_nothing() -> None:
    steps = [
        *two_issues(),
        resolved(4, release="shop@2.3.1"),
        resolved(5, issue_id="8", release="shop@2.4.0"),
        deploy(6, 2 * HOUR, "shop@2.3.1"),
        deploy(7, 3 * HOUR, "shop@2.4.0"),
        deploy(8, 4 * HOUR, "shop@2.4.1"),
    ]
    whole = lasting(run(steps))
    for cut in range(1, len(steps)):
        state, stored = State(), Stored()
        before = run(steps[:cut], state)
        saved, seq = save(state)
        store(stored, [*before, *saved])
        after = run(steps[cut:], restored(stored, seq))
        assert lasting(before) + lasting(after) == whole, cut


def test_names_of_one_release() -> None:
    assert is_same("shop@1.4.0+37", "1.4.0")
    assert is_same("v1.4.0", "shop@1.4.0+37")
    assert not is_same("1.4.0+36", "1.4.0+37")
