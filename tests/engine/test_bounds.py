"""Memory is bounded: issues, tombstones, deploys, seen events, services, incidents, lines."""

import gc
import re

import pytest

from engine.fold import answer, finish, fold
from engine.memory import records
from engine.memory.seen import CHUNK_IDS, CHUNKS, SeenEvents
from engine.memory.state import State
from shared.incident import Reason
from shared.pipe import Inbound
from shared.reasons import End
from tests import builders
from tests.engine.drive import codes, ended, restored, run, save, store, told
from tests.processes import ROOT

HOUR = 3_600.0


def error(seq: int, number: int, **fields: object) -> Inbound:
    trace = [builders.frame(function=f"f{number}")]
    return builders.event_entry(seq, seq * HOUR, **({"stacktrace": trace} | fields))


def test_beyond_the_limit_the_least_recently_seen_are_forgotten_but_come_back_as_known() -> None:
    state = State()
    run([builders.settings(1, 0, max_issues=10)], state)
    assert codes(run([error(n + 2, n) for n in range(20)], state)) == ["opened"] * 20
    assert (len(state.issues), len(state.tombstones)) == (10, 10)
    assert codes(run([error(30, 0), error(31, 19)], state)) == ["known", "known"]
    assert (len(state.issues), len(state.tombstones)) == (10, 10)


def test_what_is_forgotten_twice_is_new_again() -> None:
    state = State()
    # ENGINE.md says: twice as many tombstones as issues.
    most = 10 * (1 + 2)
    run([builders.settings(1, 0, max_issues=10)], state)
    run([error(n + 2, n) for n in range(most + 1)], state)
    assert len(state.tombstones) == most - 10
    assert codes(run([error(most + 5, 0)], state)) == ["opened"]


def test_a_forgotten_issue_that_was_resolved_is_a_regression_when_it_is_back() -> None:
    state = State()
    run([builders.settings(1, 0, max_issues=2), error(2, 0, issue_id="7")], state)
    run([builders.resolve(3, 3 * HOUR, issue_id="7")], state)
    run([error(4, 1), error(5, 2)], state)
    assert told(run([error(6, 0)], state)) == [("opened", "regression")]


def test_a_forgotten_issue_can_still_be_resolved_and_silenced() -> None:
    state = State()
    run([builders.settings(1, 0, max_issues=1), error(2, 0)], state)
    (key,) = state.issues
    run([error(3, 1)], state)
    assert codes(run([builders.resolve(4, 4 * HOUR, issue=key)], state)) == ["noted"]
    assert codes(run([builders.silence(5, 4 * HOUR, issue=key)], state)) == ["noted"]
    assert codes(run([error(6, 0, alert_rule="many")], state)) == ["silenced"]


@pytest.mark.parametrize(
    ("by_source", "after", "code"),
    [(True, False, "opened"), (False, False, "silenced"), (True, True, "silenced")],
)
def test_the_silence_of_the_source_ends_as_the_source_says_also_for_a_forgotten_issue(
    by_source: bool, after: bool, code: str
) -> None:
    """A person's does not, whether it came before or after the issue was forgotten."""
    state = State()
    run([builders.settings(1, 0, max_issues=1), error(2, 0, issue_id="7")], state)
    (key,) = state.issues
    named = {"issue_id": "7"} if by_source else {"issue": key}
    run([builders.silence(3, 3 * HOUR, **named), error(4, 1)], state)
    assert list(state.tombstones) == [key]
    if after:
        run([builders.silence(5, 4 * HOUR, issue=key)], state)
    stored: dict[str, bytes] = {}
    lines, seq = save(state)
    store(stored, lines)
    entries = [error(6, 0, alert_rule="many"), error(7, 0, source_state="escalating")]
    for engine in (restored(stored, seq), state):
        assert codes(run(entries, engine)) == ["silenced", code]


def test_forgetting_is_the_same_after_a_restart() -> None:
    entries = [builders.settings(1, 0, max_issues=3)] + [
        error(n + 2, number) for n, number in enumerate([0, 1, 2, 0, 3, 4, 0, 1, 5, 2, 6, 0, 3, 7])
    ]
    for cut in range(len(entries)):
        whole, state = State(), State()
        run(entries, whole)
        run(entries[:cut], state)
        stored: dict[str, bytes] = {}
        lines, seq = save(state)
        store(stored, lines)
        state = restored(stored, seq)
        run(entries[cut:], state)
        assert list(state.issues) == list(whole.issues)
        assert list(state.tombstones) == list(whole.tombstones)


def test_deploys_are_bounded_by_service() -> None:
    state = State()
    for n in range(50):
        run([builders.change_window_entry(n + 1, n * HOUR, deploy_id=f"d{n}")], state)
    assert len(state.deploys) == records.MAX_DEPLOYS
    assert next(iter(state.deploys)).endswith("/d30")


def test_deploys_are_bounded_over_all_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.memory.deploys.MAX_DEPLOY_ITEMS", 30)
    state = State()
    for n in range(40):
        fold(state, builders.change_window_entry(n + 1, n, service=f"s{n}"))
    assert len(state.deploys) == 10
    assert state.deploy_items == 30


