"""From a delivery to its answer: 202 once it is in the journal, and not before."""

import time
from http import HTTPStatus

from aiohttp import web

from server import log
from server.ingest.delivery import Delivery, InvalidPayload
from server.keys import JOURNAL, METRICS, SETTINGS, SUPERVISOR
from server.storage.journal import JournalUnavailable
from shared.pipe import EventEntry

RETRY_AFTER_S = 30


async def accept(request: web.Request, source: str, delivery: Delivery) -> web.Response:
    """Commit the delivery's entries and answer; the engine's pipe is never touched here."""
    started = time.perf_counter()
    metrics = request.app[METRICS]
    if not delivery.entries:
        log.webhook_noted(source, delivery.about)
        metrics.webhooks.labels(source=source, outcome="no_event").inc()
        return web.json_response(
            {"accepted": True, "event": False, "about": delivery.about}, status=HTTPStatus.ACCEPTED
        )
    supervisor = request.app[SUPERVISOR]
    if supervisor.backlog >= request.app[SETTINGS].incident_queue_max:
        log.child_not_writable("dropped")
        metrics.webhooks.labels(source=source, outcome="queue_full").inc()
        return unavailable("as many events wait for the engine as INCIDENT_QUEUE_MAX allows")
    try:
        appended = await request.app[JOURNAL].append(delivery.entries, delivery.identity)
    except JournalUnavailable as error:
        log.webhook_error(source, f"not stored: {error}")
        metrics.webhooks.labels(source=source, outcome="not_stored").inc()
        return unavailable(f"the event could not be stored: {error}")
    if appended.duplicate:
        log.webhook_noted(source, f"Duplicate: {delivery.about}")
        metrics.webhooks.labels(source=source, outcome="duplicate").inc()
        return web.json_response({"accepted": True, "duplicate": True}, status=HTTPStatus.ACCEPTED)
    for entry in delivery.entries:
        if isinstance(entry, EventEntry):
            log.webhook_ingested(source, entry.exception_type, entry.service, entry.environment)
        else:
            log.webhook_noted(source, delivery.about)
    if not supervisor.writable:
        log.child_not_writable("queued")
    metrics.webhooks.labels(source=source, outcome="accepted").inc()
    metrics.accept_seconds.observe(time.perf_counter() - started)
    return web.json_response(
        {"accepted": True, "duplicate": False, "seq": appended.seqs[0]}, status=HTTPStatus.ACCEPTED
    )


def refuse(request: web.Request, source: str, status: HTTPStatus, reason: str) -> web.Response:
    """The answer to who may not send, or sent too much; `reason` says what would be right."""
    log.webhook_error(source, reason)
    request.app[METRICS].webhooks.labels(source=source, outcome="refused").inc()
    return web.json_response({"error": reason}, status=status)


def invalid(request: web.Request, source: str, error: InvalidPayload) -> web.Response:
    """The answer to a body that is no event, naming each fault and what would be right."""
    details = [{"path": fault.path, "message": fault.message} for fault in error.faults]
    shown = "; ".join(f"{fault.path}: {fault.message}" for fault in error.faults)
    log.webhook_error(source, f"{error} ({shown})" if shown else str(error))
    request.app[METRICS].webhooks.labels(source=source, outcome="invalid").inc()
    return web.json_response(
        {"error": str(error), "details": details}, status=HTTPStatus.BAD_REQUEST
    )


def unavailable(reason: str) -> web.Response:
    """503: nothing is stored, and whoever sent it should send it again."""
    return web.json_response(
        {"error": reason},
        status=HTTPStatus.SERVICE_UNAVAILABLE,
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )
