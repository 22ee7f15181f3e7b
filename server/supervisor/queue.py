"""The limit of how many events may wait for the engine."""


def why_full(backlog: int, most: int) -> str | None:
    """Return why no event is accepted, if `backlog` of at most `most` events wait."""
    if backlog < most:
        return None
    return "the queue is full: INCIDENT_QUEUE_MAX events are waiting for the engine"
