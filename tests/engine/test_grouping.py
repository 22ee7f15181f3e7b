"""One problem is one incident: what joins it, what stays apart, what it says, when it ends."""

from typing import Any

import pytest

from engine.incidents.life import MAX_JOINED_NAMED
from engine.memory.state import State
from shared.event import NOTHING
from shared.event_context import EventContext, pack_context
from shared.incident import Reason
from shared.pipe import Decision, Inbound, Incident, IncidentEnded, Outbound
from shared.reasons import End
from tests import builders
from tests.engine.drive import codes, ended, of_type, restored, run, save, store, told

MINUTE = 60.0
HOUR = 3_600.0
DAY = 24 * HOUR


def error(seq: int, at: float, number: int = 0, **fields: object) -> Inbound:
    """An event of the issue with this number."""
    trace = [builders.frame(function=f"f{number}")]
    return builders.event_entry(seq, at, **({"stacktrace": trace} | fields))


def incident_ids(out: list[Outbound]) -> set[str]:
    return {line.incident_id for line in of_type(out, Incident)}


def test_an_outage_of_500_issues_is_one_incident() -> None:
    out = run([*(error(n + 1, n, n) for n in range(500)), builders.tick(600)])
    assert len(incident_ids(out)) == 1
    last = of_type(out, Incident)[-1]
    assert last.issue_count == 500
    assert len(last.top_symptoms) == 10


def test_of_more_than_a_hundred_issues_those_that_join_are_told_once_a_minute() -> None:
    out = run([*(error(n + 1, n, n) for n in range(500)), builders.tick(600)])
    lines = of_type(out, Incident)
    assert told(out) == [("opened", "new_issue"), *[("joined", "new_issue")] * (len(lines) - 1)]
    counts = [line.issue_count for line in lines]
    assert counts[:100] == [*range(1, 101)]
    assert counts[100:] == [*range(159, 500, 60), 500]


def test_each_issue_that_joins_is_named_once_in_what_is_told() -> None:
    out = run([*(error(n + 1, n, n) for n in range(300)), builders.tick(600)])
    lines = of_type(out, Incident)
    assert lines[0].joined == []
    decided = [line.issue for line in of_type(out, Decision)]
    named = [symptom.fingerprint for line in lines for symptom in line.joined]
    assert named == decided[1:]


def test_of_very_many_that_join_within_a_minute_the_newest_are_named() -> None:
    many = MAX_JOINED_NAMED + 200
    out = run([*(error(n + 1, n / 100, n) for n in range(many)), builders.tick(600)])
    last = of_type(out, Incident)[-1]
    decided = [line.issue for line in of_type(out, Decision)]
    assert [symptom.fingerprint for symptom in last.joined] == decided[-MAX_JOINED_NAMED:]


def test_an_outage_of_500_known_issues_is_one_incident() -> None:
    known = [error(n + 1, n * 20, n % 500) for n in range(30 * 500)]
    at = 30 * 500 * 20 + HOUR
    first = known[-1].seq or 0  # type: ignore[union-attr]
    outage = [error(first + n + 1, at + n / 100, n % 500) for n in range(40 * 500)]
    state = State()
    run(known, state)
    out = run(outage, state)
    spikes = [line for line in of_type(out, Incident) if line.change == "opened"]
    assert len(spikes) == 1
    assert spikes[0].trigger == "spike"


def test_issues_of_different_services_and_environments_stay_apart() -> None:
    out = run(
        [
            error(1, 0),
            error(2, 1, service="mail"),
            builders.settings(3, 2, production_environments=["production", "eu"]),
            error(4, 3, environment="eu"),
        ]
    )
    assert len(incident_ids(out)) == 3


def test_issues_that_fire_long_after_each_other_stay_apart() -> None:
    out = run([error(1, 0, 0), error(2, 9 * MINUTE, 1), error(3, 25 * MINUTE, 2)])
    assert told(out) == [
        ("opened", "new_issue"),
        ("joined", "new_issue"),
        ("opened", "new_issue"),
    ]


