"""A trouble opens when its symptom lasts, and is over when the symptom has been gone a while."""

from collections.abc import Sequence
from typing import get_args

from server.troubles.kinds import KINDS, Kind, Symptom
from server.troubles.lasting import GAP_S, GONE_FOR_S, Lasting

ENGINE = Symptom("engine", "exit code 1")
LETTERS = Symptom("dead_letters", "1 dead letter waits for somebody to settle")


class Told:
    """Looks at symptoms as the watch does: what is open comes from the look before."""

    def __init__(self, *is_open: str) -> None:
        self.lasting = Lasting()
        self.open = set(is_open)

    def look(self, now: float, *symptoms: Symptom) -> Sequence[str]:
        self.open = set(self.lasting.judge(symptoms, self.open, now))
        return sorted(self.open)


def test_there_is_something_to_say_of_each_kind() -> None:
    assert set(KINDS) == set(get_args(Kind))
    for about in KINDS.values():
        assert about.title
        assert about.advice.endswith(".")


def test_an_engine_is_down_after_thirty_seconds_and_not_before() -> None:
    told = Told()
    assert [told.look(now, ENGINE) for now in (0, 5, 10, 15, 20, 25, 29.9)] == [[]] * 7
    assert told.look(30, ENGINE) == ["engine"]


def test_what_needs_no_time_is_told_at_once() -> None:
    assert Told().look(0, LETTERS) == ["dead_letters"]


def test_a_short_gap_does_not_begin_anew_and_a_long_one_does() -> None:
    told = Told()
    told.look(0, ENGINE)
    told.look(10)
    told.look(GAP_S - 0.1, ENGINE)
    assert told.look(29.9, ENGINE) == []
    assert told.look(30, ENGINE) == ["engine"]
    told = Told()
    told.look(0, ENGINE)
    for now in (GAP_S, 2 * GAP_S - 1, 3 * GAP_S - 2):
        assert told.look(now, ENGINE) == []


def test_it_is_over_when_the_symptom_has_been_gone_for_a_minute() -> None:
    told = Told()
    told.look(0, LETTERS)
    assert told.look(GONE_FOR_S - 0.1) == ["dead_letters"]
    assert told.look(GONE_FOR_S) == []
    # From then on it has to last again.
    told = Told("engine")
    assert told.look(0, ENGINE) == ["engine"]
    assert told.look(GONE_FOR_S) == []
    assert told.look(GONE_FOR_S + 5, ENGINE) == []


def test_what_was_open_before_a_restart_has_its_minute_too() -> None:
    told = Told("engine")
    assert told.look(100) == ["engine"]
    assert told.look(159.9) == ["engine"]
    assert told.look(160) == []
    told = Told("engine")
    told.look(100)
    assert told.look(159, ENGINE) == ["engine"]
    assert told.look(218) == ["engine"]


def test_of_one_kind_all_symptoms_are_said_and_none_when_they_are_gone() -> None:
    lasting = Lasting()
    other = Symptom("dead_letters", "and more")
    assert lasting.judge([LETTERS, ENGINE, other], (), 0) == {
        "dead_letters": f"{LETTERS.text}; and more"
    }
    assert lasting.judge([], {"dead_letters"}, 1) == {"dead_letters": None}


def test_a_kind_that_another_version_opened_is_over() -> None:
    assert Told("of the future").look(0) == []
