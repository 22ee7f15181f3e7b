"""What opens an incident, and what does not, with the reason."""

import pytest

from engine.fold import answer
from engine.memory.state import State
from shared.incident import Reason
from shared.pipe import Decision, Inbound, Incident, encode_lines
from shared.reasons import End
from tests import builders
from tests.engine.drive import codes, ended, of_type, run, told

MINUTE = 60.0
HOUR = 3_600.0
DAY = 24 * HOUR


def steady(count: int, gap_s: float, first: int = 1, **fields: object) -> list[Inbound]:
    """Events of one issue at equal intervals; no ticks are needed between them."""
    return [builders.event_entry(first + n, n * gap_s, **fields) for n in range(count)]


def test_an_unknown_issue_in_production_opens_an_incident() -> None:
    out = run([builders.event_entry(1, 0)])
    assert told(out) == [("opened", "new_issue")]
    assert of_type(out, Decision)[0].incident_id == of_type(out, Incident)[0].incident_id


def test_prod_is_production() -> None:
    out = run([builders.event_entry(1, 0, environment="PROD")])
    assert of_type(out, Incident)[0].environment == "production"


def test_an_unknown_issue_elsewhere_opens_none() -> None:
    assert codes(run([builders.event_entry(1, 0, environment="staging")])) == ["not_production"]


def test_what_production_is_can_be_set() -> None:
    out = run(
        [
            builders.settings(1, 0, production_environments=["eu", "prod"]),
            builders.event_entry(2, 1, environment="eu"),
            builders.event_entry(3, 2, environment="production"),
            builders.event_entry(4, 3, environment="us"),
        ]
    )
    assert codes(out) == ["noted", "opened", "opened", "not_production"]


def test_a_simulation_opens_an_incident_each_time_wherever_it_is() -> None:
    out = run(
        [builders.event_entry(seq, seq, unique=True, environment="staging") for seq in (1, 2, 3)]
    )
    assert codes(out) == ["opened"] * 3
    assert len({line.incident_id for line in of_type(out, Incident)}) == 3


def test_a_burst_of_a_known_issue_is_a_spike() -> None:
    known = steady(300, 10 * MINUTE)
    at = 300 * 10 * MINUTE
    burst = [builders.event_entry(301 + n, at + n) for n in range(200)]
    state = State()
    assert told(run(known, state)) == [("opened", "new_issue")]
    out = run(burst, state)
    assert told(out)[0] == ("opened", "spike")
    numbers = of_type(out, Incident)[0].trigger_numbers
    assert numbers["usual_per_min"] == pytest.approx(0.1, rel=0.2)
    assert {"rate_per_min", "threshold", "factor", "count", "window_min"} <= set(numbers)


def test_many_rare_errors_of_one_service_at_once_are_one_spike_of_the_service() -> None:
    def rare(seq: int, number: int, at: float) -> Inbound:
        name = f"f{number}"
        trace = [builders.frame(function=name)]
        return builders.event_entry(seq, at, stacktrace=trace, environment="staging")

    some_days = [rare(n + 1, n % 60, n * 3 * HOUR) for n in range(180)]
    at = 180 * 3 * HOUR + 2 * DAY
    at_once = [rare(181 + n, n, at + n) for n in range(60)]
    state = State()
    assert told(run(some_days, state)) == []
    out = run(at_once, state)
    changes = told(out)
    assert changes[0] == ("opened", "spike")
    assert {change for change, _ in changes[1:]} == {"joined"}
    assert len({line.incident_id for line in of_type(out, Incident)}) == 1
    assert float(of_type(out, Incident)[0].trigger_numbers["different_errors"]) > 5


def test_an_issue_that_was_resolved_and_is_back_is_a_regression() -> None:
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7"),
            builders.resolve(2, HOUR, issue_id="7"),
            builders.event_entry(3, 2 * HOUR, issue_id="7"),
            builders.event_entry(4, 2 * HOUR + 1, issue_id="7"),
        ]
    )
    assert codes(out) == ["opened", "noted", "opened", "in_incident"]
    assert told(out)[-1] == ("opened", "regression")
    assert of_type(out, Incident)[-1].trigger_numbers["resolved_for_min"] == 60


@pytest.mark.parametrize(
    ("fixed_in", "seen_in", "code"),
    [
        ("shop@1.10.0", "shop@1.9.2", "older_release"),
        ("shop@1.10.0", "shop@1.10.0", "opened"),
        ("shop@1.10.0", "shop@1.11.0", "opened"),
        ("4f2ab1", "9d0c77", "opened"),
    ],
)
def test_a_release_older_than_the_fix_is_no_regression(
    fixed_in: str, seen_in: str, code: str
) -> None:
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7", release="shop@1.9.2"),
            builders.resolve(2, HOUR, issue_id="7", release=fixed_in),
            builders.event_entry(3, 2 * HOUR, issue_id="7", release=seen_in),
        ]
    )
    assert codes(out)[-1] == code


