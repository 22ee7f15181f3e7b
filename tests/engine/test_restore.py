"""A restored engine knows what it knew: wherever it was cut off, its answers are the same."""

import random
from typing import Any

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from engine.fold import answer, fold
from engine.memory.state import State
from shared.pipe import Inbound, Incident, Outbound, encode_lines
from tests import builders
from tests.engine.drive import Stored, everything, lasting, of_type, restored, run, save, store

PASSED_S = st.sampled_from([0, 0.5, 2, 30, 61, 300, 1900, 4000, 90_000])


def _pool() -> list[dict[str, Any]]:
    """Events that affect each other: few services and issues, with every kind of mark."""
    choose = random.Random(4).choice
    return [
        {
            "service": choose(["shop", "shop", "mail"]),
            "environment": choose(["production", "production", "prod", "staging", "unknown"]),
            "exception_type": choose(["ValueError", "KeyError"]),
            "severity": choose(["warning", "error", "error", "critical"]),
            "stacktrace": choose([[], [builders.frame()], [builders.frame(function="pay")]]),
            "issue_id": choose([None, "100", "200"]),
            "release": choose([None, "4f2c", "a91e"]),
            "event_id": choose([None, None, None, "e1", "e2"]),
            "alert_rule": choose([None, None, "rule 1"]),
            "source_state": choose([None] * 6 + ["regressed", "escalating"]),
            "occurrence": choose([True, True, True, False]),
            "unique": choose([False] * 9 + [True]),
        }
        for _ in range(40)
    ]


EVENTS = st.sampled_from(_pool())


class Restoring(RuleBasedStateMachine):
    """An engine that is killed and restored, and the journal of everything it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State()
        self.journal: list[Inbound] = []
        self.answers: list[Outbound] = []
        self.stored: Stored = {}
        self.stored_seq = 0
        self.stored_answers = 0
        self.clock = 0.0

    @initialize(most=st.sampled_from([1, 2, 4, 100]))
    def begin(self, most: int) -> None:
        self.give(builders.settings(self.next_seq(0), 0, max_issues=most))

    def give(self, entry: Any) -> None:
        self.journal.append(entry)
        self.answers += answer(self.state, encode_lines([entry]))

    def next_seq(self, passed: float) -> int:
        self.clock += passed
        return len(self.journal) + 1

    @rule(passed=PASSED_S, fields=EVENTS, shift=st.sampled_from([0, 0, 0, -400, -9000, 7200]))
    def event(self, passed: float, fields: dict[str, Any], shift: float) -> None:
        seq = self.next_seq(passed)
        happened = builders.at(self.clock + shift)
        self.give(builders.event_entry(seq, self.clock, **(fields | {"timestamp": happened})))

    @rule(passed=PASSED_S, fields=EVENTS, passed_after=PASSED_S)
    def event_and_kill(self, passed: float, fields: dict[str, Any], passed_after: float) -> None:
        self.event(passed, fields, 0)
        self.checkpoint()
        self.kill()
        self.event(passed_after, fields, 0)

    @rule(fields=EVENTS, count=st.integers(10, 40), gap=st.sampled_from([0.1, 5, 100, 3700]))
    def burst(self, fields: dict[str, Any], count: int, gap: float) -> None:
        for _ in range(count):
            seq = self.next_seq(gap)
            self.give(builders.event_entry(seq, self.clock, **fields))

    @rule(
        passed=PASSED_S,
        environment=st.sampled_from(["production", "staging"]),
        age=st.sampled_from([0, 500, 5000]),
        deploy_id=st.sampled_from([None, "d1", "d2"]),
        as_event=st.booleans(),
    )
    def deploy(
        self, passed: float, environment: str, age: float, deploy_id: str | None, as_event: bool
    ) -> None:
        seq = self.next_seq(passed)
        window = builders.change_window(self.clock - age, deploy_id=deploy_id)
        if as_event:
            entry = builders.deploy_entry(
                seq, self.clock, environment=environment, change_window=window
            )
            self.give(entry)
        else:
            time = builders.at(self.clock - age)
            self.give(
                builders.change_window_entry(
                    seq, self.clock, environment=environment, deploy_time=time, deploy_id=deploy_id
                )
            )

    @rule(
        passed=PASSED_S,
        issue_id=st.sampled_from([None, "100", "200"]),
        silence=st.booleans(),
        latest=st.booleans(),
    )
    def over(self, passed: float, issue_id: str | None, silence: bool, latest: bool) -> None:
        seq = self.next_seq(passed)
        names: dict[str, str | None] = {"issue_id": issue_id}
        opened = of_type(self.answers, Incident)
        if latest and opened:
            names = {"incident_id": opened[-1].incident_id}
        elif opened and issue_id is None and opened[-1].top_symptoms:
            names = {"issue": opened[-1].top_symptoms[0].fingerprint}
        build = builders.silence if silence else builders.resolve
        self.give(build(seq, self.clock, **names))

    @rule(passed=PASSED_S, most=st.sampled_from([1, 2, 4]))
    def fewer_issues(self, passed: float, most: int) -> None:
        seq = self.next_seq(passed)
        self.give(builders.settings(seq, self.clock, max_issues=most))

    @rule(passed=PASSED_S)
    def tick(self, passed: float) -> None:
        self.clock += passed
        self.answers += fold(self.state, builders.tick(self.clock))

    @rule()
    def checkpoint(self) -> None:
        lines, self.stored_seq = save(self.state)
        store(self.stored, lines)
        known = {key: value for key, value in self.stored.items() if not key.startswith("seen:")}
        asked = {"settings:": known.get("settings:", msgspec.json.encode(self.state.settings))}
        assert everything(self.state) == asked | known
        self.stored_answers = len(self.answers)

    @rule()
    def kill(self) -> None:
        self.state = restored(self.stored, self.stored_seq)
        del self.answers[self.stored_answers :]
        self.answers += run(self.journal[self.stored_seq :], self.state)

    def teardown(self) -> None:
        last = builders.tick(self.clock + 200_000)
        self.answers += fold(self.state, last)
        assert lasting(self.answers) == lasting(run([*self.journal, last]))


class Noting(Restoring):
    """The same with a checkpoint for each entry, which must contain everything that it changed."""

    def give(self, entry: Any) -> None:
        super().give(entry)
        self.checkpoint()


MANY = settings(max_examples=100, stateful_step_count=30, suppress_health_check=list(HealthCheck))
TestEachCheckpointSaysAllThatChanged = Noting.TestCase
TestEachCheckpointSaysAllThatChanged.settings = MANY
TestAnswersAreTheSameHoweverOftenTheEngineIsKilled = Restoring.TestCase
TestAnswersAreTheSameHoweverOftenTheEngineIsKilled.settings = MANY