def test_new_errors_that_trickle_are_not_one_incident_for_ever() -> None:
    out = run([error(n + 1, n * 9 * MINUTE, n) for n in range(20)])
    assert 2 <= len(incident_ids(out)) <= 4


def test_issues_that_point_to_one_deploy_are_one_incident() -> None:
    commits = [
        builders.commit("culprit", files=["shop/cart.py"], functions=["f0", "f1"], added=80),
        builders.commit("bystander", files=["docs/readme.md"], functions=[], message="Reword"),
    ]
    out = run(
        [
            builders.change_window_entry(1, 0, commits=commits),
            error(2, 60, 0, message="cart total is wrong"),
            error(3, 25 * MINUTE, 1, message="cart total is wrong"),
        ]
    )
    assert told(out) == [("opened", "new_issue"), ("joined", "new_issue")]
    assert of_type(out, Incident)[-1].suspected_causes[0].commit_id == "culprit"


def test_a_simulation_joins_nothing_and_nothing_joins_it() -> None:
    out = run([error(1, 0, 0, unique=True), error(2, 1, 1), error(3, 2, 2, unique=True)])
    assert [change for change, _ in told(out)] == ["opened"] * 3


def test_the_worst_symptom_comes_first() -> None:
    slow = [error(n + 1, n, 0, severity="warning", message="slow") for n in range(5)]
    broken = [error(6, 5, 1, message="broken once")]
    often = [error(n + 7, n + 6, 2, message="broken often") for n in range(3)]
    out = run([*slow, *broken, *often, builders.tick(HOUR)])
    last = of_type(out, Incident)[-1]
    assert [symptom.message for symptom in last.top_symptoms] == [
        "broken often",
        "broken once",
        "slow",
    ]


def test_the_message_of_a_symptom_is_kept_up_to_300_characters() -> None:
    for length in (300, 301):
        out = run([error(1, 0, 0, message="m" * length)])
        assert [len(each.message) for each in of_type(out, Incident)[-1].top_symptoms] == [300]


def test_an_issue_that_is_more_severe_escalates_the_incident_and_leads_it() -> None:
    out = run(
        [
            error(1, 0, 0, severity="warning", message="slow"),
            error(2, 1, 1, severity="critical", message="down"),
        ]
    )
    assert told(out) == [
        ("opened", "new_issue"),
        ("joined", "new_issue"),
        ("escalated", "new_issue"),
    ]
    last = of_type(out, Incident)[-1]
    assert (last.severity, last.message) == ("critical", "down")
    assert incident_ids(out) == {last.incident_id}


def test_what_was_around_an_event_is_not_remembered() -> None:
    state = State()
    context = pack_context(EventContext(user={"id": "4711"}))
    run([error(1, 0, context=context), error(2, 1, severity="critical", context=context)], state)
    assert [each.lead.context for each in state.incidents.values()] == [NOTHING]


def test_a_member_that_becomes_more_severe_escalates_the_incident_once() -> None:
    out = run([error(1, 0), error(2, 1, severity="critical"), error(3, 2, severity="critical")])
    assert codes(out) == ["opened", "escalated", "in_incident"]


def test_an_incident_that_grows_tenfold_is_told_once_more() -> None:
    begin = [error(n + 1, n * 10) for n in range(30)]
    more = [error(31 + n, 10 * MINUTE + n / 2) for n in range(500)]
    out = run([*begin, *more])
    assert told(out) == [("opened", "new_issue"), ("escalated", "new_issue")]


