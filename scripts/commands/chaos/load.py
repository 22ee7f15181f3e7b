"""Send many webhooks, each again until it is answered 202."""

import asyncio
import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import msgspec

_RETRY_S = 0.02
_TIMEOUT_S = 5.0

_SERVICES = tuple(f"service-{n}" for n in range(8))
_KINDS = tuple(f"Failure{n}" for n in range(12))
_CALM = ("warning", "error")
"""What is critical waits for nothing, so the services with routes that let wait have no more."""
_RARE = 0.03
"""The share of events of a kind of their own: new issues, all along."""
_NAMED = 0.5
"""The share of events that name a user."""
_USERS = 5_000


class Accepted(msgspec.Struct):
    """What the server has answered."""

    keys: set[str] = msgspec.field(default_factory=set)
    """The Idempotency-Keys that were answered 202; each is also in its event's tags."""
    duplicates: int = 0
    unavailable: int = 0
    broken: int = 0


async def send_load(urls: Sequence[str], events: int, clients: int, rng: random.Random) -> Accepted:
    """Send this many events from this many clients at once; return when all are answered.

    The servers take turns. A webhook that was not accepted goes to the next one.
    """
    accepted, turns = Accepted(), itertools.cycle(urls)
    bodies = [(f"{n}-{rng.getrandbits(64):016x}", _event(rng)) for n in range(events)]
    timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        asyncio.TaskGroup() as group,
    ):
        for client in range(clients):
            group.create_task(_send_all(session, turns, bodies[client::clients], accepted))
    return accepted


async def _send_all(
    session: aiohttp.ClientSession,
    turns: Iterator[str],
    bodies: list[tuple[str, dict[str, Any]]],
    accepted: Accepted,
) -> None:
    for key, body in bodies:
        body["tags"] = {"key": key}
        while not await _send(session, next(turns), key, body, accepted):  # noqa: ASYNC110
            await asyncio.sleep(_RETRY_S)


async def _send(
    session: aiohttp.ClientSession, url: str, key: str, body: dict[str, Any], accepted: Accepted
) -> bool:
    try:
        async with session.post(
            f"{url}/api/webhooks/incidents", json=body, headers={"Idempotency-Key": key}
        ) as response:
            if response.status == 503:
                accepted.unavailable += 1
                return False
            response.raise_for_status()
            answer = await response.json()
    except (aiohttp.ClientConnectionError, TimeoutError):
        # It may have been accepted and the answer lost: only sending it again can tell.
        accepted.broken += 1
        return False
    if response.status != 202:
        raise RuntimeError(f"answered {response.status}")
    accepted.duplicates += answer["duplicate"]
    accepted.keys.add(key)
    return True


def _event(rng: random.Random) -> dict[str, Any]:
    service = rng.choice(_SERVICES)
    kind = rng.choices(_KINDS, weights=range(len(_KINDS), 0, -1))[0]
    if rng.random() < _RARE:
        kind = f"Rare{rng.getrandbits(24):06x}"
    now = datetime.now(UTC)
    # Some come late, and some from a clock that is wrong.
    late_s = rng.choices((0, rng.uniform(1, 7_200), -90), weights=(90, 8, 2))[0]
    body: dict[str, Any] = {
        "source": "chaos",
        "service": service,
        "environment": rng.choices(("production", "staging"), weights=(9, 1))[0],
        "timestamp": (now - timedelta(seconds=late_s)).isoformat(),
        "severity": rng.choice(_CALM if service in _SERVICES[:4] else (*_CALM, "critical")),
        "exception_type": kind,
        "message": f"{kind} after {rng.randrange(10_000)} ms",
        "stacktrace": [
            {"file": f"{service}/{kind.lower()}.py", "function": "run", "line": 12, "in_app": True},
            {"file": f"{service}/main.py", "function": "main", "line": 3, "in_app": True},
        ],
    }
    if rng.random() < _NAMED:
        body["user_id"] = f"user-{rng.randrange(_USERS)}"
    if rng.random() < 0.01:
        body["change_window"] = {
            "deploy_time": (now - timedelta(seconds=rng.uniform(0, 600))).isoformat(),
            "commits": [
                {
                    "id": f"{rng.getrandbits(160):040x}",
                    "timestamp": (now - timedelta(minutes=30)).isoformat(),
                    "files": [f"{service}/{rng.choice(_KINDS).lower()}.py"],
                    "message": "Change it",
                }
                for _ in range(rng.randrange(1, 4))
            ],
        }
    return body
