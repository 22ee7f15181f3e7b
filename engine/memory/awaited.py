"""Keep news of issues that says no environment, until an event of the issue tells it."""

from engine.memory.records import MAX_AWAITED, AwaitedNews
from engine.memory.state import State
from shared.event import NOTHING
from shared.pipe import EventEntry
from shared.structs import made_of

WAIT_S = 30.0
"""How far apart an event and the news of its issue may come; sources send both at once."""

WAIT_AMONG_S = 3.0
"""How long to wait if only some known environments are possible: people wait to hear of it."""


def keep(state: State, event: EventEntry, issue_id: str, wait_s: float) -> bool:
    """Let the running entry wait, and return True; False if too many wait already.

    Of one issue, the first news is kept.
    """
    if issue_id in state.awaited:
        return True
    if len(state.awaited) >= MAX_AWAITED:
        return False
    kept = made_of(event, EventEntry, seq=state.clock.seq, context=NOTHING)
    news = state.awaited[issue_id] = AwaitedNews(kept, state.now + wait_s)
    state.wake(news.due, "news", issue_id)
    state.changed.awaited(issue_id)
    return True


def take(state: State, issue_id: str | None) -> AwaitedNews | None:
    """Return and forget the news that waits about the issue that its source calls so, if any."""
    if issue_id is None or issue_id not in state.awaited:
        return None
    state.changed.awaited(issue_id)
    return state.awaited.pop(issue_id)
