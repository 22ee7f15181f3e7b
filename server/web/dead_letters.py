"""The API of the dead letters: entries that the engine died on, to look at, replay or discard."""

from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from server.keys import DATABASE, JOURNAL
from server.storage import dead_letters
from server.storage.dead_letters import DeadLetter, Fate
from server.storage.journal import JournalUnavailable
from server.storage.times import from_micros
from server.web.answers import answer
from server.web.questions import read_limit, read_number
from shared.pipe import Entry, UnreadableLine, decode_inbound


class DeadLetterAnswer(msgspec.Struct, kw_only=True):
    """What the engine died on, and what was done with it."""

    seq: int
    received: datetime
    reason: str
    buried_at: datetime
    state: Fate
    replayed_as: int | None


class DeadLetterWithEntry(DeadLetterAnswer, kw_only=True):
    """The same with the entry itself, as it stands in the journal."""

    entry: msgspec.Raw


class DeadLetterPage(msgspec.Struct):
    """Some dead letters, the newest first; `next` is the ``before`` of the next page."""

    dead_letters: list[DeadLetterAnswer]
    next: int | None


async def list_letters(request: web.Request) -> web.Response:
    """``GET /api/dead-letters``; ``limit`` and ``before`` narrow it."""
    before, limit = read_number(request.query, "before"), read_limit(request.query)
    async with request.app[DATABASE].read() as tx:
        found = await dead_letters.newest(tx, before, limit + 1)
    shown = found[:limit]
    more = shown[-1].seq if len(found) > limit else None
    return answer(DeadLetterPage([DeadLetterAnswer(**_fields(each)) for each in shown], more))


async def get_letter(request: web.Request) -> web.Response:
    """``GET /api/dead-letters/{seq}``."""
    seq = int(request.match_info["seq"])
    async with request.app[DATABASE].read() as tx:
        letter = await dead_letters.get(tx, seq)
    if letter is None:
        raise _none_at(seq)
    return answer(DeadLetterWithEntry(**_fields(letter), entry=msgspec.Raw(letter.entry)))


async def replay_letter(request: web.Request) -> web.Response:
    """``POST /api/dead-letters/{seq}/replay``: give it to the engine again, as a new entry."""
    seq = int(request.match_info["seq"])
    # The lock is held until the journal has it, so that nobody discards it in between.
    async with request.app[DATABASE].write() as tx:
        letter = _waiting(await dead_letters.get(tx, seq), seq)
        try:
            entry = decode_inbound(letter.entry)
        except UnreadableLine as error:
            raise web.HTTPUnprocessableEntity(text=f"It cannot be read: {error}.") from error
        if not isinstance(entry, Entry):
            raise web.HTTPUnprocessableEntity(text="It is no entry of the journal.")
        try:
            # A crash before the commit below leaves it waiting: the identity finds it again.
            appended = await request.app[JOURNAL].append([entry], f"dead-letter/{seq}")
        except JournalUnavailable as error:
            raise web.HTTPServiceUnavailable(
                text=f"It could not be stored: {error}.", headers={"Retry-After": "30"}
            ) from error
        await dead_letters.mark_replayed(tx, seq, appended.seqs[0])
    return answer({"seq": seq, "state": "replayed", "replayed_as": appended.seqs[0]}, status=202)


async def discard_letter(request: web.Request) -> web.Response:
    """``POST /api/dead-letters/{seq}/discard``: nobody wants it."""
    seq = int(request.match_info["seq"])
    async with request.app[DATABASE].write() as tx:
        _waiting(await dead_letters.get(tx, seq), seq)
        await dead_letters.mark_discarded(tx, seq)
    return answer({"seq": seq, "state": "discarded"})


def _waiting(letter: DeadLetter | None, seq: int) -> DeadLetter:
    if letter is None:
        raise _none_at(seq)
    match letter.state:
        case "waiting":
            return letter
        case "replayed":
            raise web.HTTPConflict(text=f"It is replayed already, as {letter.replayed_as}.")
        case "discarded":
            raise web.HTTPConflict(text="It is discarded already.")


def _none_at(seq: int) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"There is no dead letter {seq}.")


def _fields(letter: DeadLetter) -> dict[str, Any]:
    return {
        "seq": letter.seq,
        "received": from_micros(letter.received),
        "reason": letter.reason,
        "buried_at": from_micros(letter.buried_at),
        "state": letter.state,
        "replayed_as": letter.replayed_as,
    }
