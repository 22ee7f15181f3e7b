"""A new version of the fingerprint rules makes no storm of new issues."""

import json

from engine.checkpoints import RELEARNING_S
from engine.state import State
from shared.pipe import Inbound
from tests import builders
from tests.engine.drive import Stored, codes, restored, run, save, store, told

DAY = 86_400.0


def error(seq: int, at: float, number: int, **fields: object) -> Inbound:
    trace = [builders.frame(function=f"f{number}")]
    return builders.event_entry(seq, at, **({"stacktrace": trace} | fields))


def under_older_rules(*entries: Inbound) -> tuple[Stored, int]:
    """The states of an engine whose rules gave every issue another key."""
    state = State()
    run(entries, state)
    lines, seq = save(state)
    stored: Stored = {}
    store(stored, lines)
    older: Stored = {}
    for key, value in stored.items():
        kind, _, name = key.partition(":")
        fields = json.loads(value)
        if kind == "issue":
            fields[3] = 0
            name = name[::-1]
        elif kind == "clock":
            fields[2] = 0
        elif kind == "incident":
            continue
        older[f"{kind}:{name}"] = json.dumps(fields).encode()
    return older, seq


def test_known_issues_stay_known_under_new_rules() -> None:
    state = restored(*under_older_rules(error(1, 0, 0), error(2, 1, 1)))
    out = run([error(3, DAY, 0), error(4, DAY + 1, 1), error(5, DAY + 2, 1)], state)
    assert codes(out) == ["known", "known", "known"]
    assert sorted(issue.count for issue in state.issues.values()) == [2, 3]


def test_the_source_tells_which_is_which() -> None:
    state = restored(*under_older_rules(error(1, 0, 0, issue_id="7"), error(2, 1, 1, issue_id="8")))
    run([builders.resolve(3, 10, issue_id="7")], state)
    out = run([error(4, DAY, 1, issue_id="8"), error(5, DAY + 1, 0, issue_id="7")], state)
    assert codes(out) == ["known", "opened"]
    assert told(out) == [("opened", "regression")]


def test_each_known_issue_explains_one_key_only() -> None:
    state = restored(*under_older_rules(error(1, 0, 0)))
    out = run([error(2, DAY, 0), error(3, DAY + 1, 1)], state)
    assert codes(out) == ["known", "opened"]


def test_an_error_of_another_kind_is_new_under_any_rules() -> None:
    state = restored(*under_older_rules(error(1, 0, 0)))
    assert codes(run([error(2, DAY, 0, exception_type="KeyError")], state)) == ["opened"]


def test_after_the_time_of_relearning_what_is_unknown_is_new() -> None:
    state = restored(*under_older_rules(error(1, 0, 0)))
    assert codes(run([error(2, RELEARNING_S + DAY, 0)], state)) == ["opened"]


def test_relearning_goes_on_after_another_restart() -> None:
    stored, seq = under_older_rules(error(1, 0, 0), error(2, 1, 1))
    state = restored(stored, seq)
    run([error(3, DAY, 0)], state)
    lines, seq = save(state)
    store(stored, lines)
    state = restored(stored, seq)
    assert codes(run([error(4, 2 * DAY, 1), error(5, 2 * DAY, 2)], state)) == ["known", "opened"]