def test_a_deploy_of_very_many_files_keeps_some_of_each_commit() -> None:
    commits = [
        builders.commit(f"c{n}", files=[f"d{n}/f{i}.py" for i in range(500)]) for n in range(100)
    ]
    state = State()
    run([builders.change_window_entry(1, 0, commits=commits)], state)
    (deploy,) = state.deploys.values()
    kept = [len(commit.files) for commit in deploy.window.commits]
    assert kept == [records.MAX_DEPLOY_FILES // 100] * 100
    assert deploy.window.cut == 50_000 - records.MAX_DEPLOY_FILES


def test_services_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.memory.services.MAX_SERVICES", 5)
    state = State()
    for n in range(20):
        run([builders.event_entry(n + 1, n, service=f"s{n}")], state)
    assert [service for service, _ in state.services] == [f"s{n}" for n in range(15, 20)]


def test_the_documented_limits_are_those_of_the_code() -> None:
    """The table of states in docs/ENGINE.md, from which people plan their memory."""
    rows = (ROOT / "docs/ENGINE.md").read_text("utf-8").split("## States")[1].splitlines()
    limits = {row.split("`")[1].split(":")[0]: row for row in rows if row.startswith("| `")}

    def stands(state: str, *numbers: int) -> bool:
        return all(re.search(rf"\b{number:,}\b", limits[state]) for number in numbers)

    assert stands("issue", records.DEFAULT_MAX_ISSUES)
    assert stands("archived", records.MAX_ARCHIVED)
    assert stands("awaited", records.MAX_AWAITED)
    assert stands("fix", records.MAX_AWAITED_FIXES)
    assert stands("service", records.MAX_RELEASES, records.MAX_SERVICES)
    assert stands("incident", records.MAX_MEMBERS, records.MAX_SYMPTOMS, records.MAX_OPEN_INCIDENTS)
    assert stands("deploy", records.MAX_DEPLOYS, records.MAX_DEPLOY_ITEMS)
    assert stands("seen", CHUNK_IDS, CHUNKS, CHUNK_IDS * CHUNKS)


def test_a_lower_limit_of_issues_counts_at_once() -> None:
    state = State()
    run([builders.event_entry(n, n, exception_type=f"E{n}") for n in range(1, 6)], state)
    run([builders.settings(6, 6, max_issues=2)], state)
    assert len(state.issues) == 2


def test_open_incidents_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.incidents.life.MAX_OPEN_INCIDENTS", 3)
    state = State()
    out = run([builders.event_entry(n + 1, n, unique=True) for n in range(5)], state)
    assert len(state.incidents) == 3
    assert [line.reason for line in ended(out)] == [Reason(End.TOO_MANY_OPEN)] * 2


def test_nothing_is_left_for_a_collector_of_cycles() -> None:
    """The process runs without one."""
    unreadable = [b"{", b"\xff", b'{"a":' * 5_000, b'{"type":"event","seq":9,"service":5}']

    def work(state: State) -> None:
        for seq in range(1, 400):
            fold(state, error(seq, seq % 50, message="ECONNREFUSED", event_id=str(seq)))
        fold(state, builders.deploy_entry(400, 400 * HOUR))
        fold(state, error(401, 60))
        fold(state, builders.resolve(402, 401 * HOUR, issue_id="7"))
        fold(state, builders.tick(900 * HOUR))
        for line in unreadable:
            answer(state, line)
        finish(state)

    work(State())
    gc.collect()
    gc.disable()
    try:
        state = State()
        work(state)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_rules_of_an_issue_are_bounded() -> None:
    state = State()
    run([error(n + 1, 0, alert_rule=f"rule {n}") for n in range(3 * records.MAX_RULES)], state)
    (issue,) = state.issues.values()
    assert len(issue.alerts or {}) == records.MAX_RULES
    # The one heard from least recently is removed, not the one heard from first.
    oldest, next_oldest, *_ = issue.alerts or {}
    last = 3 * records.MAX_RULES
    run([error(last + 1, 0, alert_rule=oldest), error(last + 2, 0, alert_rule="new")], state)
    assert oldest in (issue.alerts or {})
    assert next_oldest not in (issue.alerts or {})


def test_releases_of_a_service_are_bounded() -> None:
    state = State()
    run([error(n + 1, 0, release=f"r{n}") for n in range(3 * records.MAX_RELEASES)], state)
    (service,) = state.services.values()
    assert len(service.releases) == records.MAX_RELEASES


def test_seen_events_are_bounded_and_the_oldest_are_forgotten_first() -> None:
    seen = SeenEvents()
    most = CHUNK_IDS * CHUNKS
    assert all(seen.is_new("sentry", "shop", str(n)) for n in range(most))
    assert not seen.is_new("sentry", "shop", "0")
    assert all(seen.is_new("sentry", "shop", f"more {n}") for n in range(CHUNK_IDS))
    assert seen.is_new("sentry", "shop", "0")
    assert not seen.is_new("sentry", "shop", str(most - 1))


def test_seen_events_come_back_from_their_chunks_in_any_order() -> None:
    seen, again = SeenEvents(), SeenEvents()
    count = CHUNK_IDS * (CHUNKS + 3) + 17
    for n in range(count):
        seen.is_new("sentry", "shop", str(n))
    for number in sorted(seen.changed, reverse=True):
        again.restore(seen.chunk(number))
    assert len(seen.changed) == CHUNKS
    assert [again.is_new("sentry", "shop", str(n)) for n in range(count - 2_000, count)] == [
        False
    ] * 2_000
    newest = max(seen.changed)
    assert again.chunk(newest) == seen.chunk(newest)
