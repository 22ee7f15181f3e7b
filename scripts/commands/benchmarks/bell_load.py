"""Sends webhooks at a steady pace, as a process of its own; some of them open an incident.

``python -m scripts.commands.benchmarks.bell_load URL PER_SECOND SECONDS EVERY`` prints a line for
each that opens one when it begins to send it: its number, and the time of the monotonic clock.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count

import aiohttp

from shared.event import PRODUCTION

PATH = "/api/webhooks/incidents"
CONNECTIONS = 32
ISSUES = 1_000


def main(arguments: Sequence[str]) -> int:
    """Send as the arguments say."""
    url, per_second, seconds, every = arguments
    asyncio.run(_send(url, float(per_second), float(seconds), int(every)))
    return 0


async def _send(url: str, per_second: float, seconds: float, every: int) -> None:
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    began = time.monotonic()
    async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as group:
        for number in count():
            due = began + number / per_second
            if due > began + seconds:
                return
            if (wait_s := due - time.monotonic()) > 0:
                await asyncio.sleep(wait_s)
            group.create_task(_one(http, url, number, opens=number % every == 0))


async def _one(http: aiohttp.ClientSession, url: str, number: int, *, opens: bool) -> None:
    if opens:
        print(number, time.monotonic(), flush=True)
    async with http.post(url + PATH, json=_event(number, opens=opens)) as answer:
        if answer.status != HTTPStatus.ACCEPTED:
            raise RuntimeError(f"answered with {answer.status}: {await answer.text()}")
        await answer.read()


def _event(number: int, *, opens: bool) -> dict[str, object]:
    return {
        "source": "benchmark",
        # Errors of one service that come together are one incident.
        "service": f"service {number}" if opens else "shop",
        "environment": PRODUCTION if opens else "staging",
        "timestamp": datetime.now(UTC).isoformat(),
        "severity": "error",
        "exception_type": "BellError",
        "message": f"number {number}" if opens else "one of many",
        "fingerprint": "new" if opens else f"issue {number % ISSUES}",
        "stacktrace": [
            {"file": f"shop/part{depth}.py", "function": "load", "line": number % 7, "in_app": True}
            for depth in range(10)
        ],
        "tags": {f"tag {n}": "x" * 40 for n in range(20)},
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
