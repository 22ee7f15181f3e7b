"""The error behind an answer about a suspect, with the commits that could be its cause. Pure.

The ranking is measured by it long after incident and deploys are gone. It has nothing that says who
did or met something: of a commit's message only the first line, no authors, no tags, and no mail
addresses. Secrets are masked.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from server.notify.masking import MASK, without_secrets
from shared.event import ChangeWindow, Commit, Frame
from shared.incident import IncidentSummary
from shared.text import first_line

CANDIDATE_DEPLOYS = 20
"""As many as the engine remembers of a service."""

CLOCK_SKEW = timedelta(minutes=15)
"""A deploy that is told this much later than the error can still be its cause, for the engine."""

_MAIL_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")


class AnsweredError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is kept of it; `began` is when the incident did. The deploys come oldest first."""

    service: str
    exception_type: str
    message: str
    stacktrace: list[Frame]
    began: datetime
    deploys: list[ChangeWindow]


encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(AnsweredError).decode


def answered_error(
    summary: IncidentSummary, deploys: Sequence[ChangeWindow]
) -> AnsweredError | None:
    """Return the error of this incident; None if the news of a deploy opened it, without an error.

    `deploys` are those of its service, in its environment, until it began.
    """
    if summary.trigger == "deploy":
        return None
    return AnsweredError(
        service=summary.service,
        exception_type=summary.exception_type,
        message=_anonymous(summary.message),
        stacktrace=summary.stacktrace,
        began=summary.start_time,
        deploys=[
            _without_people(each)
            for each in sorted(deploys, key=lambda window: window.deploy_time)
            if each.commits
        ],
    )


def _without_people(window: ChangeWindow) -> ChangeWindow:
    return ChangeWindow(
        deploy_time=window.deploy_time,
        deploy_id=window.deploy_id,
        commits=[
            Commit(
                id=each.id,
                timestamp=each.timestamp,
                message=_anonymous(first_line(each.message)),
                files=each.files,
                functions=each.functions,
                added=each.added,
                deleted=each.deleted,
            )
            for each in window.commits
        ],
        pending=window.pending,
        ran_since=window.ran_since,
    )


def _anonymous(text: str) -> str:
    return _MAIL_ADDRESS.sub(MASK, without_secrets(text))
