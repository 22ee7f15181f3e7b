"""What the API answers after three weeks of a small company, of which the server recorded all.

``python -m tests.server.web.answers`` writes `RECORD` anew, where it is meant to answer otherwise.
"""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from aiohttp.test_utils import TestClient, TestServer

from engine.fold import fold
from engine.memory.state import State
from server.incidents.record import Recorder
from server.keys import DATABASE
from server.notify.live import Live
from server.notify.outlets import Outlets
from server.process.metrics import Metrics
from server.storage.database import Database
from server.storage.journal.entry import JournalEntry
from shared.pipe import encode_lines
from tests import builders, records
from tests.engine.three_weeks import DAY, HOUR, entries
from tests.server.web.conftest import SIGNED_IN, Client, build
from tests.signed_in import wish

RECORD = Path(__file__).with_name("answers.txt")
_OUTLETS = Outlets(
    email=True,
    slack="bot",
    slack_receiver="#alerts",
    targets=(("webhook", "hooks.example#1"),),
)
_UNTIL = builders.START.timestamp() + 19.972 * DAY
"""When some incidents are still open."""

_SHORT = 60
"""Letters of a value that the record shows; of a longer one it has a digest."""

LISTS = (
    "/api/incidents",
    "/api/incidents?state=open",
    "/api/incidents?state=ended&severity=critical",
    "/api/incidents?service=shop&environment=production",
    "/api/incidents?trigger=spike",
    "/api/incidents?trigger=regression&severity=error",
    "/api/incidents?text=cart",
    "/api/incidents?text=sh%20pr",
    "/api/notifications",
    "/api/deploys",
    "/api/deploys?verdict=faulty",
    "/api/deploys?service=web&environment=production",
    "/api/deliveries",
    "/api/deliveries?channel=slack",
    "/api/deliveries?state=waiting&channel=email",
    "/api/not-told",
    "/api/troubles",
)
"""Of each, the record has two pages."""

WHOLE = (
    "/api/silences",
    "/api/noise-filters",
    "/api/authors",
    "/api/people",
    "/api/routes",
    "/api/settings/notifications",
)


async def told(client: Client) -> AsyncIterator[str]:
    """Return the lines of the record. `client` asks a server that has recorded nothing yet."""
    await _record(client.app[DATABASE])
    found: dict[str, list[Any]] = {}
    for path in LISTS:
        for number in (1, 2):
            address = path + ("&" if "?" in path else "?") + "limit=6"
            if number == 2:
                if (following := found[path][0].get("next")) is None:
                    continue
                address += f"&before={following}"
            answer = await _asked(client, address)
            found.setdefault(path, []).append(answer)
            for line in (f"GET {address}", *_items(answer)):
                yield line
    for path in (*WHOLE, *_details(found)):
        for line in (f"GET {path}", *_fields(await _asked(client, path))):
            yield line


async def _record(database: Database) -> None:
    """Let the server record what the engine says, six hours at once, and tell people."""
    async with database.write() as tx:
        await wish(tx, email="ada@acme.example", min_severity="error")
    at = [0.0]
    recorder = Recorder(
        database,
        live=Live(),
        metrics=Metrics(),
        min_severity="all",
        outlets=_OUTLETS,
        tell_authors_from=0.5,
        now=lambda: datetime.fromtimestamp(at[0], UTC),
    )
    state = State()
    said = [(entry, fold(state, entry), state.now) for entry in entries()]
    said = [one for one in said if one[2] < _UNTIL]
    for _, some in groupby(said, key=lambda one: one[2] // (6 * HOUR)):
        batch = list(some)
        at[0] = batch[-1][2]
        await recorder.record(
            [line for _, lines, _ in batch for line in lines],
            [
                JournalEntry(seq, int(now * 1e6), encode_lines([entry]))
                for entry, _, now in batch
                if (seq := getattr(entry, "seq", None)) is not None
            ],
        )


def _details(found: dict[str, list[Any]]) -> Iterator[str]:
    """The addresses of some of what was listed."""
    lists = ("/api/incidents", "/api/incidents?trigger=spike", "/api/incidents?text=cart")
    for incident in (each for path in lists for each in found[path][0]["incidents"][:4]):
        yield f"/api/incidents/{incident['incident_id']}"
        for symptom in incident["top_symptoms"][:1]:
            yield f"/api/issues/{symptom['fingerprint']}"
    for deploy in found["/api/deploys"][0]["deploys"]:
        yield f"/api/deploys/{deploy['id']}"
    for delivery in found["/api/deliveries"][0]["deliveries"]:
        yield f"/api/deliveries/{delivery['id']}"
    for seq in range(100, 4_000, 300):
        yield f"/api/decisions/{seq}"


async def _asked(client: Client, path: str) -> Any:
    response = await client.get(path)
    text = await response.text()
    assert response.status == 200, (path, text)
    return json.loads(text)


def _items(answer: Any) -> Iterator[str]:
    for name, value in answer.items():
        if isinstance(value, list):
            yield f"  {name}: {len(value)}"
            for each in value:
                shown = " ".join(_shown(each.get(key)) for key in _TELLING if key in each)
                yield f"    {shown} {_digest(each)}"
        else:
            yield f"  {name}: {_shown(value)}"


_TELLING = ("id", "incident_id", "deploy_id", "change", "channel", "trigger", "verdict", "state")
"""What of a thing in a list is shown; of the rest there is a digest."""


def _fields(answer: Any) -> Iterator[str]:
    for name, value in answer.items():
        yield f"  {name}: {_shown(value)}"


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHORT else f"{len(text)} letters {_digest(value)}"


def _digest(value: Any) -> str:
    return records.digest(json.dumps(value))


async def _write() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with TestClient(TestServer(build(Path(folder))), cookies=SIGNED_IN) as client:
            records.write(RECORD, [line async for line in told(client)])


if __name__ == "__main__":
    asyncio.run(_write())
