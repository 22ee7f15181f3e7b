"""What the engine knows of an issue, in the form in which it saves it."""

import msgspec

_SEQ_BYTES = 6
_NEWEST = 10
"""How many events an issue names."""


class IssueState(msgspec.Struct, array_like=True, gc=False):
    """The events of one fingerprint. The size is constant, whatever the history.

    The value of a state ``issue:FINGERPRINT``; `baseline` and `habit` are the engine's own. Times
    are seconds of the epoch (UTC). 0.0 means "never", because a default float costs no memory, and
    there may be a million issues.
    """

    service: str
    environment: str
    exception_type: str
    """Recognises the issue under other rules."""
    rules: int
    """The version of the fingerprint rules that made the key."""
    touched: int
    """The last entry about it; issues are forgotten in this order."""
    first_seen: float
    last_seen: float
    baseline: object
    habit: object
    count: int = 0
    incident: str = ""
    """The incident that it is in, or was in last."""
    by_rate: bool = False
    """It is in that incident because of its rate, and leaves it when the rate is back."""
    ended: float = 0.0
    """When its last incident ended."""
    flaps: int = 0
    """How many of its incidents followed each other closely."""
    resolved: float = 0.0
    resolved_release: str | None = None
    """The release that fixes it; events of older releases are no regression."""
    silenced_until: float = 0.0
    """-1.0 means for good."""
    release: str | None = None
    """The release in which it was last seen."""
    issue_id: str | None = None
    """The source's own name for it."""
    alerts: dict[str, tuple[float, int]] | None = None
    """When each rule of the source last fired for it, and with which severity."""
    silenced_by_source: bool = False
    """The source's silence ends when the source says that the issue is worse."""
    usual_per_min: float = 0.0
    """How often its events came as of the last minute in which nothing was unusual about it."""
    newest: bytes = b""
    """Its newest events; see `add_newest`. Packed, since a list would take five times as much."""
    fixed_later: bool = False
    """Not even `resolved_release` has the fix; only newer ones do."""
    usual_bursts: int = 0
    """How many bursts like its last one it had in a week, if that is its way of life."""
    heard: bytes = b""
    """What the engine remembers of the traces and users of its last events."""
    retries: int = 0
    """How many of its events were retries, and did not count in its statistics."""


def add_newest(newest: bytes, seq: int) -> bytes:
    """Return `newest` with the event at `seq`, and without the oldest if there are too many."""
    return (newest + seq.to_bytes(_SEQ_BYTES))[-_NEWEST * _SEQ_BYTES :]


def newest_events(newest: bytes) -> list[int]:
    """Return the `seq` of the events in `newest`, the newest first."""
    starts = range(0, len(newest), _SEQ_BYTES)
    return [int.from_bytes(newest[at : at + _SEQ_BYTES]) for at in reversed(starts)]
