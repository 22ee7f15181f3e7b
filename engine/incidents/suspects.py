"""Find the suspects of an incident."""

from engine.memory.deploys import prepared_windows
from engine.memory.moments import moment
from engine.memory.records import Scope
from engine.memory.state import State
from engine.suspects.rank import rank_suspects
from engine.suspects.score import ErrorEvidence
from shared.event import UNKNOWN_ENVIRONMENT, Event
from shared.incident import SuspectCommit

SURE = 0.5
"""The least confidence at which a suspect speaks for one cause of several issues."""


def suspects_of(state: State, scope: Scope, event: Event, since: float) -> list[SuspectCommit]:
    """Return the commits that may have caused what began with `event` at `since`.

    Where nobody knows the environment, they are those of production.
    """
    service, environment = scope
    if environment == UNKNOWN_ENVIRONMENT:
        environment = next(iter(state.settings.production_environments), environment)
    windows = prepared_windows(state, (service, environment))
    if not windows:
        return []
    evidence = ErrorEvidence(
        since=moment(since),
        exception_type=event.exception_type,
        message=event.message,
        stacktrace=event.stacktrace,
        chain=event.chain,
        release=event.release,
        api_route=event.api_route,
        hints=event.correlation_hints,
    )
    return rank_suspects(evidence, windows)


def share_a_suspect(one: list[SuspectCommit], other: list[SuspectCommit]) -> bool:
    """Return whether two rankings point to one deploy, each with one suspect as likely cause."""
    return (
        bool(one and other)
        and min(one[0].confidence, other[0].confidence) >= SURE
        and one[0].deploy_time == other[0].deploy_time
    )
