"""The API of one entry of the journal: all that was kept of an event, and what became of it."""

from collections.abc import Mapping
from datetime import datetime

import msgspec
from aiohttp import web

from server.keys import DATABASE, JOURNAL
from server.notify.masking import masked_values, without_secrets
from server.storage.main import checkpoints, decisions
from server.storage.times import from_micros
from server.web.requests import answer
from server.wording.incoming import UNREADABLE, became, why_decided
from shared.incident import Numbers
from shared.pipe import Entry, UnreadableLine, decode_inbound


class EventAnswer(msgspec.Struct, kw_only=True):
    """An entry as it is kept, with secrets masked, and the decision on it.

    `about` says what it is. `decision` is None as long as the engine has not decided; `reason` then
    says why not. `incident_id` is the incident that it belongs to, and `issue` the fingerprint of
    its issue.
    """

    seq: int
    received: datetime
    about: str
    entry: Mapping[str, object]
    decision: str | None
    reason: str
    incident_id: str | None
    issue: str | None
    numbers: Numbers


async def get_event(request: web.Request) -> web.Response:
    """``GET /api/events/{seq}``."""
    return answer(await find_event(request))


async def find_event(request: web.Request) -> EventAnswer:
    """Return the entry that the address names, or answer 404."""
    seq = int(request.match_info["seq"])
    stored = await request.app[JOURNAL].get(seq)
    if stored is None:
        raise web.HTTPNotFound(
            text=f"There is no entry {seq}: it is too old to be kept, or never existed."
        )
    async with request.app[DATABASE].read() as tx:
        decision = await decisions.get(tx, seq)
        decided_to = (await checkpoints.progress(tx)).recorded_seq
    entry = read_entry(stored.body)
    return EventAnswer(
        seq=seq,
        received=from_micros(stored.received),
        about=UNREADABLE if entry is None else without_secrets(became(entry)),
        entry=masked_entry(stored.body),
        decision=None if decision is None else decision.code,
        reason=why_decided(seq, decision, decided_to),
        incident_id=None if decision is None else decision.incident_id,
        issue=None if decision is None else decision.issue,
        numbers={} if decision is None else decision.numbers,
    )


def masked_entry(body: bytes) -> dict[str, object]:
    """Return the entry of the journal that `body` holds as JSON, with secrets masked."""
    return masked_values(msgspec.json.decode(body, type=dict[str, object]))


def read_entry(body: bytes) -> Entry | None:
    """Return the entry of the journal that `body` holds, or None if another version wrote it."""
    try:
        read = decode_inbound(body)
    except UnreadableLine:
        return None
    return read if isinstance(read, Entry) else None
