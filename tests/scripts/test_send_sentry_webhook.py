"""`scripts/send-sentry-webhook` sends what Sentry would, and says what became of it."""

import asyncio
import hashlib
import hmac
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.server.ingest.sentry_payloads import SAMPLES, event_of, shape

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "send-sentry-webhook"
SECRET = "s3cret"


class Sent(NamedTuple):
    """A request that the receiver got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return dict(json.loads(self.body)["data"]["event"])


class Receiver:
    """A server that takes webhooks and answers as it is told."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.status = HTTPStatus.ACCEPTED
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.sent.append(Sent(request.path, dict(request.headers), await request.read()))
        return web.json_response({"answer": len(self.sent)}, status=self.status)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("")).rstrip("/")
        yield receiver


async def run(*arguments: str, secret: str = "", given: bytes = b"") -> tuple[int, str, str]:
    """Exit code, output and errors of the script, by this Python and without its packages."""
    environment = {"PATH": os.environ["PATH"], "PYTHON": sys.executable, "PYTHONNOUSERSITE": "1"}
    if secret:
        environment["SENTRY_WEBHOOK_SECRET"] = secret
    process = await asyncio.create_subprocess_exec(
        str(SCRIPT),
        *arguments,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate(given)
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


async def test_a_sample_goes_out_as_sentry_sends_it(receiver: Receiver) -> None:
    code, output, _ = await run("--url", receiver.url, secret=f"{SECRET},older")
    assert code == 0
    assert "202 Accepted" in output
    assert '{"answer": 1}' in output
    (sent,) = receiver.sent
    assert sent.path == "/api/webhooks/sentry"
    assert sent.headers["Sentry-Hook-Resource"] == "event_alert"
    assert len(sent.headers["Request-ID"]) == 32
    digest = hmac.new(SECRET.encode(), sent.body, hashlib.sha256).hexdigest()
    assert sent.headers["Sentry-Hook-Signature"] == digest
    event = event_of(sent.body, "event_alert", datetime.now(UTC))
    assert event.exception_type == "GatewayTimeout"
    assert event.notes == []
    assert event.event_id is not None
    assert event.event_id in event.links["source_url"]


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.json")))
async def test_each_sample_can_be_sent(receiver: Receiver, name: str) -> None:
    code, _, _ = await run("--url", receiver.url, "--sample", name)
    assert code == 0
    sample = json.loads((SAMPLES / f"{name}.json").read_bytes())["data"]["event"]
    assert receiver.sent[0].event["exception"] == sample["exception"]
    assert "Sentry-Hook-Signature" not in receiver.sent[0].headers


async def test_repeats_are_events_of_one_issue(receiver: Receiver) -> None:
    code, output, _ = await run("--url", receiver.url, "--repeat", "3")
    assert code == 0
    assert "3/3 202" in output
    events = [sent.event for sent in receiver.sent]
    assert len({event["event_id"] for event in events}) == 3
    assert len({event["issue_id"] for event in events}) == 1
    assert len({event["exception"]["values"][0]["type"] for event in events}) == 1


async def test_new_issues_differ_in_what_was_raised(receiver: Receiver) -> None:
    code, _, _ = await run("--url", receiver.url, "--repeat", "3", "--new-issue")
    assert code == 0
    events = [sent.event for sent in receiver.sent]
    assert len({event["issue_id"] for event in events}) == 3
    types = {event["exception"]["values"][0]["type"] for event in events}
    assert len(types) == 3
    assert all(name.startswith("GatewayTimeout") and name.isalpha() for name in types)


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        ("error-created", "error"),
        ("issue-created", "issue"),
        ("metric-alert-critical", "metric_alert"),
        ("comment-created", "comment"),
        ("installation-created", "installation"),
        ("warning-message", "event_alert"),
        ("legacy-webhook", None),
    ],
)
async def test_a_file_goes_out_byte_for_byte_with_its_resource(
    receiver: Receiver, tmp_path: Path, name: str, resource: str | None
) -> None:
    file = tmp_path / "body.json"
    file.write_bytes(shape(name))
    code, _, _ = await run("--url", receiver.url, "--file", str(file), "--secret", SECRET)
    assert code == 0
    (sent,) = receiver.sent
    assert sent.body == shape(name)
    assert sent.headers.get("Sentry-Hook-Resource") == resource
    # Sentry signs no legacy webhook.
    assert ("Sentry-Hook-Signature" in sent.headers) == (resource is not None)


async def test_a_body_can_come_from_the_standard_input(receiver: Receiver) -> None:
    arguments = ("--url", f"{receiver.url}/other?a=b", "--file", "-", "--resource", "issue")
    code, _, _ = await run(*arguments, given=b"no json")
    assert code == 0
    (sent,) = receiver.sent
    assert (sent.path, sent.body) == ("/other", b"no json")
    assert sent.headers["Sentry-Hook-Resource"] == "issue"


@pytest.mark.parametrize(
    ("status", "hint"),
    [
        (400, "no event that PushLog can read"),
        (401, "SENTRY_WEBHOOK_SECRET"),
        (404, "/api/webhooks/sentry"),
        (418, "refused"),
        (503, "could not be stored"),
    ],
)
async def test_a_refusal_is_shown_and_is_an_error(
    receiver: Receiver, status: int, hint: str
) -> None:
    receiver.status = HTTPStatus(status)
    code, output, errors = await run("--url", receiver.url, "--repeat", "2")
    assert code == 1
    assert str(status) in output
    assert hint in errors
    assert len(receiver.sent) == 1


async def test_a_server_that_is_not_there_is_named(unused_tcp_port: int) -> None:
    url = f"http://127.0.0.1:{unused_tcp_port}"
    code, _, errors = await run("--url", url)
    assert code == 2
    assert f"cannot reach {url}/api/webhooks/sentry" in errors
    assert "scripts/run" in errors


async def test_wrong_arguments_are_refused_with_the_rule() -> None:
    for arguments, rule in (
        (("--url", "ftp://x"), "must be an http or https URL"),
        (("--url", "http://x:port"), "must be an http or https URL"),
        (("--repeat", "0"), "must be a whole number above 0"),
        (("--file", "x", "--new-issue"), "a file is sent as it is"),
        (("--sample", "cobol"), "invalid choice"),
        (("--file", "/no/such/file"), "cannot read /no/such/file"),
    ):
        code, _, errors = await run(*arguments)
        assert code == 2
        assert rule in errors