def test_counts_are_told_within_a_second_and_then_by_and_by_and_in_full_at_the_end() -> None:
    out = run([*[error(n + 1, n) for n in range(300)], builders.tick(DAY)])
    updates = [line for line in of_type(out, Incident) if line.change == "updated"]
    # An event a second: the counts are the seconds.
    counts = [each.event_count for each in updates]
    assert counts == [2, 3, 4, 6, 9, 13, 20, 30, 45, 67, 101, 151, 211, 271, 300]
    assert updates[-1].top_symptoms[0].count == 300
    assert out.index(updates[-1]) < out.index(ended(out)[0])


def test_an_incident_ends_half_an_hour_after_its_last_event() -> None:
    out = run([error(1, 0), error(2, 600), builders.tick(DAY)])
    assert [(line.reason, line.time) for line in ended(out)] == [
        (Reason(End.QUIET), builders.at(600 + 1_800))
    ]


def test_an_incident_that_never_ends_becomes_the_usual_state() -> None:
    out = run([error(n + 1, n * 5 * MINUTE) for n in range(400)])
    assert [(line.reason, line.time) for line in ended(out)] == [
        (Reason(End.USUAL_NOW), builders.at(DAY))
    ]
    assert codes(out)[-1] == "known"


def test_a_spike_ends_when_its_rate_is_back() -> None:
    known = [error(n + 1, n * MINUTE) for n in range(2_000)]
    at = 2_000 * MINUTE
    burst = [error(2_001 + n, at + n) for n in range(300)]
    after = [error(2_301 + n, at + 300 + n * MINUTE) for n in range(120)]
    out = run([*known, *burst, *after])
    spike = next(line for line in of_type(out, Incident) if line.trigger == "spike")
    end = next(line for line in ended(out) if line.incident_id == spike.incident_id)
    assert end.reason == Reason(End.RATES_BACK)
    # Half an hour after no window of up to half an hour was improbable.
    assert 1_800 <= (end.time - spike.start_time).total_seconds() <= 300 + 2 * 1_920


def test_an_issue_that_flaps_is_held_longer_each_time() -> None:
    out: list[Outbound] = []
    state = State()
    at = 0.0
    for seq in range(1, 9, 2):
        out += run([error(seq, at, issue_id="7")], state)
        at += HOUR
        out += run([builders.resolve(seq + 1, at, issue_id="7")], state)
        at += HOUR
    out += run([error(9, at, issue_id="7"), builders.tick(at + DAY)], state)
    last = ended(out)[-1]
    assert last.time == builders.at(at + 4 * HOUR)


def test_an_issue_that_flaps_is_held_twice_as_long_each_time_up_to_four_hours() -> None:
    state, at = State(), 0.0
    held = []
    for seq in range(1, 7):
        out = run([error(seq, at, source_state="regressed"), builders.tick(at + 5 * HOUR)], state)
        (end,) = ended(out)
        held.append((end.time - builders.at(at)).total_seconds() / MINUTE)
        at = (end.time - builders.START).total_seconds() + HOUR
    assert held == [30, 60, 120, 240, 240, 240]


@pytest.mark.parametrize(("pause", "minutes"), [(6 * HOUR - 1, 60), (6 * HOUR, 30)])
def test_incidents_that_follow_each_other_within_six_hours_are_a_flapping_issue(
    pause: float, minutes: float
) -> None:
    again = 30 * MINUTE + pause
    entries = [error(1, 0), error(2, again, source_state="regressed"), builders.tick(again + DAY)]
    assert ended(run(entries))[-1].time == builders.at(again + minutes * MINUTE)


def test_an_issue_that_was_calm_for_long_is_held_as_the_first_time() -> None:
    again = (0.0, HOUR, 2.5 * HOUR, 20 * HOUR, 21 * HOUR)
    entries = [error(n + 1, at, source_state="regressed") for n, at in enumerate(again)]
    out = run([*entries, builders.tick(2 * DAY)])
    times = [(end.time - builders.START).total_seconds() for end in ended(out)]
    held = [(end - at) / MINUTE for end, at in zip(times, again, strict=True)]
    assert held == [30, 60, 120, 30, 60]


