"""Answers about suspect commits: somebody says whether one is the cause of its incident."""

from datetime import datetime

import msgspec
from aiohttp import web

from server.keys import ACTIONS, DATABASE
from server.storage.database import Transaction
from server.storage.main import suspect_answers
from server.web.api.incident_wishes import name_of_asker
from server.web.requests import answer, read_body


class AnswerBody(msgspec.Struct, forbid_unknown_fields=True):
    """Whether the commit is the cause."""

    right: bool


class GivenAnswer(msgspec.Struct):
    """What `by` said about this suspect."""

    commit_id: str
    by: str
    right: bool
    at: datetime


class GivenAnswers(msgspec.Struct):
    """All answers about the suspects of an incident, in the order of the first of each person."""

    incident_id: str
    answers: list[GivenAnswer]


async def answer_about_suspect(request: web.Request) -> web.Response:
    """``POST /api/incidents/{incident_id}/suspects/{commit_id}/answer``: may be changed later."""
    body = await read_body(request, AnswerBody)
    incident_id = request.match_info["incident_id"]
    await judge(request, incident_id, request.match_info["commit_id"], is_right=body.right)
    async with request.app[DATABASE].read() as tx:
        return answer(GivenAnswers(incident_id, await read_answers(tx, incident_id)))


async def judge(request: web.Request, incident_id: str, commit_id: str, *, is_right: bool) -> None:
    """Note the answer of the person who asks; raise 404."""
    async with request.app[DATABASE].read() as tx:
        by = await name_of_asker(tx, request)
    judged = await request.app[ACTIONS].judge_suspect(incident_id, commit_id, by, is_right=is_right)
    match judged:
        case "unknown_incident":
            raise web.HTTPNotFound(text=f"There is no incident {incident_id}.")
        case "never_suspected":
            raise web.HTTPNotFound(text=f"{incident_id} never suspected commit {commit_id}.")
        case "noted":
            return


async def read_answers(tx: Transaction, incident_id: str) -> list[GivenAnswer]:
    """Return all answers about the suspects of this incident."""
    return [
        GivenAnswer(each.commit_id, each.by, each.is_right, each.at)
        for each in await suspect_answers.of_incident(tx, incident_id)
    ]
