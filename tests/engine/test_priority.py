"""An incident's priority is a sum that people can follow; a deploy has none."""

import pytest

from engine.incidents.priority import priority
from engine.memory.state import State
from shared.pipe import Inbound, Incident
from tests import builders
from tests.engine.drive import of_type, run

DAY = 86_400.0


def score(*entries: Inbound) -> int:
    """The last reported priority."""
    return of_type(run(entries), Incident)[-1].priority_score


@pytest.mark.parametrize(("environment", "told"), [("production", 10), ("staging", 5)])
def test_a_deploy_has_no_urgency_of_its_own(environment: str, told: int) -> None:
    for severity in ("warning", "critical"):
        assert score(builders.deploy_entry(1, environment=environment, severity=severity)) == told


@pytest.mark.parametrize(("severity", "told"), [("warning", 27), ("error", 47), ("critical", 67)])
def test_the_more_severe_the_more_urgent(severity: str, told: int) -> None:
    assert score(builders.event_entry(1, severity=severity)) == told


def test_what_is_not_production_is_less_urgent() -> None:
    settings = builders.settings(1, production_environments=["eu"])
    for environment, told in (("production", 37), ("eu", 47)):
        assert (
            score(settings, builders.event_entry(2, unique=True, environment=environment)) == told
        )


@pytest.mark.parametrize(
    ("fields", "trigger", "told"),
    [
        ({"alert_rule": "many"}, "alert", 43),
        ({"source_state": "regressed"}, "regression", 50),
        ({"source_state": "escalating"}, "spike", 50),
    ],
)
def test_what_comes_back_or_bursts_is_more_urgent_than_an_alert(
    fields: dict[str, str], trigger: str, told: int
) -> None:
    out = of_type(run([builders.event_entry(1), builders.event_entry(2, DAY, **fields)]), Incident)
    assert (out[-1].trigger, out[-1].priority_score) == (trigger, told)


@pytest.mark.parametrize(("events", "told"), [(1, 47), (10, 52), (100, 57), (1_000, 62)])
def test_ten_times_the_events_are_five_more_up_to_fifteen(events: int, told: int) -> None:
    entries = [builders.event_entry(n + 1, n / 10) for n in range(events)]
    assert score(*entries, builders.tick(DAY)) == told
    if events == 1_000:
        more = [builders.event_entry(n + 1_001, 100 + n / 10) for n in range(1_000)]
        assert score(*entries, *more, builders.tick(DAY)) == told


@pytest.mark.parametrize(("issues", "told"), [(1, 47), (10, 57), (100, 67), (150, 68)])
def test_ten_times_the_issues_are_five_more_up_to_ten(issues: int, told: int) -> None:
    """Each also brings an event: at 100, the issues count ten and the events count ten."""
    entries = [
        builders.event_entry(n + 1, n, stacktrace=[builders.frame(function=f"f{n}")])
        for n in range(issues)
    ]
    assert score(*entries, builders.tick(DAY)) == told


def test_how_far_above_the_usual_counts_five_at_most_and_nothing_is_above_a_hundred() -> None:
    state = State()
    run([builders.event_entry(1)], state)
    (incident,) = state.incidents.values()
    (symptom,) = incident.symptoms.values()
    for factor, told in ((0.1, 47), (1.0, 47), (10.0, 50), (100.0, 52), (1e6, 52)):
        symptom.factor = factor
        assert priority(incident, in_production=True) == told
    incident.trigger, incident.severity = "spike", "critical"
    incident.event_count, incident.issue_count = 10**9, 10**9
    assert priority(incident, in_production=True) == 100
