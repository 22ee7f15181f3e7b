"""News of an issue as a whole does not say where: nothing is told of production that was not there.

Sentry's issue webhooks name no environment. The issue's own events do.
"""

from collections.abc import Callable

import pytest

from engine.memory import records
from engine.memory.awaited import WAIT_AMONG_S, WAIT_S
from engine.memory.state import State
from shared.event import UNKNOWN_ENVIRONMENT
from shared.pipe import EventEntry, Inbound, Incident, Outbound
from tests import builders
from tests.engine.drive import codes, lasting, of_type, restored, run, save, store, told


def news(seq: int, seconds: float, issue_id: str = "7", **changes: object) -> EventEntry:
    fields: dict[str, object] = {"environment": UNKNOWN_ENVIRONMENT, "occurrence": False}
    fields |= {"stacktrace": [], "event_id": None}
    return builders.event_entry(seq, seconds, issue_id=issue_id, **(fields | changes))


def seen(seq: int, seconds: float, environment: str, issue_id: str = "7") -> EventEntry:
    return builders.event_entry(
        seq, seconds, environment=environment, issue_id=issue_id, event_id=f"e{seq}"
    )


ANOTHER = builders.event_entry(1, 0, exception_type="Other", environment="staging", issue_id="1")
"""By this, the service is known to send events."""


@pytest.mark.parametrize("state", ["regressed", "escalating"])
def test_news_of_a_known_issue_is_of_its_environment(state: str) -> None:
    out = run([seen(1, 0, "staging"), news(2, 60, source_state=state)])
    assert codes(out) == ["not_production", "opened"]
    assert of_type(out, Incident)[0].environment == "staging"


@pytest.mark.parametrize("environments", [("production", "staging"), ("staging", "production")])
def test_of_several_environments_a_production_environment_comes_first(
    environments: tuple[str, str],
) -> None:
    resolved = builders.resolve(3, 2, issue_id="7")
    entries = [seen(n, n, each) for n, each in enumerate(environments, 1)]
    state = State()
    out = run([*entries, resolved, news(4, 60, source_state="regressed")], state)
    assert codes(out)[-1] == "awaits_environment"
    assert told(run([builders.tick(60 + WAIT_AMONG_S - 0.1)], state)) == []
    out = run([builders.tick(60 + WAIT_AMONG_S)], state)
    assert told(out) == [("opened", "regression")]
    (incident,) = of_type(out, Incident)
    assert (incident.environment, incident.seq) == ("production", 4)


@pytest.mark.parametrize("state", ["regressed", "escalating"])
@pytest.mark.parametrize(
    ("seen_at", "news_at", "opened"),
    [
        (60, 61, ["staging"]),
        (60, 89, ["staging"]),
        (60, 90, ["staging", "production"]),
        (2, 3, ["production"]),
    ],
    ids=["just now", "half a minute ago", "longer ago", "before the resolve"],
)
def test_of_several_environments_it_is_the_one_where_the_issue_was_just_seen(
    state: str, seen_at: float, news_at: float, opened: list[str]
) -> None:
    known = [seen(1, 0, "production"), seen(2, 1, "staging")]
    resolved = builders.resolve(3, 2, issue_id="7")
    back = [seen(4, seen_at, "staging"), news(5, news_at, source_state=state)]
    out = run([*known, resolved, *back, builders.tick(600)])
    places = [each.environment for each in of_type(out, Incident) if each.change == "opened"]
    assert places[1:] == opened


@pytest.mark.parametrize("state", ["regressed", "escalating"])
@pytest.mark.parametrize("back_in", ["production", "staging"])
def test_of_several_environments_it_is_the_one_of_the_event_that_comes_with_the_news(
    state: str, back_in: str
) -> None:
    known = [seen(1, 0, "production"), seen(2, 1, "staging")]
    resolved = builders.resolve(3, 2, issue_id="7")
    back = [news(4, 60, source_state=state), seen(5, 61, back_in)]
    out = run([*known, resolved, *back, builders.tick(600)])
    opened = [each for each in of_type(out, Incident) if each.change == "opened"][1:]
    assert [each.environment for each in opened] == [back_in]
    assert opened[0].trigger == "regression"


def test_that_it_escalates_is_told_of_the_environment_of_the_event() -> None:
    known = [seen(1, 0, "production"), seen(2, 1, "staging")]
    later = [news(3, 9_000, source_state="escalating"), seen(4, 9_001, "staging")]
    out = run([*known, *later, builders.tick(18_000)])
    assert codes(out)[2:] == ["awaits_environment", "known"]
    incident = of_type(out, Incident)[-1]
    assert (incident.environment, incident.trigger) == ("staging", "spike")


def test_news_of_an_issue_that_only_its_source_tells_of_waits_for_nothing() -> None:
    first = [news(1, 0), news(2, 1, environment="staging")]
    assert codes(run([*first, news(3, 60, source_state="regressed")]))[-1] == "in_incident"


def test_news_of_an_unknown_issue_waits_for_an_event_that_says_where() -> None:
    out = run([ANOTHER, news(2, 1), seen(3, 2, "staging"), builders.tick(600)])
    assert codes(out) == ["not_production", "awaits_environment", "not_production"]
    assert told(out) == []
    out = run([ANOTHER, news(2, 1), seen(3, 2, "production"), builders.tick(600)])
    assert codes(out)[1:] == ["awaits_environment", "opened"]
    assert told(out) == [("opened", "new_issue")]


