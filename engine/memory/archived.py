"""What the source archived before an event of it came here, so that its first event is quiet."""

from engine.memory.records import MAX_ARCHIVED, ArchivedIssue
from engine.memory.state import State


def keep(state: State, issue_id: str, until: float) -> None:
    """Remember that the source archived the issue that it calls so until then; -1.0 is for good.

    Beyond `MAX_ARCHIVED`, the one that was archived first is forgotten.
    """
    take(state, issue_id)
    state.archived[issue_id] = ArchivedIssue(until, state.clock.seq)
    state.changed.archived(issue_id)
    if len(state.archived) > MAX_ARCHIVED:
        take(state, next(iter(state.archived)))


def take(state: State, issue_id: str | None) -> float:
    """Forget what the source calls so; return until when it is archived, 0.0 if it is not known."""
    if issue_id is None or issue_id not in state.archived:
        return 0.0
    state.changed.archived(issue_id)
    return state.archived.pop(issue_id).until
