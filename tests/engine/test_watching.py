"""What is said about a deploy within half an hour, and what ends after that."""

import pytest

from engine.memory.state import State
from server.wording.reasons import say
from shared.incident import ErrorRate
from shared.pipe import DeployVerdict, Inbound, Outbound
from tests import builders
from tests.engine.drive import ended, lasting, of_type, restored, run, save, store

MINUTE = 60.0
HOUR = 3_600.0
DAY = 24 * HOUR


def error(seq: int, at: float, number: int = 0, **fields: object) -> Inbound:
    trace = [builders.frame(function=f"f{number}")]
    return builders.event_entry(seq, at, **({"stacktrace": trace} | fields))


def known_service() -> list[Inbound]:
    """Three days of one error every ten minutes."""
    return [error(n + 1, n * 10 * MINUTE) for n in range(3 * 144)]


DEPLOYED = 3 * DAY
FIRST = 3 * 144 + 1


def verdicts(out: list[Outbound]) -> list[tuple[str, str]]:
    return [
        (said.verdict, "; ".join(map(say, said.reasons))) for said in of_type(out, DeployVerdict)
    ]


def test_a_deploy_after_which_all_is_as_usual_is_clean() -> None:
    usual = [error(FIRST + 1 + n, DEPLOYED + n * 10 * MINUTE) for n in range(3)]
    out = run(
        [
            *known_service(),
            builders.deploy_entry(FIRST, DEPLOYED),
            *usual,
            builders.tick(DEPLOYED + HOUR),
        ]
    )
    assert [verdict for verdict, _ in verdicts(out)] == ["clean"]
    (end,) = [line for line in ended(out) if "deploy" in say(line.reason)]
    assert (say(end.reason), end.time) == (
        "the deploy has its verdict: clean",
        builders.at(DEPLOYED + 30 * MINUTE),
    )


def test_a_deploy_with_a_new_error_is_faulty_and_its_commit_is_named() -> None:
    commits = [
        builders.commit("culprit", files=["shop/cart.py"], functions=["f1"], added=80),
        builders.commit("bystander", files=["docs/readme.md"], functions=[], message="Reword"),
    ]
    window = builders.change_window(DEPLOYED, commits=commits)
    broken = [error(FIRST + 1 + n, DEPLOYED + MINUTE + n, 1) for n in range(30)]
    out = run(
        [
            *known_service(),
            builders.deploy_entry(FIRST, DEPLOYED, change_window=window),
            *broken,
            builders.tick(DEPLOYED + 5 * MINUTE),
        ]
    )
    ((verdict, reasons),) = verdicts(out)
    assert verdict == "faulty"
    assert "ValueError in shop/cart.py: " in reasons
    assert "never seen before this deploy" in reasons
    assert "probably caused by commit culprit" in reasons


def test_a_deploy_of_an_unknown_service_has_too_little_data() -> None:
    out = run([builders.change_window_entry(1, 0), builders.tick(HOUR)])
    assert [verdict for verdict, _ in verdicts(out)] == ["too_little_data"]


def test_a_deploy_is_judged_when_the_next_one_comes() -> None:
    out = run(
        [
            *known_service(),
            builders.change_window_entry(FIRST, DEPLOYED, deploy_id="one"),
            builders.change_window_entry(FIRST + 1, DEPLOYED + 15 * MINUTE, deploy_id="two"),
        ]
    )
    assert [verdict.deploy_time for verdict in of_type(out, DeployVerdict)] == [
        builders.at(DEPLOYED)
    ]


def test_a_deploy_that_is_told_again_is_judged_once() -> None:
    out = run(
        [
            *known_service(),
            builders.deploy_entry(FIRST, DEPLOYED),
            builders.change_window_entry(
                FIRST + 1, DEPLOYED + 60, deploy_time=builders.at(DEPLOYED)
            ),
            builders.tick(DEPLOYED + HOUR),
        ]
    )
    assert len(verdicts(out)) == 1


def test_a_deploy_whose_functions_are_found_after_its_verdict_keeps_it() -> None:
    broken = [error(FIRST + 1 + n, DEPLOYED + MINUTE + n, 1) for n in range(30)]
    found = [builders.commit(functions=["total", "pay"])]
    later: list[Inbound] = [
        builders.change_window_entry(
            FIRST + 31, DEPLOYED + 2 * MINUTE, deploy_time=builders.at(DEPLOYED), commits=found
        ),
        builders.tick(DEPLOYED + HOUR),
    ]
    out = run([*known_service(), builders.change_window_entry(FIRST, DEPLOYED), *broken, *later])
    assert [verdict for verdict, _ in verdicts(out)] == ["faulty"]


def test_a_verdict_names_its_deploy_as_the_server_does() -> None:
    unnamed = builders.change_window_entry(
        FIRST, DEPLOYED, deploy_id=None, commits=[builders.commit("old"), builders.commit("new")]
    )
    out = run([*known_service(), unnamed, builders.tick(DEPLOYED + HOUR)])
    assert [said.deploy_id for said in of_type(out, DeployVerdict)] == ["new"]


def test_the_watch_goes_on_from_the_time_at_which_a_deploy_succeeded() -> None:
    out = run(
        [
            *known_service(),
            builders.change_window_entry(FIRST, DEPLOYED, pending=True),
            builders.change_window_entry(FIRST + 1, DEPLOYED + 10 * MINUTE, commits=[]),
            builders.tick(DEPLOYED + 35 * MINUTE),
            builders.tick(DEPLOYED + 45 * MINUTE),
        ]
    )
    (said,) = of_type(out, DeployVerdict)
    assert said.deploy_time == builders.at(DEPLOYED + 10 * MINUTE)


