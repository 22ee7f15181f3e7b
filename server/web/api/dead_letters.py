"""The API of the dead letters: entries that the engine died on, to view, replay or discard."""

from datetime import datetime
from typing import Literal

import msgspec
from aiohttp import web

from server.keys import DATABASE, JOURNAL
from server.notify.masking import masked_line
from server.storage.main import dead_letters
from server.storage.main.dead_letters import DeadLetter, Fate, WholeDeadLetter
from server.storage.times import from_micros
from server.web.requests import answer, read_limit, read_number
from shared.pipe import Entry, UnreadableLine, decode_inbound

SHOWN = 600
"""How many characters of an entry a list shows."""


class DeadLetterAnswer(msgspec.Struct, kw_only=True):
    """An entry that the engine died on, and what was done with it.

    `start` is the beginning of the entry, without anything that looks like a secret.
    """

    seq: int
    received: datetime
    size_bytes: int
    start: str
    reason: str
    buried_at: datetime
    state: Fate
    replayed_as: int | None


class DeadLetterWithEntry(DeadLetterAnswer, kw_only=True):
    """A dead letter with the entry itself, as it is in the journal."""

    entry: msgspec.Raw


class DeadLetterPage(msgspec.Struct):
    """Some dead letters, newest first.

    `counts` are of all dead letters. `next` is the ``before`` of the next page.
    """

    counts: dict[Fate, int]
    dead_letters: list[DeadLetterAnswer]
    next: int | None


class Replayed(msgspec.Struct):
    """The dead letter `seq` is the new entry `replayed_as` of the journal."""

    seq: int
    replayed_as: int
    state: Literal["replayed"] = "replayed"


class Discarded(msgspec.Struct):
    """The dead letter `seq` will not be replayed."""

    seq: int
    state: Literal["discarded"] = "discarded"


async def list_letters(request: web.Request) -> web.Response:
    """``GET /api/dead-letters``; ``state``, ``limit`` and ``before`` narrow it."""
    before, limit = read_number(request.query, "before"), read_limit(request.query)
    state = read_state(request.query.get("state"))
    async with request.app[DATABASE].read() as tx:
        counts = await dead_letters.counts(tx)
        found = await dead_letters.newest(tx, before, limit + 1, state)
    shown = found[:limit]
    more = shown[-1].seq if len(found) > limit else None
    return answer(DeadLetterPage(counts, [answered(each) for each in shown], more))


async def get_letter(request: web.Request) -> web.Response:
    """``GET /api/dead-letters/{seq}``."""
    seq = int(request.match_info["seq"])
    async with request.app[DATABASE].read() as tx:
        letter = await dead_letters.get(tx, seq)
    if letter is None:
        raise _none_at(seq)
    fields = msgspec.structs.asdict(answered(letter))
    return answer(DeadLetterWithEntry(**fields, entry=msgspec.Raw(letter.entry)))


async def replay_letter(request: web.Request) -> web.Response:
    """``POST /api/dead-letters/{seq}/replay``: gives it to the engine again, as a new entry."""
    seq, replayed_as = await replay(request)
    return answer(Replayed(seq, replayed_as), status=202)


async def discard_letter(request: web.Request) -> web.Response:
    """``POST /api/dead-letters/{seq}/discard``: discards it, because nobody wants it."""
    return answer(Discarded(await discard(request)))


async def replay(request: web.Request) -> tuple[int, int]:
    """Give the letter that the address names to the engine again; return its and the new number."""
    seq = int(request.match_info["seq"])
    # The lock is held until the journal has the entry, so that nobody discards it in between.
    async with request.app[DATABASE].write() as tx:
        letter = _waiting(await dead_letters.get(tx, seq), seq)
        try:
            entry = decode_inbound(letter.entry)
        except UnreadableLine as error:
            raise web.HTTPUnprocessableEntity(text=f"The entry cannot be read: {error}.") from error
        if not isinstance(entry, Entry):
            raise web.HTTPUnprocessableEntity(text="The dead letter is not a journal entry.")
        # After a crash before the commit below it still waits, and the identity finds it again.
        appended = await request.app[JOURNAL].append([entry], f"dead-letter/{seq}")
        await dead_letters.mark_replayed(tx, seq, appended.seqs[0])
    return seq, appended.seqs[0]


async def discard(request: web.Request) -> int:
    """Discard the letter that the address names, and return its number."""
    seq = int(request.match_info["seq"])
    async with request.app[DATABASE].write() as tx:
        _waiting(await dead_letters.get(tx, seq), seq)
        await dead_letters.mark_discarded(tx, seq)
    return seq


def read_state(text: str | None) -> Fate | None:
    """Return the state that is asked for, or None if none is."""
    if not text:
        return None
    try:
        state: Fate = msgspec.convert(text, Fate)
    except msgspec.ValidationError as error:
        raise web.HTTPBadRequest(text=f"`state`: {error}.") from error
    return state


def answered(letter: DeadLetter) -> DeadLetterAnswer:
    """Return the letter as the API and the page show it."""
    return DeadLetterAnswer(
        seq=letter.seq,
        received=from_micros(letter.received),
        size_bytes=letter.size_bytes,
        start=_start(letter.start, is_cut=len(letter.start) < letter.size_bytes),
        reason=letter.reason,
        buried_at=from_micros(letter.buried_at),
        state=letter.state,
        replayed_as=letter.replayed_as,
    )


def _start(entry: bytes, *, is_cut: bool) -> str:
    # A message may itself be JSON, in which secrets are between escaped quotes.
    text = entry.decode("utf-8", "replace").replace('\\"', "'")
    shown = masked_line(text, SHOWN)
    if is_cut and not shown.endswith("…"):
        # So much is masked that the cut would show, and the cut may leave half a secret.
        shown = masked_line(text[: text.rfind('"') + 1], SHOWN)
    return shown


def _waiting(letter: WholeDeadLetter | None, seq: int) -> WholeDeadLetter:
    if letter is None:
        raise _none_at(seq)
    match letter.state:
        case "waiting":
            return letter
        case "replayed":
            raise web.HTTPConflict(
                text=f"This dead letter was already replayed as {letter.replayed_as}."
            )
        case "discarded":
            raise web.HTTPConflict(text="This dead letter was already discarded.")


def _none_at(seq: int) -> web.HTTPNotFound:
    return web.HTTPNotFound(text=f"There is no dead letter {seq}.")