def test_a_resolved_incident_ends_with_who_resolved_it() -> None:
    state = State()
    out = run([error(1, 0, 0), error(2, 1, 1)], state)
    (incident_id,) = incident_ids(out)
    out = run([builders.resolve(3, 60, incident_id=incident_id), error(4, 120, 1)], state)
    assert of_type(out, IncidentEnded) == [
        IncidentEnded(incident_id, Reason(End.RESOLVED, {"by": "ada"}), builders.at(60))
    ]
    assert told(out) == [("opened", "regression")]


def test_an_incident_ends_when_its_last_issue_is_resolved() -> None:
    state = State()
    run([error(1, 0, 0, issue_id="7"), error(2, 1, 1, issue_id="8")], state)
    assert ended(run([builders.resolve(3, 60, issue_id="7")], state)) == []
    assert len(ended(run([builders.resolve(4, 61, issue_id="8")], state))) == 1


def test_an_incident_that_has_ended_can_still_be_resolved() -> None:
    state = State()
    out = run([error(1, 0), builders.tick(HOUR)], state)
    (incident_id,) = incident_ids(out)
    out = run([builders.resolve(2, 2 * HOUR, incident_id=incident_id), error(3, 3 * HOUR)], state)
    assert codes(out) == ["noted", "opened"]
    assert told(out) == [("opened", "regression")]


def test_a_deploy_opens_one_incident_however_often_it_is_told() -> None:
    out = run(
        [
            builders.deploy_entry(1, 0),
            builders.deploy_entry(2, 5),
            builders.change_window_entry(3, 60),
            builders.deploy_entry(4, 90),
        ]
    )
    assert told(out) == [("opened", "deploy")]
    assert codes(out) == ["opened", "deploy_known", "noted", "deploy_known"]
    assert of_type(out, Incident)[0].trigger_numbers["commits"] == 1


def test_a_deploy_counts_only_the_lines_that_its_commits_tell() -> None:
    told_lines = builders.commit("one", added=5, deleted=2)
    no_lines = builders.commit("two", added=None, deleted=None)
    window = builders.change_window(commits=[told_lines, no_lines])
    out = run([builders.deploy_entry(1, 0, change_window=window)])
    numbers = of_type(out, Incident)[0].trigger_numbers
    assert (numbers["commits"], numbers["added"], numbers["deleted"]) == (2, 5, 2)


def test_a_deploy_that_was_context_first_still_opens_its_incident() -> None:
    out = run([builders.change_window_entry(1, 0), builders.deploy_entry(2, 5)])
    assert codes(out) == ["noted", "opened"]


def test_errors_after_a_deploy_are_an_incident_of_their_own() -> None:
    out = run([builders.deploy_entry(1, 0), error(2, 30)])
    assert told(out) == [("opened", "deploy"), ("opened", "new_issue")]


def test_a_deploy_that_is_told_late_explains_an_open_incident() -> None:
    out = run([error(1, 0), builders.change_window_entry(2, 60, deploy_time=builders.at(-60))])
    assert [line.change for line in of_type(out, Incident)] == ["opened", "updated"]
    assert of_type(out, Incident)[0].suspected_causes == []
    assert of_type(out, Incident)[1].suspected_causes[0].commit_id == "a1b2c3d4"


def test_a_deploy_of_yesterday_explains_the_error_of_today() -> None:
    out = run([builders.change_window_entry(1, 0), error(2, DAY)])
    assert of_type(out, Incident)[0].suspected_causes[0].commit_id == "a1b2c3d4"


def test_a_deploy_of_another_environment_explains_nothing() -> None:
    out = run([builders.change_window_entry(1, 0, environment="staging"), error(2, 60)])
    assert of_type(out, Incident)[0].suspected_causes == []