LATER = builders.event_entry(9, WAIT_S + 5, exception_type="Other", environment="staging")


@pytest.mark.parametrize("then", [[builders.tick(WAIT_S + 1), LATER], [LATER]])
def test_news_that_waited_in_vain_is_told_as_of_an_unknown_environment(then: list[Inbound]) -> None:
    state = State()
    assert told(run([ANOTHER, news(2, 1), builders.tick(WAIT_S)], state)) == []
    (incident,) = of_type(run(then, state), Incident)
    assert (incident.change, incident.trigger) == ("opened", "new_issue")
    assert (incident.environment, incident.seq) == (UNKNOWN_ENVIRONMENT, 2)
    assert (
        incident.priority_score
        == of_type(run([seen(1, 0, "production")]), Incident)[0].priority_score
    )


def test_whatever_lets_the_wait_pass_it_is_told_alike() -> None:
    def all_said(*then: Inbound) -> bytes:
        ends = builders.tick(7_200)
        return lasting(run([ANOTHER, news(2, 1), *then, seen(10, 60, "production"), ends]))

    assert all_said(LATER) == all_said(builders.tick(WAIT_S + 1), LATER)
    assert all_said(LATER) == all_said(builders.tick(20), builders.tick(WAIT_S + 4.9), LATER)


SEVERAL: list[Inbound] = [
    seen(1, 0, "production"), seen(2, 1, "staging"), news(3, 60, source_state="escalating"),
]  # fmt: skip


@pytest.mark.parametrize("first", [[ANOTHER, news(2, 1)], SEVERAL])
@pytest.mark.parametrize("place", ["production", "staging"])
def test_what_waits_survives_a_restart(first: list[Inbound], place: str) -> None:
    rest: list[Inbound] = [seen(8, 62, place), LATER, seen(10, 90, "production")]
    whole, state = State(), State()
    run(first, whole)
    run(first, state)
    stored: dict[str, bytes] = {}
    lines, seq = save(state)
    store(stored, lines)
    assert lasting(run(rest, restored(stored, seq))) == lasting(run(rest, whole))


@pytest.mark.parametrize("notice", [builders.resolve, builders.silence])
def test_what_its_source_says_is_over_meanwhile_is_not_told(notice: Callable[..., Inbound]) -> None:
    out = run([ANOTHER, news(2, 1), notice(3, 2, issue_id="7"), builders.tick(600)])
    assert codes(out)[1:] == ["awaits_environment", "noted"]
    assert told(out) == []


def test_what_is_only_unresolved_again_still_waits() -> None:
    unresolved = builders.silence(3, 2, issue_id="7", until=builders.at(2))
    assert told(run([ANOTHER, news(2, 1), unresolved, builders.tick(600)])) == [
        ("opened", "new_issue")
    ]


def test_the_first_news_of_an_issue_is_what_is_told() -> None:
    entries = [ANOTHER, news(2, 1, message="first"), news(3, 2, source_state="escalating")]
    out = run([*entries, builders.tick(60)])
    assert codes(out)[1:] == ["awaits_environment"] * 2
    (incident,) = of_type(out, Incident)
    assert (incident.message, incident.trigger) == ("first", "new_issue")


def test_a_service_that_sends_no_events_has_nothing_to_wait_for() -> None:
    out = run([news(1, 0)])
    assert codes(out) == ["opened"]
    assert of_type(out, Incident)[0].environment == UNKNOWN_ENVIRONMENT


def corrected(environment: str, *more: Inbound) -> list[Outbound]:
    return run([news(1, 0), *more, seen(5, 60, environment), seen(6, 61, environment)])


@pytest.mark.parametrize("environment", ["production", "staging"])
def test_an_event_corrects_the_environment_of_the_incident(environment: str) -> None:
    out = corrected(environment)
    assert codes(out) == ["opened", "in_incident", "in_incident"]
    opened, updated = of_type(out, Incident)[:2]
    assert updated.change == "updated"
    assert (updated.incident_id, updated.environment) == (opened.incident_id, environment)


def test_an_incident_moves_once_the_environment_of_all_its_issues_is_known() -> None:
    other = news(2, 1, issue_id="8", exception_type="Other")
    out = corrected("production", other)
    assert {each.environment for each in of_type(out, Incident)} == {UNKNOWN_ENVIRONMENT}
    known = builders.event_entry(4, 30, exception_type="Other", issue_id="8", event_id="e4")
    out = corrected("production", other, known)
    assert of_type(out, Incident)[-1].environment == "production"


def test_the_suspects_are_those_of_production_where_the_environment_is_not_known() -> None:
    deploy = builders.change_window_entry(1, 0)
    told_of = news(2, 60, stacktrace=builders.event().stacktrace)
    suspects = of_type(run([deploy, told_of]), Incident)[0].suspected_causes
    known = of_type(run([deploy, builders.event_entry(2, 60)]), Incident)[0].suspected_causes
    assert [each.commit_id for each in suspects] == [each.commit_id for each in known] != []


def test_what_waits_is_bounded() -> None:
    state = State()
    run([ANOTHER], state)
    most = records.MAX_AWAITED
    out = run([news(n, 1, issue_id=f"i{n}") for n in range(2, most + 3)], state)
    assert codes(out).count("awaits_environment") == len(state.awaited) == most
    assert codes(out)[-1] == "opened"
