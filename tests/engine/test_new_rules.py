"""A new version of the fingerprint rules does not cause a storm of new issues."""

import json
from typing import Any

import pytest

from engine.memory.checkpoints import RELEARNING_S
from engine.memory.records import OpenIncident
from engine.memory.state import State
from shared.pipe import Decision, Inbound, Incident
from tests import builders
from tests.engine.drive import Stored, codes, ended, of_type, restored, run, save, store, told

DAY = 86_400.0


def error(seq: int, at: float, number: int, **fields: object) -> Inbound:
    trace = [builders.frame(function=f"f{number}")]
    return builders.event_entry(seq, at, **({"stacktrace": trace} | fields))


def older(key: str) -> str:
    """The key that older rules gave to an issue, and the reverse."""
    return key[::-1]


MEMBERS = OpenIncident.__struct_fields__.index("members")
SYMPTOMS = OpenIncident.__struct_fields__.index("symptoms")


def under_older_rules(*entries: Inbound, still_open: bool = False) -> tuple[Stored, int]:
    """The states of an engine whose rules gave every issue another key.

    The incidents of `entries` are over by then, unless they are `still_open`.
    """
    state = State()
    run(entries, state)
    lines, seq = save(state)
    stored: Stored = {}
    store(stored, lines)
    before: Stored = {}
    for key, value in stored.items():
        kind, _, name = key.partition(":")
        fields: list[Any] = json.loads(value)
        if kind == "issue":
            fields[3] = 0
            name = older(name)
        elif kind == "clock":
            fields[2] = 0
        elif kind == "incident":
            if not still_open:
                continue
            fields[MEMBERS] = [older(member) for member in fields[MEMBERS]]
            fields[SYMPTOMS] = {older(key): each for key, each in fields[SYMPTOMS].items()}
        before[f"{kind}:{name}"] = json.dumps(fields).encode()
    return before, seq


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


def test_another_restart_does_not_prolong_it() -> None:
    stored, seq = under_older_rules(error(1, 0, 0), error(2, 1, 1))
    state = restored(stored, seq)
    run([error(3, RELEARNING_S - DAY, 0)], state)
    lines, seq = save(state)
    store(stored, lines)
    state = restored(stored, seq)
    assert codes(run([error(4, RELEARNING_S + DAY, 1)], state)) == ["opened"]


def three_issues_in_one_incident() -> tuple[Stored, int, list[str]]:
    """Its states under older rules, and the newer keys of its issues."""
    entries = [
        error(n + 1, n, n, exception_type=name)
        for n, name in enumerate(("KeyError", "TypeError", "ValueError"))
    ]
    state = State()
    assert codes(run(entries, state)) == ["opened", "joined", "joined"]
    return *under_older_rules(*entries, still_open=True), list(state.issues)


def test_an_open_incident_goes_on_with_the_new_keys_of_its_issues() -> None:
    stored, seq, keys = three_issues_in_one_incident()
    state = restored(stored, seq)
    out = run([error(4, 60, 1, exception_type="TypeError"), builders.tick(240)], state)
    assert codes(out) == ["in_incident"]
    (line,) = of_type(out, Incident)
    assert (line.change, line.issue_count, line.event_count) == ("updated", 3, 4)
    assert {each.fingerprint: each.count for each in line.top_symptoms} == {
        older(keys[0]): 1,
        keys[1]: 2,
        older(keys[2]): 1,
    }
    (incident,) = state.incidents.values()
    assert incident.members == [older(keys[0]), keys[1], older(keys[2])]


def test_an_incident_whose_issues_got_new_keys_ends_with_the_last_of_them() -> None:
    stored, seq, keys = three_issues_in_one_incident()
    state = restored(stored, seq)
    back = [
        error(4 + n, 60 + n, n, exception_type=name)
        for n, name in enumerate(("KeyError", "TypeError", "ValueError"))
    ]
    assert codes(run(back, state)) == ["in_incident"] * 3
    (incident_id,) = state.incidents
    for seq, key in enumerate(keys, start=7):
        assert state.issues[key].incident == incident_id
        out = run([builders.resolve(seq, seq * 60, issue=key)], state)
        assert of_type(out, Decision)[0].numbers == {"issues": 1}
        assert len(ended(out)) == (key == keys[-1])


@pytest.mark.parametrize("counted", [True, False])
def test_after_another_restart_an_issue_has_its_new_key_only(counted: bool) -> None:
    stored, seq, keys = three_issues_in_one_incident()
    state = restored(stored, seq)
    run([error(4, 60, 1, exception_type="TypeError", occurrence=counted)], state)
    assert list(state.issues)[-1] == keys[1]
    lines, seq = save(state)
    store(stored, lines)
    again = restored(stored, seq)
    assert sorted(again.issues) == sorted([older(keys[0]), keys[1], older(keys[2])])
    (incident,) = again.incidents.values()
    assert incident.members == [older(keys[0]), keys[1], older(keys[2])]
    assert set(incident.symptoms) == set(incident.members)