def test_the_success_of_a_deploy_moves_its_time_and_keeps_its_commits() -> None:
    state = State()
    run(
        [
            builders.change_window_entry(1, 0, pending=True),
            builders.change_window_entry(2, 300, commits=[]),
        ],
        state,
    )
    (deploy,) = state.deploys.values()
    assert deploy.window.deploy_time == builders.at(300)
    assert [commit.id for commit in deploy.window.commits] == ["a1b2c3d4"]


def test_grouping_is_the_same_after_a_restart_at_any_entry() -> None:
    entries = [error(n + 1, n * 150.0, n % 7) for n in range(40)]
    plain = of_type(run(entries), Decision)
    for cut in range(len(entries)):
        state = State()
        before = run(entries[:cut], state)
        stored: dict[str, bytes] = {}
        lines, seq = save(state)
        store(stored, lines)
        after = run(entries[cut:], restored(stored, seq))
        assert of_type([*before, *after], Decision) == plain


def test_an_issue_that_is_resolved_while_its_incident_goes_on_joins_again_when_it_is_back() -> None:
    state = State()
    run([error(1, 0, 0, issue_id="7"), error(2, 1, 1)], state)
    out = run(
        [
            builders.resolve(3, 60, issue_id="7"),
            error(4, 120, 0, issue_id="7"),
            error(5, 121, 0, issue_id="7"),
        ],
        state,
    )
    assert codes(out) == ["noted", "joined", "in_incident"]
    assert told(out) == [("joined", "new_issue")]
    assert of_type(out, Incident)[0].issue_count == 2


def test_the_source_saying_that_it_escalates_makes_an_open_incident_worse_once() -> None:
    word: dict[str, Any] = {"source_state": "escalating", "occurrence": False, "issue_id": "7"}
    out = run(
        [
            *[error(n + 1, n * 600.0, issue_id="7") for n in range(5)],
            error(6, 3_000, **word),
            error(7, 3_001, **word),
        ]
    )
    assert codes(out)[-2:] == ["escalated", "in_incident"]


@pytest.mark.parametrize(("after", "times"), [(1_799, 0), (1_800, 1)])
def test_a_burst_of_a_member_makes_its_incident_worse_half_an_hour_after_it_was_told(
    after: float, times: int
) -> None:
    opened, state = DAY, State()
    run([error(n + 1, n * 300.0) for n in range(288)], state)
    run([error(289, opened, source_state="regressed"), error(290, opened + 900)], state)
    burst = codes(run([error(291 + n, opened + after) for n in range(50)], state))
    assert burst.count("escalated") == times
    assert burst.count("in_incident") == 50 - times


@pytest.mark.parametrize(("events", "code"), [(399, "in_incident"), (400, "escalated")])
def test_ten_times_the_events_of_the_first_five_minutes_are_worse(events: int, code: str) -> None:
    # The incident opens in the middle of a stretch of five minutes, and 40 events are in that one.
    first = [error(n + 1, 150 + n) for n in range(40)]
    later = [error(41 + n, 1_800 + n / 10) for n in range(events)]
    out = run([*first, *later])
    assert codes(out)[-1] == code


@pytest.mark.parametrize(("after", "code"), [(1_799, "in_incident"), (1_800, "escalated")])
def test_what_the_source_says_makes_an_incident_worse_half_an_hour_after_it_was_told(
    after: float, code: str
) -> None:
    entries = [error(1, 0), error(2, 1_700), error(3, after, source_state="escalating")]
    assert codes(run(entries)) == ["opened", "in_incident", code]


def test_a_late_event_of_an_open_incident_is_only_counted() -> None:
    late = [error(n + 2, 10, timestamp=builders.at(-DAY)) for n in range(500)]
    out = run([error(1, 0), *late, builders.tick(HOUR)])
    assert told(out) == [("opened", "new_issue")]
    last = of_type(out, Incident)[-1]
    assert (last.event_count, last.last_seen, last.peak_time) == (
        501,
        builders.at(0),
        builders.at(0),
    )
    assert ended(out)[0].time == builders.at(1_800)