def test_a_verdict_is_the_same_after_a_restart() -> None:
    before: list[Inbound] = [*known_service(), builders.deploy_entry(FIRST, DEPLOYED)]
    broken = [error(FIRST + 1 + n, DEPLOYED + MINUTE + n, 1) for n in range(9)]
    for cut in range(len(broken) + 1):
        state = State()
        run([*before, *broken[:cut]], state)
        stored: dict[str, bytes] = {}
        lines, seq = save(state)
        store(stored, lines)
        rest = [*broken[cut:], builders.tick(DEPLOYED + HOUR)]
        assert lasting(run(rest, restored(stored, seq))) == lasting(run(rest, state))


def test_a_verdict_has_the_errors_of_half_an_hour_before_and_of_the_time_after() -> None:
    busy = [error(FIRST + n, DEPLOYED - 50 * MINUTE + n * MINUTE) for n in range(50)]
    seq = FIRST + 50
    after = [error(seq + 1 + n, DEPLOYED + 3 * MINUTE * (n + 1)) for n in range(5)]
    out = run(
        [
            *known_service(),
            *busy,
            builders.change_window_entry(seq, DEPLOYED),
            *after,
            builders.tick(DEPLOYED + HOUR),
        ]
    )
    (said,) = of_type(out, DeployVerdict)
    # One a minute, and three more of the usual one in ten minutes.
    assert said.before == ErrorRate(33, 30.0)
    assert said.after == ErrorRate(5, 30.0)


def test_the_errors_after_a_faulty_deploy_are_those_until_it_was_called_so() -> None:
    broken = [error(FIRST + 1 + n, DEPLOYED + MINUTE + n, 1) for n in range(30)]
    entry = builders.change_window_entry(FIRST, DEPLOYED)
    out = run([*known_service(), entry, *broken])
    (said,) = of_type(out, DeployVerdict)
    assert said.before == ErrorRate(3, 30.0)
    assert said.after is not None
    assert 3 <= said.after.events < 30
    assert 1.0 < said.after.minutes < 1.5


@pytest.mark.parametrize(("seconds", "minutes"), [(0.2, None), (0.4, 0.01)])
def test_a_deploy_that_another_replaces_at_once_has_no_rate_after_it(
    seconds: float, minutes: float | None
) -> None:
    first = builders.change_window_entry(FIRST, DEPLOYED, deploy_id="d1")
    second = builders.change_window_entry(FIRST + 1, DEPLOYED + seconds, deploy_id="d2")
    said = of_type(run([*known_service(), first, second]), DeployVerdict)
    assert [each.verdict for each in said] == ["too_little_data"]
    assert said[0].after == (None if minutes is None else ErrorRate(0, minutes))


def test_of_a_service_that_is_new_nobody_knows_the_errors_before() -> None:
    out = run([builders.change_window_entry(1, 0), builders.tick(HOUR)])
    (said,) = of_type(out, DeployVerdict)
    assert (said.before, said.after) == (None, ErrorRate(0, 30.0))


def test_a_deploy_that_is_told_of_late_is_set_beside_the_time_before_it() -> None:
    after = [error(FIRST + n, DEPLOYED + n * MINUTE, 1) for n in range(1, 15)]
    told = builders.change_window_entry(
        FIRST + 15, DEPLOYED + 15 * MINUTE, deploy_time=builders.at(DEPLOYED)
    )
    out = run([*known_service(), *after, told, builders.tick(DEPLOYED + HOUR)])
    (said,) = of_type(out, DeployVerdict)
    assert (said.before, said.after) == (ErrorRate(3, 30.0), ErrorRate(0, 15.0))


def test_what_a_tick_has_looked_at_is_not_looked_at_again_after_a_restart() -> None:
    """The ticks' clock is ahead of the journal's: earlier entries are read later."""
    state = State()
    run([*known_service(), builders.change_window_entry(FIRST, DEPLOYED)], state)
    run([error(FIRST + 1, DEPLOYED + MINUTE, 1)], state)
    stored: dict[str, bytes] = {}
    store(stored, save(state)[0])
    assert run([builders.tick(DEPLOYED + MINUTE + 12)], state) == []
    lines, seq = save(state)
    store(stored, lines)
    rest: list[Inbound] = [error(FIRST + 2 + n, DEPLOYED + MINUTE + 5, 1) for n in range(30)]
    rest.append(builders.tick(DEPLOYED + HOUR))
    out = run(rest, restored(stored, seq))
    (said,) = of_type(out, DeployVerdict)
    assert (said.verdict, said.after) == ("faulty", ErrorRate(31, 1.25))
    assert lasting(out) == lasting(run(rest, state))


@pytest.mark.parametrize(
    ("entries", "judged"),
    [
        ([builders.deploy_entry(1, change_window=None)], None),
        ([builders.deploy_entry(1)], 30 * MINUTE),
        (
            [
                builders.deploy_entry(1, change_window=builders.change_window(0, pending=True)),
                builders.change_window_entry(2, 25 * MINUTE, commits=[]),
            ],
            55 * MINUTE,
        ),
    ],
)
def test_the_incident_of_a_deploy_ends_with_its_verdict_or_forty_minutes_after_it_was_told(
    entries: list[Inbound], judged: float | None
) -> None:
    state = State()
    run(entries, state)
    end = min(judged or DAY, 40 * MINUTE)
    assert ended(run([builders.tick(end - 1)], state)) == []
    out = run([builders.tick(end), builders.tick(DAY)], state)
    assert [line.time for line in ended(out)] == [builders.at(end)]
    assert len(verdicts(out)) == (judged is not None)
