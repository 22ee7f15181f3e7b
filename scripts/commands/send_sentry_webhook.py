"""Send a signed webhook as Sentry does: a sample, or a file as it is.

This uses only the standard library, so that it runs where nothing is installed.
"""

import argparse
import hashlib
import hmac
import http.client
import json
import os
import random
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

SAMPLES = Path(__file__).resolve().parent.parent / "samples"
DEFAULT_URL = "http://localhost:3000"
VARIABLE = "SENTRY_WEBHOOK_SECRET"
WEBHOOK_PATH = "/api/webhooks/sentry"
NO_RESOURCE = "none"
TIMEOUT_S = 10

EXIT_REFUSED = 1
EXIT_UNREACHABLE = 2

_SYLLABLES = ("ba", "do", "fu", "ke", "li", "mo", "na", "pe", "ri", "so", "tu", "va", "wi", "zo")
_HINTS = {
    400: "The body contains no event that PushLog can read; the answer names the part.",
    401: f"The server requires a secret: give the same one with --secret or in {VARIABLE}.",
    404: f"Nothing was found there; the path of the webhook is {WEBHOOK_PATH}.",
    413: "The body is too large.",
    503: "The event could not be stored; the server's log says why.",
}


class Answer(NamedTuple):
    """What the server said, and after how long."""

    status: int
    reason: str
    body: str
    seconds: float


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or `EXIT_REFUSED` or `EXIT_UNREACHABLE`."""
    parser = _parser()
    options = parser.parse_args(arguments)
    url = options.url
    if options.file is not None and options.new_issue:
        parser.error("--new-issue changes samples; a file is sent as it is")
    try:
        bodies = _bodies(options)
        for number, body in enumerate(bodies, 1):
            resource = options.resource or _resource_of(body)
            answer = _post(url, body, _headers(body, resource, options.secret))
            counted = f"{number}/{options.repeat} " if options.repeat > 1 else ""
            print(f"{counted}{answer.status} {answer.reason} in {answer.seconds * 1000:.0f} ms")
            print(answer.body)
            if not 200 <= answer.status < 300:
                print(_HINTS.get(answer.status, "The server refused it."), file=sys.stderr)
                return EXIT_REFUSED
    except (OSError, http.client.HTTPException) as error:
        print(_why_not(error, options), file=sys.stderr)
        return EXIT_UNREACHABLE
    return 0


def _parser() -> argparse.ArgumentParser:
    names = sorted(path.stem for path in SAMPLES.glob("*.json"))
    parser = argparse.ArgumentParser(
        prog="scripts/send-sentry-webhook",
        description="Sends a webhook as Sentry does: a sample of an issue alert, with a new event "
        "id and the current time, or a file as it is. Prints the status and the answer.",
        epilog="Exit codes: 0 accepted, 1 refused, 2 the server cannot be reached or the file "
        "cannot be read.",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--sample", choices=names, default="python", help="the sample to send (default: python)"
    )
    what.add_argument("--file", help="a file to send as the body, unchanged; - is standard input")
    parser.add_argument(
        "--url",
        type=_url,
        default=DEFAULT_URL,
        help=f"the URL to send to (default: {DEFAULT_URL}); if it has no path, {WEBHOOK_PATH} is "
        "added",
    )
    parser.add_argument(
        "--secret",
        default=_first_secret(os.environ.get(VARIABLE, "")),
        help=f"the secret to sign with (default: the first in {VARIABLE}; without a secret, the "
        "webhook is not signed)",
    )
    parser.add_argument(
        "--resource",
        help="the header Sentry-Hook-Resource (default: detected from the body; none: a legacy "
        "webhook)",
    )
    parser.add_argument(
        "--repeat",
        type=_count,
        default=1,
        metavar="N",
        help="send N times: a sample as N events of one issue, a file as N deliveries of the same "
        "body",
    )
    parser.add_argument(
        "--new-issue",
        action="store_true",
        help="change the sample's exception, so that each event becomes an issue of its own",
    )
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, not {text!r}")
    return int(text)


def _url(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        if url.scheme in ("http", "https") and url.hostname and url.port != 0:
            return url if url.path.strip("/") else url._replace(path=WEBHOOK_PATH)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"must be an http or https URL, not {text!r}")


def _first_secret(text: str) -> str:
    return next((part.strip() for part in text.split(",") if part.strip()), "")


def _bodies(options: argparse.Namespace) -> Iterator[bytes]:
    if options.file is not None:
        body = sys.stdin.buffer.read() if options.file == "-" else Path(options.file).read_bytes()
        for _ in range(options.repeat):
            yield body
        return
    sample = (SAMPLES / f"{options.sample}.json").read_text("utf-8")
    for _ in range(options.repeat):
        yield _as_of_now(json.loads(sample), new_issue=options.new_issue)


def _as_of_now(payload: dict[str, Any], *, new_issue: bool) -> bytes:
    """Return the sample as an event that has not been sent before."""
    event = payload["data"]["event"]
    now = time.time()
    old_id, event["event_id"] = event["event_id"], uuid.uuid4().hex
    event["timestamp"], event["received"] = now, now
    event["datetime"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    for name in ("url", "web_url"):
        event[name] = event[name].replace(old_id, event["event_id"])
    if new_issue:
        _make_new_issue(event)
    return json.dumps(payload, separators=(",", ":")).encode()


def _make_new_issue(event: dict[str, Any]) -> None:
    """Rename the exception, because its type is one of the things that tell issues apart."""
    # Letters only, because numbers and ids in names do not count when issues are told apart.
    suffix = "".join(random.choice(_SYLLABLES) for _ in range(5)).capitalize()  # noqa: S311
    root = event["exception"]["values"][0]
    root["type"] += suffix
    event["title"] = f"{root['type']}: {root['value']}"
    event["metadata"]["type"] = root["type"]
    old_id, event["issue_id"] = event["issue_id"], str(random.randrange(10**9, 10**10))  # noqa: S311
    for name in ("issue_url", "web_url"):
        event[name] = event[name].replace(f"/{old_id}/", f"/{event['issue_id']}/")


def _resource_of(body: bytes) -> str:
    """Return the resource that a body looks like; a legacy webhook and a service hook have none."""
    try:
        payload = json.loads(body)
        data = payload.get("data") if isinstance(payload, dict) else None
    except ValueError:
        return NO_RESOURCE
    if not isinstance(data, dict):
        return NO_RESOURCE
    for part, resource in (("event", "event_alert"), ("comment_id", "comment")):
        if part in data:
            return resource
    parts = ("error", "issue", "metric_alert", "installation")
    return next((part for part in parts if part in data), NO_RESOURCE)


def _headers(body: bytes, resource: str, secret: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "User-Agent": "send-sentry-webhook"}
    if resource != NO_RESOURCE:
        headers["Request-ID"] = uuid.uuid4().hex
        headers["Sentry-Hook-Resource"] = resource
        headers["Sentry-Hook-Timestamp"] = str(int(time.time()))
        if secret:
            signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            headers["Sentry-Hook-Signature"] = signature
    return headers


def _post(url: SplitResult, body: bytes, headers: dict[str, str]) -> Answer:
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=TIMEOUT_S)
    path = url.path + (f"?{url.query}" if url.query else "")
    started = time.perf_counter()
    try:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace").strip()
        return Answer(response.status, response.reason, text, time.perf_counter() - started)
    finally:
        connection.close()


def _why_not(error: Exception, options: argparse.Namespace) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot read {error.filename}: {error.strerror}"
    reason = str(error) or type(error).__name__
    return f"cannot reach {options.url.geturl()}: {reason}. Is PushLog running there (scripts/run)?"


if __name__ == "__main__":
    sys.exit(main())