def test_what_the_source_calls_otherwise_now_is_no_longer_resolved_under_its_old_name() -> None:
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7"),
            builders.event_entry(2, 60, issue_id="8"),
            builders.resolve(3, HOUR, issue_id="7"),
            builders.event_entry(4, 2 * HOUR, issue_id="8"),
            builders.resolve(5, 3 * HOUR, issue_id="8"),
            builders.event_entry(6, 4 * HOUR, issue_id="8"),
        ]
    )
    assert told(out) == [("opened", "new_issue"), ("opened", "regression")]


def test_an_event_without_a_release_leaves_that_of_its_issue() -> None:
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7", release="shop@1.10.0"),
            builders.event_entry(2, 60, issue_id="7"),
            builders.resolve(3, HOUR, issue_id="7"),
            builders.event_entry(4, 2 * HOUR, issue_id="7", release="shop@1.9.2"),
        ]
    )
    assert codes(out)[-1] == "older_release"


def test_releases_without_numbers_are_as_old_as_they_appeared() -> None:
    out = run(
        [
            builders.change_window_entry(1, 0, deploy_id="a", release="4f2ab1"),
            builders.change_window_entry(2, 1, deploy_id="b", release="9d0c77"),
            builders.event_entry(3, 2, issue_id="7", release="4f2ab1"),
            builders.resolve(4, HOUR, issue_id="7", release="9d0c77"),
            builders.event_entry(5, 2 * HOUR, issue_id="7", release="4f2ab1"),
            builders.event_entry(6, 3 * HOUR, issue_id="7", release="9d0c77"),
        ]
    )
    assert codes(out)[-2:] == ["older_release", "opened"]


@pytest.mark.parametrize(
    ("seen_in", "code"),
    [
        ("shop@1.9.2", "older_release"),
        ("shop@1.10.0", "older_release"),
        ("shop@1.10", "older_release"),
        ("shop@1.10.1", "opened"),
        ("4f2ab1c", "opened"),
        (None, "opened"),
    ],
)
def test_resolved_in_the_next_release_the_newest_known_one_may_go_on(
    seen_in: str | None, code: str
) -> None:
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7", release="shop@1.10.0"),
            # An old phone: the release that the issue was seen in last is not the newest.
            builders.event_entry(2, 1, issue_id="7", release="shop@1.8.0"),
            builders.resolve(3, HOUR, issue_id="7", later=True),
            builders.event_entry(4, 2 * HOUR, issue_id="7", release=seen_in),
        ]
    )
    assert codes(out)[-1] == code


def test_resolved_in_the_next_release_the_hash_that_runs_may_go_on() -> None:
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7", release="4f2ab1c"),
            builders.resolve(2, HOUR, issue_id="7", later=True),
            builders.event_entry(3, 2 * HOUR, issue_id="7", release="4f2ab1c"),
            builders.event_entry(4, 3 * HOUR, issue_id="7", release="9d0c77a"),
        ]
    )
    assert codes(out)[-2:] == ["older_release", "opened"]


@pytest.mark.parametrize("until", [HOUR, None])
def test_what_the_source_archives_or_unresolves_is_no_longer_resolved(until: float | None) -> None:
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7"),
            builders.resolve(2, HOUR, issue_id="7"),
            builders.silence(3, HOUR, issue_id="7", until=until and builders.at(until)),
            builders.event_entry(4, 2 * HOUR, issue_id="7"),
        ]
    )
    assert codes(out) == ["opened", "noted", "noted", "known"]


def test_a_silence_of_our_own_leaves_a_resolve() -> None:
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7"),
            builders.resolve(2, HOUR, issue_id="7"),
            builders.silence(
                3, HOUR, issue=of_type(run([builders.event_entry()]), Decision)[0].issue
            ),
            builders.event_entry(4, 2 * HOUR, issue_id="7"),
        ]
    )
    assert codes(out)[-1] == "silenced"


def test_a_silence_far_beyond_its_habit_is_a_regression() -> None:
    known = steady(300, 5 * MINUTE)
    last = 299 * 5 * MINUTE + 12 * MINUTE
    state = State()
    run([*known, builders.event_entry(301, last)], state)
    out = run([builders.event_entry(302, last + 2 * DAY + 10 * MINUTE)], state)
    assert told(out) == [("opened", "regression")]
    silence = {"silent_min": 2_890.0, "longest_gap_min": 12.0, "known_gaps": 300}
    assert of_type(out, Incident)[0].trigger_numbers == silence
    assert of_type(out, Decision)[0].numbers == {"trigger": "regression"} | silence


