"""The states of the engine as the supervisor sees it, and the transitions between them.

docs/SUPERVISOR.md draws the same; a test keeps the two in agreement.
"""

from typing import Literal

EngineState = Literal["stopped", "starting", "restoring", "running", "backing_off", "stopping"]

TRANSITIONS: dict[EngineState, frozenset[EngineState]] = {
    "stopped": frozenset({"starting"}),
    "starting": frozenset({"restoring", "backing_off", "stopping"}),
    "restoring": frozenset({"running", "backing_off", "stopping"}),
    "running": frozenset({"backing_off", "stopping"}),
    "backing_off": frozenset({"starting", "stopping"}),
    "stopping": frozenset({"stopped"}),
}


class EngineStates:
    """The state that the engine is in; allows only the transitions that are drawn."""

    def __init__(self) -> None:
        self.now: EngineState = "stopped"

    def enter(self, state: EngineState) -> None:
        """Go to `state`. A transition that is not drawn is a defect of ours."""
        if state not in TRANSITIONS[self.now]:
            raise RuntimeError(f"there is no way from {self.now} to {state}")
        self.now = state
