"""The API of what is, and was, wrong with PushLog itself."""

import msgspec
from aiohttp import web

from server.keys import DATABASE
from server.storage.database import Transaction
from server.storage.main import troubles
from server.storage.main.troubles import Trouble
from server.troubles.kinds import KINDS
from server.web.requests import answer, read_limit, read_number
from shared.structs import made_of


class TroubleAnswer(Trouble, frozen=True, kw_only=True):
    """A trouble, and what to do about it; empty if this version does not know its kind."""

    advice: str


class TroublePage(msgspec.Struct):
    """Troubles, newest first. `next` is the ``before`` of the next page."""

    troubles: list[TroubleAnswer]
    next: int | None


async def list_troubles(request: web.Request) -> web.Response:
    """``GET /api/troubles``; ``limit`` and ``before`` narrow it."""
    async with request.app[DATABASE].read() as tx:
        return answer(await find_troubles(request, tx, read_limit(request.query)))


async def find_troubles(request: web.Request, tx: Transaction, limit: int) -> TroublePage:
    """Return the page that the request asks for, of at most `limit` troubles."""
    found = await troubles.newest(tx, limit + 1, read_number(request.query, "before"))
    shown = found[:limit]
    return TroublePage(
        [made_of(each, TroubleAnswer, advice=_advice(each.kind)) for each in shown],
        shown[-1].id if len(found) > limit else None,
    )


def _advice(kind: str) -> str:
    return KINDS[kind].advice if kind in KINDS else ""