@pytest.mark.parametrize(
    ("silent_s", "code"), [(HOUR - 1.0, "known"), (HOUR, "opened")], ids=["shorter", "just so long"]
)
def test_a_silence_of_an_hour_is_the_shortest(silent_s: float, code: str) -> None:
    state = State()
    late = builders.event_entry(301, 299 * 5 * MINUTE + silent_s)
    # Read from lines, as most events take a short way then.
    out = [
        answer(state, line) for line in encode_lines([*steady(300, 5 * MINUTE), late]).splitlines()
    ]
    assert codes(out[-1]) == [code]


@pytest.mark.parametrize("gap_s", [HOUR, 1.5 * HOUR, DAY])
def test_an_error_with_a_rhythm_is_no_regression(gap_s: float) -> None:
    out = run(steady(60, gap_s))
    assert told(out) == [("opened", "new_issue")]


def test_what_the_source_says_counts() -> None:
    out = run(
        [
            builders.event_entry(1, 0, environment="staging"),
            builders.event_entry(2, DAY, environment="staging", source_state="regressed"),
            builders.event_entry(3, 3 * DAY, environment="staging", source_state="escalating"),
        ]
    )
    assert told(out) == [("opened", "regression"), ("opened", "spike")]


def alert(seq: int, at: float, **fields: object) -> Inbound:
    return builders.event_entry(seq, at, **({"alert_rule": "many errors"} | fields))


def test_an_alert_of_the_source_opens_an_incident_once_a_day() -> None:
    out = run(
        [
            builders.event_entry(1, 0),
            alert(2, 5 * HOUR),
            alert(3, 10 * HOUR),
            alert(4, 15 * HOUR, alert_rule="another rule"),
            alert(5, 30 * HOUR),
        ]
    )
    assert codes(out) == ["opened", "opened", "alerted_already", "opened", "opened"]
    assert [trigger for _, trigger in told(out)] == ["new_issue", "alert", "alert", "alert"]


def test_an_alert_that_is_worse_opens_one_again() -> None:
    out = run(
        [
            builders.event_entry(1, 0),
            alert(2, 5 * HOUR),
            alert(3, 10 * HOUR, severity="critical"),
        ]
    )
    assert codes(out) == ["opened", "opened", "opened"]


def test_an_alert_about_an_open_incident_opens_no_other_today() -> None:
    out = run([builders.event_entry(1, 0), alert(2, 60), alert(3, 5 * HOUR)])
    assert codes(out) == ["opened", "in_incident", "alerted_already"]


def test_an_alert_elsewhere_than_in_production_opens_none() -> None:
    out = run([alert(1, 0, environment="staging"), alert(2, HOUR, environment="staging")])
    assert codes(out) == ["not_production", "not_production"]


def test_a_silenced_issue_opens_nothing_until_then() -> None:
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7"),
            builders.silence(2, 10, issue_id="7", until=builders.at(2 * DAY)),
            alert(3, DAY, issue_id="7"),
            alert(4, 3 * DAY, issue_id="7"),
        ]
    )
    assert codes(out) == ["opened", "noted", "silenced", "opened"]
    opened, _, silenced, _ = of_type(out, Decision)
    assert silenced.incident_id == opened.incident_id


@pytest.mark.parametrize(
    ("first", "open_incidents"),
    [
        (builders.silence(3, 10, issue_id="7"), 0),
        (builders.resolve(3, 10, issue_id="7"), 0),
        (builders.resolve(3, 10, issue_id="9"), 1),
    ],
)
def test_a_silence_ends_an_incident_of_which_every_other_issue_is_silenced_or_resolved(
    first: Inbound, open_incidents: int
) -> None:
    trace = [builders.frame(function="other")]
    state = State()
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7"),
            builders.event_entry(2, 1, issue_id="8", stacktrace=trace),
            first,
            builders.silence(4, 15 * MINUTE, issue_id="8"),
        ],
        state,
    )
    assert [line.reason for line in ended(out)] == [Reason(End.SILENCED, {"by": "ada"})] * (
        1 - open_incidents
    )
    assert len(state.incidents) == open_incidents


