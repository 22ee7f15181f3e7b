"""All that happened to an incident, in order: its changes, and who was told of them. Pure."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import msgspec

from server.storage.main.incidents import IncidentChange
from server.storage.main.not_told import KeptFrom
from server.storage.main.notifications import Bell
from server.storage.main.outbox import ChannelName, Delivery, DeliveryState
from server.wording.changes import change_words
from server.wording.formats import clock
from server.wording.not_told import not_told_in_words

_AFTERWARDS = {"told": 1, "not_told": 2}

_WAYS: dict[ChannelName, str] = {
    "email": "Mail",
    "slack": "Slack",
    "webhook": "Webhook",
    "apprise": "Apprise",
}

_STATES: dict[DeliveryState, str] = {
    "waiting": "waiting",
    "sending": "being sent",
    "sent": "sent",
    "failed": "gave up",
    "digested": "sent as part of a digest",
}


class TimelineItem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened: `kind` is the change, ``told`` or ``not_told``.

    `state` is that of a delivery.
    """

    at: datetime
    kind: str
    words: str
    about: str
    state: DeliveryState | None = None


def timeline(
    changes: Sequence[IncidentChange],
    bells: Sequence[Bell],
    deliveries: Sequence[Delivery],
    kept: Sequence[KeptFrom],
) -> list[TimelineItem]:
    """The oldest first; of what has the same time, what happened comes before who was told."""
    items = [
        TimelineItem(
            at=each.at, kind=each.change, words=change_words(each.change), about=each.about
        )
        for each in changes
    ]
    items += _bells(bells)
    items += [_delivery(each) for each in deliveries]
    items += [_kept_from(each) for each in kept]
    return sorted(items, key=_when)


def _when(item: TimelineItem) -> tuple[datetime, int]:
    # The engine's times have milliseconds. What a person did stays before what followed from it.
    at = item.at.replace(microsecond=item.at.microsecond // 1000 * 1000)
    return at, _AFTERWARDS.get(item.kind, 0)


def fold_joined(items: Sequence[TimelineItem]) -> list[TimelineItem]:
    """Make one item of issues that joined one after the other: the last says all of them."""
    folded: list[TimelineItem] = []
    for kind, run in groupby(items, key=lambda item: item.kind):
        together = list(run)
        if kind == "joined" and len(together) > 1:
            words = f"{len(together)} more issues joined"
            together = [msgspec.structs.replace(together[-1], words=words)]
        folded += together
    return folded


def _bells(bells: Sequence[Bell]) -> list[TimelineItem]:
    return [
        TimelineItem(
            at=at,
            kind="told",
            words="Bell",
            about=f"{change_words(change)}: notified {', '.join(each.name for each in rung)}.",
        )
        for (change, at), rung in groupby(bells, key=lambda bell: (bell.change, bell.created_at))
    ]


def _kept_from(kept: KeptFrom) -> TimelineItem:
    return TimelineItem(
        at=kept.at, kind="not_told", words="Not notified", about=not_told_in_words(kept).words
    )


def _delivery(delivery: Delivery) -> TimelineItem:
    state = _STATES[delivery.state]
    if delivery.state == "waiting":
        state += f", next attempt at {clock(delivery.next_at)} UTC"
    if delivery.attempts > 1:
        state += f", after {delivery.attempts} attempts"
    error = f" Last error: {delivery.last_error}" if delivery.last_error else ""
    return TimelineItem(
        at=delivery.sent_at or delivery.created_at,
        kind="told",
        words=_WAYS[delivery.channel],
        about=f"To {delivery.receiver}: {state}.{error}",
        state=delivery.state,
    )
