"""The states are those that docs/SUPERVISOR.md draws."""

import re
from typing import get_args

import pytest

from server.supervisor.status import TRANSITIONS, EngineState, EngineStates
from tests.processes import ROOT

DRAWN = re.compile(r"^    (\w+) --> (\w+):", re.MULTILINE)


def test_the_drawing_and_the_code_know_the_same_ways() -> None:
    drawing = (ROOT / "docs" / "SUPERVISOR.md").read_text()
    drawn = set(DRAWN.findall(drawing))
    assert drawn == {(state, to) for state, ways in TRANSITIONS.items() for to in ways}
    assert set(TRANSITIONS) == set(get_args(EngineState))


def test_a_way_that_is_not_drawn_is_refused() -> None:
    states = EngineStates()
    states.enter("starting")
    with pytest.raises(RuntimeError, match="no way from starting to running"):
        states.enter("running")
    assert states.now == "starting"
