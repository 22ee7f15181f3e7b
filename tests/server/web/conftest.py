"""What people see, served in this process from real storage, and incidents to show."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp import AiohttpClient

from server.incidents.record import Recorder
from server.keys import (
    CRASHES,
    DATABASE,
    JOURNAL,
    LIVE,
    METRICS,
    OFFICE,
    SETTINGS,
    SUPERVISOR,
)
from server.live import Live
from server.metrics import Metrics
from server.middlewares import errors_as_json
from server.notify.channel import Channel, ChannelName, DeliveryFailed, Letter
from server.notify.crash import CrashReporter
from server.notify.office import PostOffice
from server.settings import read_settings
from server.storage import incidents, notifications
from server.storage.crash_files import CrashFiles
from server.storage.database import Database, migrate, open_database
from server.storage.journal import open_journal
from server.storage.times import to_micros
from server.supervisor.supervisor import Supervisor
from server.web.routes import set_up_web
from server.wording.explain import explain_change
from shared.incident import SuspectCommit, Symptom
from shared.pipe import Incident
from tests.builders import at, frame
from tests.signed_in import OPERATOR, cookie, let_in

Client = TestClient[web.Request, web.Application]
Open = Callable[..., Awaitable[str]]

SIGNED_IN = cookie(3000)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty main database, to copy: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "pushlog.db"
    migrate(path)
    return path


@pytest.fixture
async def client(tmp_path: Path, migrated: Path, aiohttp_client: AiohttpClient) -> Client:
    """The operator's browser, and a server whose engine is not started."""
    shutil.copy(migrated, tmp_path)
    return await aiohttp_client(build(tmp_path), cookies=SIGNED_IN)


def build(
    folder: Path, channels: Sequence[Channel] = (), environ: Mapping[str, str] | None = None
) -> web.Application:
    """The pages and the API on the data in `folder`, without webhooks and without an engine."""
    app = web.Application(middlewares=[errors_as_json])
    app[SETTINGS] = read_settings(
        {"DATABASE_URL": f"sqlite:///{folder}/pushlog.db"} | dict(environ or {})
    )
    app[METRICS] = Metrics()
    app[LIVE] = Live()
    app[OFFICE] = PostOffice(channels, ())
    app[CRASHES] = CrashReporter(CrashFiles(app[SETTINGS].database_path))
    set_up_web(app)
    app.cleanup_ctx.append(_open)
    return app


async def _open(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    async with (
        open_database(settings.database_path) as app[DATABASE],
        open_journal(settings.journal_path) as app[JOURNAL],
    ):
        async with app[DATABASE].write() as tx:
            await let_in(tx)
        recorder = Recorder(app[DATABASE], live=app[LIVE], metrics=app[METRICS], min_severity="all")
        app[SUPERVISOR] = Supervisor(
            settings.incident_engine_command, app[JOURNAL], app[DATABASE], recorder.record
        )
        yield


class Box:
    """A channel into a list."""

    def __init__(self, name: ChannelName, trouble: str | None = None) -> None:
        self.name = name
        self.letters: list[Letter] = []
        self.trouble = trouble

    async def send(self, letters: Sequence[Letter]) -> None:
        if self.trouble:
            raise DeliveryFailed(self.trouble, permanent=False)
        self.letters += letters


Boxes = Callable[..., Awaitable[Client]]


@pytest.fixture
async def with_boxes(tmp_path: Path, migrated: Path, aiohttp_client: AiohttpClient) -> Boxes:
    """Starts a server with these channels."""

    async def start(*channels: Channel) -> Client:
        shutil.copy(migrated, tmp_path)
        return await aiohttp_client(build(tmp_path, channels), cookies=SIGNED_IN)

    return start


@pytest.fixture
def database(client: Client) -> Database:
    """The main database of the server."""
    return client.app[DATABASE]


@pytest.fixture
def open_incident(client: Client) -> Open:
    """Opens an incident, as the recorder does, and returns its id."""

    async def opens(number: int = 1, *, notify: bool = True, **changes: Any) -> str:
        opened = incident(number, **changes)
        await record(client.app[DATABASE], opened, notify=notify)
        if notify:
            client.app[LIVE].publish(OPERATOR)
        client.app[LIVE].publish_incidents()
        return opened.incident_id

    return opens


async def record(database: Database, opened: Incident, *, notify: bool = True) -> None:
    """Store `opened` with its change and, unless told otherwise, its notification."""
    async with database.write() as tx:
        await incidents.put(tx, opened)
        moment = to_micros(opened.last_seen)
        about = explain_change(opened)
        await incidents.add_change(
            tx, opened.incident_id, seq=opened.seq, change=opened.change, at=moment, about=about
        )
        if notify:
            await notifications.add(
                tx,
                person_id=OPERATOR,
                incident_id=opened.incident_id,
                seq=opened.seq,
                change=opened.change,
                title=opened.title,
                created_at=moment,
            )


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
