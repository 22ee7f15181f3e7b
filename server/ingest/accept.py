"""Turns a delivery into its answer: 202 only once the delivery is in the journal."""

import time
from http import HTTPStatus
from typing import Literal

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from server.ingest.delivery import Delivery, Fault, InvalidPayload
from server.ingest.webhook import Webhook, note_accepted, note_unentered
from server.keys import ENGINE, JOURNAL, METRICS, SETTINGS
from server.middlewares import ErrorAnswer
from server.process import log
from server.storage.journal.entry import JournalUnavailable
from server.supervisor.queue import why_full
from shared.pipe import EventEntry

RETRY_AFTER_S = 30


class Accepted(msgspec.Struct, kw_only=True):
    """A webhook that was taken.

    `seq` is its entry of the journal. A `duplicate` makes no second entry. With `event` false there
    was nothing to decide on, and `about` says what it was.
    """

    accepted: Literal[True] = True
    event: Literal[False] | UnsetType = UNSET
    about: str | UnsetType = UNSET
    duplicate: bool | UnsetType = UNSET
    seq: int | UnsetType = UNSET


class InvalidAnswer(ErrorAnswer):
    """Why there is no event in a body: each fault with its place and what would be right."""

    details: list[Fault] | UnsetType = UNSET


async def accept(request: web.Request, webhook: Webhook, delivery: Delivery) -> web.Response:
    """Commit the delivery's entries and answer. The engine's pipe is never touched here."""
    started = time.perf_counter()
    source = webhook.source
    if not delivery.entries:
        log.webhook_noted(source, delivery.about, "No event")
        note_unentered(request, webhook, "no_event", delivery.about, delivery)
        return _answer(Accepted(event=False, about=delivery.about), HTTPStatus.ACCEPTED)
    engine = request.app[ENGINE]
    reason = why_full(engine.backlog, request.app[SETTINGS].incident_queue_max)
    if reason is not None:
        log.child_not_writable("dropped")
        note_unentered(request, webhook, "queue_full", reason, delivery)
        return unavailable(reason)
    try:
        appended = await request.app[JOURNAL].append(delivery.entries, delivery.identity)
    except JournalUnavailable as error:
        log.webhook_error(source, f"not stored: {error}", "not stored")
        reason = f"the event could not be stored: {error}"
        note_unentered(request, webhook, "not_stored", reason, delivery)
        return unavailable(reason)
    if appended.duplicate:
        log.webhook_noted(source, f"Duplicate: {delivery.about}", "Duplicate")
        note_unentered(
            request, webhook, "duplicate", delivery.about, delivery, first_seq=appended.seqs[0]
        )
        return _answer(Accepted(duplicate=True), HTTPStatus.ACCEPTED)
    for entry in delivery.entries:
        if isinstance(entry, EventEntry):
            log.webhook_ingested(source, entry.exception_type, entry.service, entry.environment)
        else:
            log.webhook_noted(source, delivery.about, "Noted")
    if not engine.writable:
        log.child_not_writable("queued")
    note_accepted(request, webhook, delivery.about)
    request.app[METRICS].accept_seconds.observe(time.perf_counter() - started)
    return _answer(Accepted(duplicate=False, seq=appended.seqs[0]), HTTPStatus.ACCEPTED)


def refuse(request: web.Request, webhook: Webhook, status: HTTPStatus, reason: str) -> web.Response:
    """Answer a sender who is not allowed or sent too much; `reason` says what would be right."""
    log.webhook_error(webhook.source, reason, f"refused with {status.value}")
    note_unentered(request, webhook, "refused", reason)
    return _answer(ErrorAnswer(reason), status)


def cut_off(request: web.Request, webhook: Webhook, wait_s: int) -> web.Response:
    """Answer a sender who keeps failing: for `wait_s`, only a right signature is accepted."""
    reason = (
        "too many requests from this address were refused in a row; for the rest of the minute, "
        "only requests with the right signature are accepted"
    )
    response = refuse(request, webhook, HTTPStatus.TOO_MANY_REQUESTS, reason)
    response.headers["Retry-After"] = str(wait_s)
    return response


def invalid(request: web.Request, webhook: Webhook, error: InvalidPayload) -> web.Response:
    """Answer a body that holds no event, naming each fault and what would be right."""
    shown = "; ".join(f"{fault.path}: {fault.message}" for fault in error.faults)
    reason = f"{error} ({shown})" if shown else str(error)
    log.webhook_error(webhook.source, reason, "no event in it")
    note_unentered(request, webhook, "invalid", reason)
    return _answer(InvalidAnswer(str(error), list(error.faults)), HTTPStatus.BAD_REQUEST)


def unavailable(reason: str) -> web.Response:
    """Answer 503: nothing was stored, and the sender should send it again."""
    response = _answer(ErrorAnswer(reason), HTTPStatus.SERVICE_UNAVAILABLE)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _answer(body: Accepted | ErrorAnswer, status: HTTPStatus) -> web.Response:
    return web.json_response(msgspec.to_builtins(body), status=status)
