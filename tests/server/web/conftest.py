"""What people see, served in this process from real storage, and incidents to show."""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from argon2 import PasswordHasher
from pytest_aiohttp import AiohttpClient

from server.accounts.passwords import Passwords
from server.incidents.actions import Actions
from server.incidents.record import Recorder
from server.keys import (
    ACTIONS,
    CRASHES,
    DATABASE,
    ENGINE,
    JOURNAL,
    LEADERSHIP,
    LIVE,
    MAIL_KEY,
    METRICS,
    NIGHTLY,
    OFFICE,
    PASSWORDS,
    PRESSES,
    SETTINGS,
    SUPERVISOR,
    WATCH,
)
from server.middlewares import errors_as_json
from server.notify.channel import Channel, ChannelName, DeliveryFailed, Letter
from server.notify.channels import PostOffice, outlets_of
from server.notify.crash import CrashReporter
from server.notify.delivery.pace import Meter
from server.notify.live import Live
from server.process.metrics import Metrics
from server.settings.settings import read_settings
from server.sharing.leadership import Alone
from server.storage.database import Database, PostgresUrl, open_database
from server.storage.files.crash_files import CrashFiles
from server.storage.files.key_file import read_or_make_key
from server.storage.journal.journal import open_journal
from server.storage.main.slack_messages import SlackMessage
from server.supervisor.supervisor import Supervisor
from server.supervisor.view import EngineView
from server.troubles.signs import Signs
from server.troubles.watch import Watch
from server.web.routes import set_up_web
from shared.incident import SuspectCommit, Symptom
from shared.pipe import Incident
from tests.builders import at, frame
from tests.databases import make_database
from tests.signed_in import cookie

Client = TestClient[web.Request, web.Application]
Open = Callable[..., Awaitable[str]]

SIGNED_IN = cookie(3000)


@pytest.fixture
async def client(database_path: Path, aiohttp_client: AiohttpClient) -> Client:
    """The operator's browser, and a server whose engine is not started."""
    return await aiohttp_client(build(database_path.parent), cookies=SIGNED_IN)


def build(
    folder: Path,
    channels: Sequence[Channel] = (),
    environ: Mapping[str, str] | None = None,
    postgres: PostgresUrl | None = None,
) -> web.Application:
    """The pages and the API on the data in `folder`, without webhooks and without an engine.

    With `postgres`, the main database is there.
    """
    app = web.Application(middlewares=[errors_as_json])
    app[SETTINGS] = read_settings(
        {"DATABASE_URL": f"sqlite:///{folder}/pushlog.db"} | dict(environ or {})
    )
    app[METRICS] = Metrics()
    app[LIVE] = Live()
    app[OFFICE] = PostOffice(channels, ())
    app[CRASHES] = CrashReporter(CrashFiles(app[SETTINGS].database_path))
    set_up_web(app)
    # Guessing must be slow, and these tests would be.
    app[PASSWORDS] = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    app.cleanup_ctx.append(functools.partial(_open, postgres=postgres))
    return app


async def _open(app: web.Application, postgres: PostgresUrl | None) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    async with (
        open_database(postgres or make_database(settings.database_path)) as app[DATABASE],
        open_journal(settings.journal_path) as app[JOURNAL],
    ):
        recorder = Recorder(app[DATABASE], live=app[LIVE], metrics=app[METRICS], min_severity="all")
        app[SUPERVISOR] = Supervisor(
            settings.incident_engine_command, app[JOURNAL], app[DATABASE], recorder.record
        )
        app[ENGINE] = EngineView(app[SUPERVISOR], app[JOURNAL], Alone())
        app[LEADERSHIP] = Alone()
        app[MAIL_KEY] = read_or_make_key(settings.mail_key_path)
        app[ACTIONS] = Actions(
            app[DATABASE], app[JOURNAL], app[LIVE], judged=app[METRICS].count_answer
        )
        app[PRESSES] = None
        app[NIGHTLY] = None
        signs = Signs(settings, app[JOURNAL], app[DATABASE], app[ENGINE], None)
        outlets, wake = outlets_of(settings), app[OFFICE].wake
        app[WATCH] = Watch(signs, app[DATABASE], app[LIVE], outlets, wake)
        yield


