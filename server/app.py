"""Wires the whole server: opens every resource in order, and closes them in reverse."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import hdrs, web

from server.accounts.throttle import SharedCounts, Throttle
from server.github.lookup import open_lookup
from server.heartbeat import Heartbeat
from server.incidents.actions import Actions
from server.incidents.record import Recorder
from server.ingest.body_budget import BODY_BUDGET, BodyBudget
from server.ingest.failing import Failing
from server.ingest.routes import FAILING
from server.ingest.routes import routes as ingest_routes
from server.interactions.opening import open_hearing
from server.keys import (
    ACTIONS,
    CRASHES,
    DATABASE,
    ENGINE,
    ENVIRONMENTS,
    FIRST_CODE,
    JOURNAL,
    LEADERSHIP,
    LIVE,
    MAIL_KEY,
    METRICS,
    NIGHTLY,
    OFFICE,
    PRESSES,
    SERVICES,
    SETTINGS,
    SUPERVISOR,
    THROTTLE,
    WATCH,
    WEBHOOK_BOOK,
)
from server.middlewares import bodies_in_time, errors_as_json
from server.notify.channels import open_office, outlets_of
from server.notify.crash import CrashReporter
from server.notify.due_teller import DueTeller, Tellers
from server.notify.joined import JoinedTeller
from server.notify.live import Live
from server.notify.masking import masked_line
from server.notify.reminders import Reminders
from server.notify.summary.teller import SummaryTeller
from server.notify.waiting import WaitingTeller
from server.process import log
from server.process.background import Background
from server.process.loop_lag import measure_loop_lag
from server.process.metrics import Metrics
from server.settings.environments import EnvironmentMap
from server.settings.services import ServiceMap
from server.settings.settings import Settings
from server.sharing.agreed import first_code, mail_key
from server.sharing.leadership import Alone, Leadership, Work, open_leadership
from server.sharing.others import Others
from server.storage.backup.nightly import Nightly
from server.storage.database import Database, open_database
from server.storage.files.crash_files import CrashFiles
from server.storage.indexing import Indexing
from server.storage.journal.entry import JournalUnavailable
from server.storage.journal.journal import open_journal
from server.storage.main import accounts, people
from server.storage.main.webhook_book import WebhookBook
from server.storage.pair import join_pair
from server.storage.retention import Retention
from server.supervisor.supervisor import Supervisor
from server.supervisor.view import EngineView
from server.troubles.signs import Signs
from server.troubles.watch import Watch
from server.web.health import why_no_heartbeat
from server.web.routes import set_up_web
from shared.pipe import Settings as EngineSettings

BACKGROUND = web.AppKey("background", Background)
LEAVING = web.AppKey("leaving", asyncio.Event)
LEADERS_DATABASE = web.AppKey("leaders_database", Database)
"""The same database, for work that only the leading server does."""

ENGINE_STOP_TIMEOUT_S = 2.5
"""How long the engine may take for its last answers before it is killed; nothing is lost then."""

POST_STOP_TIMEOUT_S = 1.0
"""How long a delivery that is under way may take. If it is cut off, the next start repeats it."""


def build_app(settings: Settings) -> web.Application:
    """Build the application; nothing is opened or started before it runs."""
    app = web.Application(middlewares=[errors_as_json, bodies_in_time])
    app[SETTINGS] = settings
    app[LEAVING] = asyncio.Event()
    app.on_response_prepare.append(_part)
    app[CRASHES] = CrashReporter(CrashFiles(settings.database_path))
    app[METRICS] = Metrics()
    app[LIVE] = Live()
    app[WEBHOOK_BOOK] = WebhookBook(masked_line)
    app[SERVICES] = ServiceMap(settings.github_services, settings.github_branches)
    app[ENVIRONMENTS] = EnvironmentMap(settings.environments, settings.production_environments)
    app[FAILING] = Failing()
    app[BODY_BUDGET] = BodyBudget()
    app.add_routes(ingest_routes())
    set_up_web(app)
    app.cleanup_ctx.extend(
        [
            _background,
            _database,
            _leadership,
            _first_account,
            _webhook_book,
            _journal,
            _deploy_lookup,
            _post,
            _actions,
            _slack_buttons,
            _crashes,
            _tellers,
            _summaries,
            _supervisor,
            _nightly,
            _watch,
            _upkeep,
            _heartbeat,
            _election,
        ]
    )
    return app


async def _part(request: web.Request, response: web.StreamResponse) -> None:
    """Tell a proxy before a stop to send nothing more on this connection, which is about to close.

    Otherwise it would now and then answer 502 for a webhook that it sent in that moment.
    """
    if request.app[LEAVING].is_set():
        response.force_close()
        response.headers[hdrs.CONNECTION] = "close"


async def wind_down(app: web.Application) -> None:
    """End the engine and what tells people, while webhooks are still accepted.

    Call it before the cleanup of the application, which would cut them off.
    """
    app[LEAVING].set()
    await asyncio.gather(
        app[SUPERVISOR].stop(ENGINE_STOP_TIMEOUT_S), app[OFFICE].stop(POST_STOP_TIMEOUT_S)
    )


async def _background(app: web.Application) -> AsyncIterator[None]:
    app[BACKGROUND] = Background()
    lag = measure_loop_lag(app[METRICS].loop_lag_seconds.observe)
    async with app[BACKGROUND].running("measure the event loop", lag):
        yield


async def _database(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    async with open_database(settings.database) as database:
        app[DATABASE] = database
        async with database.write() as tx:
            await people.make_operator(tx)
        app[MAIL_KEY] = await mail_key(settings, database)
        app[THROTTLE] = Throttle(SharedCounts(database) if settings.postgres_url else None)
        yield


async def _leadership(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    async with contextlib.AsyncExitStack() as stack:
        leadership: Leadership = Alone()
        if settings.postgres_url is not None:
            elected = open_leadership(settings.postgres_url, settings.port)
            leadership = await stack.enter_async_context(elected)
        app[LEADERSHIP] = leadership
        app[LEADERS_DATABASE] = app[DATABASE].leaders(lambda: leadership.epoch)
        yield


async def _first_account(app: web.Application) -> AsyncIterator[None]:
    async with app[DATABASE].read() as tx:
        needs_one = not await accounts.exist(tx)
    if needs_one:
        app[FIRST_CODE].offer(await first_code(app[SETTINGS], app[DATABASE]))
    yield


async def _webhook_book(app: web.Application) -> AsyncIterator[None]:
    book, database = app[WEBHOOK_BOOK], app[DATABASE]
    async with app[BACKGROUND].running("write down webhooks", book.run(database)):
        yield
    await book.close(database)


async def _journal(app: web.Application) -> AsyncIterator[None]:
    settings, running = app[SETTINGS], app[BACKGROUND].running
    async with contextlib.AsyncExitStack() as stack:
        if settings.postgres_url is None:
            journal = await stack.enter_async_context(open_journal(settings.journal_path))
            async with app[DATABASE].write() as tx:
                await join_pair(tx, journal, settings.journal_path)
        else:
            # Its driver takes time to load.
            from server.storage.journal.shared import open_shared_journal  # noqa: PLC0415

            shared = open_shared_journal(settings.postgres_url)
            journal = followed = await stack.enter_async_context(shared)
            await stack.enter_async_context(running("follow the journal", followed.follow()))
        app[JOURNAL] = journal
        await stack.enter_async_context(running("write the journal", journal.watch()))
        await stack.enter_async_context(running("try the journal", journal.try_again()))
        yield


async def _deploy_lookup(app: web.Application) -> AsyncIterator[None]:
    is_touched = app[SERVICES].is_touched
    async with (
        open_lookup(app[SETTINGS], app[LEADERS_DATABASE], app[JOURNAL], is_touched) as lookup,
        _leading(app, "look up deploys", lookup.run),
    ):
        yield


async def _post(app: web.Application) -> AsyncIterator[None]:
    async with contextlib.AsyncExitStack() as stack:
        office = await stack.enter_async_context(
            open_office(app[SETTINGS], app[LEADERS_DATABASE], app[METRICS], app[MAIL_KEY])
        )
        app[OFFICE] = office
        for postman in office.postmen:
            await stack.enter_async_context(
                _leading(app, f"deliver by {postman.channel}", postman.run)
            )
        if office.refresher is not None:
            await stack.enter_async_context(
                _leading(app, "keep Slack up to date", office.refresher.run)
            )
        yield


async def _actions(app: web.Application) -> AsyncIterator[None]:
    app[ACTIONS] = Actions(
        app[DATABASE],
        app[JOURNAL],
        app[LIVE],
        acknowledged=app[OFFICE].refresh,
        judged=app[METRICS].count_answer,
    )
    yield


async def _slack_buttons(app: web.Application) -> AsyncIterator[None]:
    slack = app[SETTINGS].slack
    app[PRESSES] = None
    if slack is None or not slack.has_buttons:
        yield
        return
    async with contextlib.AsyncExitStack() as stack:
        hearing = await stack.enter_async_context(
            open_hearing(slack, app[ACTIONS], app[CRASHES].report, app[SETTINGS].outgoing_networks)
        )
        app[PRESSES] = hearing.presses
        running = app[BACKGROUND].running
        await stack.enter_async_context(running("answer in Slack", hearing.presses.run()))
        if hearing.socket_mode is not None:
            await stack.enter_async_context(
                _leading(app, "hear of buttons in Slack", hearing.socket_mode.run)
            )
        yield


async def _crashes(app: web.Application) -> AsyncIterator[None]:
    by_mail = app[SETTINGS].smtp is not None
    telling = app[CRASHES].run(app[DATABASE], app[OFFICE].wake, by_mail=by_mail)
    async with app[BACKGROUND].running("tell of crashes", telling):
        yield


async def _tellers(app: web.Application) -> AsyncIterator[None]:
    settings, database, live = app[SETTINGS], app[LEADERS_DATABASE], app[LIVE]
    outlets, wake = outlets_of(settings), app[OFFICE].wake
    floor, reminding = settings.incident_notification_min_severity, settings.reminding
    tellers: list[DueTeller[Any]] = [
        JoinedTeller(database, live, outlets, wake),
        WaitingTeller(database, live, outlets, floor, wake),
        Reminders(database, live, outlets, reminding, wake),
    ]
    async with _leading(app, "tell what is due", Tellers(database, tellers).run):
        yield


async def _summaries(app: web.Application) -> AsyncIterator[None]:
    if app[SETTINGS].smtp is None:
        yield
        return
    teller = SummaryTeller(app[LEADERS_DATABASE], app[OFFICE].wake)
    async with _leading(app, "send summaries", teller.run):
        yield


async def _supervisor(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    database = app[LEADERS_DATABASE]
    recorder = Recorder(
        database,
        live=app[LIVE],
        metrics=app[METRICS],
        min_severity=settings.incident_notification_min_severity,
        outlets=outlets_of(settings),
        tell_authors_from=settings.suspect_author_min_confidence,
        posted=app[OFFICE].wake,
    )
    supervisor = Supervisor(
        settings.incident_engine_command, app[JOURNAL], database, recorder.record
    )
    app[SUPERVISOR] = supervisor
    app[ENGINE] = EngineView(supervisor, app[JOURNAL], app[LEADERSHIP])

    async def run() -> None:
        await _tell_settings(app)
        await supervisor.run()

    async with _leading(app, "supervise the engine", run):
        yield


async def _nightly(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    folder = settings.backup_folder
    if folder is None:
        app[NIGHTLY] = None
        yield
        return
    app[NIGHTLY] = nightly = Nightly(settings.database_path, folder, settings.backup_keep)
    async with app[BACKGROUND].running("make backups", nightly.run()):
        yield


async def _watch(app: web.Application) -> AsyncIterator[None]:
    database = app[LEADERS_DATABASE]
    signs = Signs(app[SETTINGS], app[JOURNAL], database, app[ENGINE], app[NIGHTLY])
    outlets, wake = outlets_of(app[SETTINGS]), app[OFFICE].wake
    app[WATCH] = watch = Watch(signs, database, app[LIVE], outlets, wake)
    async with _leading(app, "watch for troubles", watch.run, watch.follow):
        yield


async def _upkeep(app: web.Application) -> AsyncIterator[None]:
    journal, database = app[JOURNAL], app[LEADERS_DATABASE]
    retention = Retention(app[SETTINGS], journal, database, app[METRICS])
    indexing = Indexing(journal, database)
    async with (
        _leading(app, "remove what is old", retention.run),
        _leading(app, "index ids", indexing.run),
    ):
        yield


async def _heartbeat(app: web.Application) -> AsyncIterator[None]:
    url = app[SETTINGS].heartbeat_url
    if url is None:
        yield
        return
    heartbeat = Heartbeat(url, lambda: why_no_heartbeat(app), app[SETTINGS].outgoing_networks)
    async with _leading(app, "call the heartbeat", heartbeat.run):
        yield


async def _election(app: web.Application) -> AsyncIterator[None]:
    """Let this server lead, if no other does, now that all is ready for it."""
    leadership = app[LEADERSHIP]
    if isinstance(leadership, Alone):
        yield
        return
    others = Others(app[DATABASE], app[LIVE], app[FIRST_CODE], app[OFFICE].wake)
    running = app[BACKGROUND].running
    async with (
        running("hear of the other servers", others.run()),
        running("stand for election", leadership.run(app[ENGINE].words)),
    ):
        yield


def _leading(
    app: web.Application, name: str, work: Work, otherwise: Work | None = None
) -> contextlib.AbstractAsyncContextManager[None]:
    """Do `work` in the background while this server leads, and `otherwise` while it does not."""
    return app[BACKGROUND].running(name, app[LEADERSHIP].while_leading(work, otherwise))


async def _tell_settings(app: web.Application) -> None:
    """Append the engine's settings from the environment as an entry, so a replay decides alike."""
    settings = app[SETTINGS]
    entry = EngineSettings(
        production_environments=list(settings.production_environments),
        spike_false_alarms_per_week=settings.spike_false_alarms_per_week,
    )
    try:
        await app[JOURNAL].append((entry,), None)
    except JournalUnavailable as error:
        log.server(logging.ERROR, f"the engine keeps its earlier settings: {error}")
