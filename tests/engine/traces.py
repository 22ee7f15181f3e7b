"""Events by their traces, and the keys of their issues."""

from typing import Any

from engine.fingerprint import fingerprint
from shared.event import Event, Frame
from tests import builders

Trace = list[tuple[str | None, str | None, str | None, int]]
"""(file, module, function, line), newest first."""


def key(event: Event, seq: int = 1) -> str:
    return fingerprint(event, event.service, event.environment, seq)


def of_trace(trace: Trace, in_app: bool | None = True, **changes: Any) -> Event:
    frames = [
        Frame(file=file, module=module, function=function, line=line, in_app=in_app)
        for file, module, function, line in trace
    ]
    return builders.event(stacktrace=frames, **changes)