class Box:
    """A channel into a list."""

    def __init__(self, name: ChannelName, trouble: str | None = None) -> None:
        self.name = name
        self.meter = Meter(100)
        self.editing: asyncio.Lock | None = None
        self.letters: list[Letter] = []
        self.trouble = trouble

    async def send(self, letters: Sequence[Letter]) -> Sequence[SlackMessage]:
        if self.trouble:
            raise DeliveryFailed(self.trouble, permanent=False)
        self.letters += letters
        return ()


Boxes = Callable[..., Awaitable[Client]]


@pytest.fixture
async def with_boxes(tmp_path: Path, aiohttp_client: AiohttpClient) -> Boxes:
    """Starts a server with these channels."""

    async def start(*channels: Channel) -> Client:
        return await aiohttp_client(build(tmp_path, channels), cookies=SIGNED_IN)

    return start


@pytest.fixture
def open_incident(client: Client) -> Open:
    """Opens an incident and returns its id."""

    async def opens(number: int = 1, *, notify: bool = True, **changes: Any) -> str:
        opened = incident(number, **changes)
        await record(client.app[DATABASE], opened, live=client.app[LIVE], notify=notify)
        return opened.incident_id

    return opens


async def record(
    database: Database, opened: Incident, *, live: Live | None = None, notify: bool = True
) -> None:
    """What the server does when the engine says `opened`. Without `notify` its severity is below
    what the installation tells.
    """
    recorder = Recorder(
        database,
        live=live or Live(),
        metrics=Metrics(),
        min_severity="all" if notify else "critical",
        now=lambda: opened.last_seen,
    )
    await recorder.record([opened], [])


def incident(number: int = 1, **changes: Any) -> Incident:
    """The incident of this number, opened that many seconds after the start of the tests' time."""
    fields: dict[str, Any] = {
        "seq": 1000 + number,
        "change": "opened",
        "incident_id": incident_id(number),
        "title": f"ValueError: price {number} is negative",
        "source": "sentry",
        "service": "shop",
        "environment": "production",
        "severity": "error",
        "priority_score": 50,
        "trigger": "new_issue",
        "trigger_numbers": {"environment": "production"},
        "exception_type": "ValueError",
        "message": f"price {number} is negative",
        "start_time": at(number),
        "last_seen": at(number),
        "peak_time": at(number),
        "top_symptoms": [
            Symptom("f1", "ValueError", "price is negative", 3),
            Symptom("f2", "KeyError", "'currency'", 1, 2.5),
        ],
        "issue_count": 2,
        "event_count": 4,
        "suspected_causes": [
            SuspectCommit(
                "a1b2c3d4e5f6",
                1.7,
                0.588,
                ["it changes total in shop/cart.py, where the error was raised"],
                author="Ada",
                message="Round prices half up\n\nAs the shop asked for.",
                url="https://github.com/acme/shop/commit/a1b2c3d4e5f6",
                deploy_time=at(number - 360),
            )
        ],
        "recommended_first_actions": ["Look at commit a1b2c3d4e5f6: Round prices half up"],
        "stacktrace": [
            frame(),
            frame("django/core/handlers/base.py", "_get_response", 197, in_app=False),
            frame("shop/checkout.py", "pay", 40),
        ],
        "links": {"source_url": "https://sentry.example/issues/1/"},
        "tags": {"browser": "Firefox"},
        "release": "shop@1.4.2",
    }
    return Incident(**(fields | changes))


def incident_id(number: int) -> str:
    """As the engine writes them."""
    return f"inc-{number:016x}"
