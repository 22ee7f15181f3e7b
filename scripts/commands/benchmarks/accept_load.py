"""The webhooks of the accept benchmark, and wrk, which sends them from a process of its own."""

import asyncio
import copy
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from scripts.installation import ROOT

SECRET = "the secret of a benchmark"  # noqa: S105 - signs what a benchmark sends to itself
SCRIPT = Path(__file__).with_name("accept_load.lua")

_SAMPLE = ROOT / "scripts" / "samples" / "python.json"
_MOST_FRAMES = 40
_NUMBERS_A_RUN = 10_000_000
"""Far more than one run sends, so that no two runs send the same event."""


class Answers(msgspec.Struct, frozen=True):
    """What wrk says of a run. `errors`: connections, reads, time-outs, and answers but 2xx."""

    answers: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    errors: int

    @property
    def rate(self) -> float:
        """Return the answers per second."""
        return self.answers / self.seconds


class Load:
    """Sends one kind of body; every event is a different one, of a thousand issues in turn."""

    def __init__(self, folder: Path, size_bytes: int) -> None:
        wrk = shutil.which("wrk")
        if wrk is None:
            raise FileNotFoundError("wrk is not installed (apt-get install wrk)")
        self._wrk = wrk
        self._template = folder / f"template-{size_bytes}.json"
        self._template.write_text(template(size_bytes))
        self._runs = 0

    async def put_on(
        self, url: str, connections: int, seconds: int, wait_ms: float = 0.0
    ) -> Answers:
        """Keep this many connections busy for this long. Raises `RuntimeError` if wrk fails.

        Each waits for `wait_ms` before the next webhook.
        """
        self._runs += 1
        first = str(self._runs * _NUMBERS_A_RUN)
        process = await asyncio.create_subprocess_exec(
            self._wrk,
            *("-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(SCRIPT), url),
            *("--", str(self._template), SECRET, first, str(wait_ms)),
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"wrk ended with {process.returncode}: {out.decode()}")
        return msgspec.json.decode(out.splitlines()[-1], type=Answers)


def template(size_bytes: int) -> str:
    """Return an event alert of about `size_bytes`, with `@NAMES@` where events differ.

    A body grows as Sentry's do: by the frames of a deep stack, then by breadcrumbs.
    """
    body: dict[str, Any] = json.loads(_SAMPLE.read_text())
    event = body["data"]["event"]
    event.update(event_id="@EVENT@", issue_id="61@ISSUE@", datetime=datetime.now(UTC).isoformat())
    event["tags"].append(["order", "@NUMBER@"])
    newest = event["exception"]["values"][0]
    newest["value"] = "payments.example.com did not answer for order @NUMBER@"
    frames = newest["stacktrace"]["frames"]
    frames[-1].update(filename="checkout/gateway@ISSUE@.py", lineno="@LINE@")
    crumbs = event["breadcrumbs"]["values"]
    crumb = copy.deepcopy(crumbs[0])
    while len(text := json.dumps(body)) < size_bytes:
        if len(frames) < min(_MOST_FRAMES, size_bytes // 1_500):
            frames.insert(0, {**copy.deepcopy(frames[0]), "lineno": len(frames)})
        else:
            crumbs.append(crumb)
    return text.replace('"@LINE@"', "@LINE@")
