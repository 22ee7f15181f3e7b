"""What is sent in a soak: old issues, new issues that are resolved, and deploys."""

import json
import random
import uuid
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import Any

from scripts.commands.benchmarks.steady_load import Webhook
from scripts.installation import ROOT

_OLD_ISSUES = 200
_EVENTS_OF_AN_ISSUE = 30
_NEW_EVERY = 60
"""A new issue comes with each 60th webhook: every three seconds at 20 a second."""
_DEPLOY_EVERY = 1_200
_SERVICES = 8


class Load:
    """Makes one webhook after the other."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)  # noqa: S311 - chance that can be had again
        self._sample = (ROOT / "scripts" / "samples" / "python.json").read_text()
        self._made = 0
        self._due: deque[Webhook] = deque()
        """The rest of the lives of new issues."""

    def make(self) -> Webhook:
        """Return the next webhook."""
        self._made += 1
        if self._made % _DEPLOY_EVERY == 0:
            return self._deploy()
        if self._made % _NEW_EVERY == 0:
            self._begin_an_issue(str(10**9 + self._made))
        if self._due and self._made % 2:
            return self._due.popleft()
        return self._old()

    def _begin_an_issue(self, issue_id: str) -> None:
        kind = f"Error{''.join(self._rng.choices('abcdefghijklmnop', k=8))}"
        for _ in range(_EVENTS_OF_AN_ISSUE - 1):
            self._due.append(self._sentry("event_alert", self._event(issue_id, kind)))
        resolved = {
            "id": issue_id,
            "status": "resolved",
            "title": kind,
            "project": {"slug": "shop"},
        }
        self._due.append(self._sentry("issue", {"action": "resolved", "data": {"issue": resolved}}))

    def _event(self, issue_id: str, kind: str) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self._sample)
        event = body["data"]["event"]
        event.update(issue_id=issue_id, event_id=uuid.uuid4().hex)
        event["datetime"] = datetime.now(UTC).isoformat()
        event["exception"]["values"][0]["type"] = kind
        return body

    def _sentry(self, resource: str, body: object) -> Webhook:
        headers = {"Sentry-Hook-Resource": resource, "Request-ID": uuid.uuid4().hex}
        return Webhook("/api/webhooks/sentry", body, headers)

    def _old(self) -> Webhook:
        number = self._rng.randrange(_OLD_ISSUES)
        return self._own(number % _SERVICES, f"Failure{number}", {})

    def _deploy(self) -> Webhook:
        now = datetime.now(UTC)
        commit = {
            "id": f"{self._rng.getrandbits(160):040x}",
            "timestamp": (now - timedelta(minutes=30)).isoformat(),
            "files": ["shop/orders.py"],
            "message": "Change it",
        }
        window = {"deploy_time": now.isoformat(), "commits": [commit]}
        return self._own(self._rng.randrange(_SERVICES), "AfterDeploy", {"change_window": window})

    def _own(self, service: int, kind: str, more: dict[str, object]) -> Webhook:
        frame = {"file": f"shop/{kind.lower()}.py", "function": "run", "line": 12, "in_app": True}
        body = {
            "source": "soak",
            "service": f"service-{service}",
            "environment": "production",
            "timestamp": datetime.now(UTC).isoformat(),
            "severity": "error",
            "exception_type": kind,
            "message": f"{kind} after {self._rng.randrange(10_000)} ms",
            "stacktrace": [frame],
            **more,
        }
        return Webhook("/api/webhooks/incidents", body)