def test_a_silence_that_is_over_keeps_its_issue_in_the_incident_that_others_leave() -> None:
    trace = [builders.frame(function="other")]
    start: list[Inbound] = [
        builders.event_entry(1, 0, issue_id="7"),
        builders.event_entry(2, 1, issue_id="8", stacktrace=trace),
        builders.silence(3, 10, issue_id="7", until=builders.at(10 * MINUTE)),
    ]
    for at, open_incidents in ((10 * MINUTE - 1, 0), (10 * MINUTE, 1)):
        state = State()
        out = run([*start, builders.silence(4, at, issue_id="8")], state)
        assert codes(out) == ["opened", "joined", "noted", "noted"]
        assert len(state.incidents) == open_incidents


def test_an_issue_that_is_told_of_again_after_its_silence_is_silent_no_more() -> None:
    trace = [builders.frame(function="other")]
    state = State()
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7"),
            builders.silence(2, 10, issue_id="7", until=builders.at(DAY)),
            alert(3, DAY - 1, issue_id="7"),
            alert(4, DAY, issue_id="7"),
            builders.event_entry(5, DAY + 1, issue_id="8", stacktrace=trace),
            builders.silence(6, DAY + 2, issue_id="8"),
        ],
        state,
    )
    assert codes(out) == ["opened", "noted", "silenced", "opened", "joined", "noted"]
    assert [line.reason for line in ended(out)] == [Reason(End.SILENCED, {"by": "ada"})]
    assert len(state.incidents) == 1


def test_the_silence_of_the_source_ends_when_the_source_says_that_it_is_worse() -> None:
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7"),
            builders.silence(2, 10, issue_id="7"),
            builders.event_entry(3, DAY, issue_id="7", source_state="escalating"),
            alert(4, 2 * DAY, issue_id="7"),
        ]
    )
    assert codes(out) == ["opened", "noted", "opened", "opened"]


def test_the_silence_of_a_person_lasts_whatever_the_source_says() -> None:
    state = State()
    run([builders.event_entry(1, 0)], state)
    (key,) = state.issues
    out = run(
        [
            builders.silence(2, 10, issue=key),
            builders.event_entry(3, DAY, source_state="escalating"),
        ],
        state,
    )
    assert codes(out) == ["noted", "silenced"]


def test_each_silence_is_whose_it_is_whatever_the_one_before_was() -> None:
    state = State()
    run([builders.event_entry(1, 0, issue_id="7")], state)
    (key,) = state.issues
    by_source, by_person = {"issue_id": "7"}, {"issue": key}
    seq, found = 1, []
    for named in (by_source, by_person, by_source, by_source, by_person):
        entries: list[Inbound] = [
            builders.silence(seq + 1, seq * DAY, **named),
            builders.event_entry(seq + 2, seq * DAY + HOUR, source_state="escalating"),
        ]
        found.append(codes(run(entries, state))[-1])
        seq += 2
    assert found == ["opened", "silenced", "opened", "opened", "silenced"]


def test_an_event_that_comes_by_two_rules_counts_once() -> None:
    state = State()
    out = run(
        [
            builders.event_entry(1, 0, environment="staging", event_id="e1"),
            builders.event_entry(2, 1, environment="staging", event_id="e1"),
            builders.event_entry(3, 2, environment="staging", event_id="e2"),
        ],
        state,
    )
    assert codes(out) == ["not_production", "counted_already", "known"]
    assert [issue.count for issue in state.issues.values()] == [2]


def test_word_of_an_issue_as_a_whole_is_no_occurrence_and_belongs_to_what_is_known() -> None:
    state = State()
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7"),
            builders.event_entry(2, 5, issue_id="7", stacktrace=[], occurrence=False),
        ],
        state,
    )
    assert codes(out) == ["opened", "in_incident"]
    assert [issue.count for issue in state.issues.values()] == [1]


def test_word_of_an_issue_and_its_first_event_are_one_issue() -> None:
    state = State()
    out = run(
        [
            builders.event_entry(1, 0, issue_id="7", stacktrace=[], occurrence=False),
            builders.event_entry(2, 5, issue_id="7"),
            builders.event_entry(3, 6),
        ],
        state,
    )
    assert codes(out) == ["opened", "in_incident", "in_incident"]
    assert [issue.count for issue in state.issues.values()] == [2]
    assert of_type(out, Incident)[-1].issue_count == 1


def test_a_known_event_is_explained_by_its_rate() -> None:
    out = run(steady(50, HOUR))
    last = of_type(out, Decision)[-1]
    assert last.code == "known"
    assert {"rate_per_min", "usual_per_min", "threshold"} <= set(last.numbers)


def test_an_alert_about_a_metric_is_an_alert_also_the_first_time() -> None:
    out = run([alert(1, 0, occurrence=False, stacktrace=[], message="Error count above 100")])
    assert told(out) == [("opened", "alert")]
