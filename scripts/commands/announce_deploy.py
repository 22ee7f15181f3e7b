"""Tell PushLog that this checkout's commit is deployed, with the commits since the last deploy.

This uses only git and the standard library, from Python 3.8 on, so that it runs in any CI.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import PurePath
from typing import Any

from scripts.commits.git import (
    GitCommit,
    GitFailed,
    count_commits,
    full_hash,
    git,
    newest_commits,
)

DEFAULT_URL = "http://localhost:3000"
URL_VARIABLE = "PUSHLOG_URL"
SECRET_VARIABLE = "INCIDENT_WEBHOOK_SECRET"  # noqa: S105 - the name of one
WEBHOOK_PATH = "/api/webhooks/incidents"

FIRST_COMMITS = 20
"""Commits in the first announcement of a service, if nobody says since when."""

MAX_COMMITS = 500
MAX_ITEMS = 500
MAX_MESSAGE = 2000
MAX_PATH = 1024
MAX_ADDRESS = 320
MAX_BODY_BYTES = 4_500_000
"""PushLog reads 5 MiB."""

TRIES = 3
PAUSE_S = 2.0
MAX_PAUSE_S = 30.0
TIMEOUT_S = 20

EXIT_REFUSED = 1
EXIT_NO_DEPLOY = 2

_HINTS = {
    400: "The server did not understand the announcement; it may be older than this script.",
    401: f"The server requires a secret: give the same one with --secret or in {SECRET_VARIABLE}.",
    404: f"Nothing was found there: --url must be PushLog's address, without {WEBHOOK_PATH}.",
}


class Refused(Exception):
    """PushLog did not accept it, or cannot be reached."""


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, `EXIT_REFUSED` or, if git has no answer, `EXIT_NO_DEPLOY`."""
    options = _parser().parse_args(arguments)
    try:
        head = full_hash("HEAD")
        if head is None:
            # This fails with git's own reason: no checkout, no commit yet, another owner.
            git("rev-parse", "--verify", "HEAD")
        service = options.service or PurePath(git("rev-parse", "--show-toplevel")).name
        ref = f"refs/pushlog/{_ref_part(service)}/{_ref_part(options.environment)}"
        base = _base(options.since, ref)
        body = _announcement(service, options, str(head), base)
        if options.dry_run:
            print(json.dumps(body, indent=2, ensure_ascii=False))
            return 0
        _send(options.url, options.secret, body)
    except GitFailed as error:
        print(f"announce-deploy: {error}", file=sys.stderr)
        return EXIT_NO_DEPLOY
    except Refused as error:
        print(f"announce-deploy: {error}", file=sys.stderr)
        return EXIT_REFUSED
    print(_said(body))
    try:
        git("update-ref", "-m", "announced to PushLog", ref, str(head))
    except GitFailed as error:
        print(
            f"announce-deploy: {ref} could not be written ({error}), so the next announcement "
            "starts from the same commit again",
            file=sys.stderr,
        )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="announce-deploy",
        description="Tells PushLog that this checkout's commit is deployed. It sends the commits "
        "since the last announcement, their files and the functions that they touch. Run it in "
        "the checkout, right after the deploy.",
    )
    parser.add_argument(
        "--service", help="the service that is deployed (default: the name of the checkout)"
    )
    parser.add_argument(
        "--environment",
        default="production",
        help="the environment that it is deployed to (default: %(default)s)",
    )
    parser.add_argument(
        "--url",
        default=os.environ.get(URL_VARIABLE) or DEFAULT_URL,
        help=f"PushLog's address (default: {URL_VARIABLE}, or {DEFAULT_URL})",
    )
    parser.add_argument(
        "--secret",
        default=os.environ.get(SECRET_VARIABLE),
        help=f"PushLog's {SECRET_VARIABLE} (default: the environment variable of that name, which, "
        "unlike this option, does not show in lists of processes)",
    )
    parser.add_argument("--release", help="the name of the release, as in Sentry")
    parser.add_argument(
        "--since",
        metavar="COMMIT",
        help="the commit that ran before (default: the last one announced from this checkout; the "
        f"first time, the newest {FIRST_COMMITS} commits are sent)",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="show what would be sent, without sending it"
    )
    return parser


def _base(since: str | None, ref: str) -> str | None:
    """Return the commit that ran before, as far as it is known. Raises `GitFailed`."""
    # CI gives all zeros as the commit before the first push of a branch.
    if since and since.strip("0"):
        base = full_hash(since)
        if base is None:
            raise GitFailed(
                f"{since} is not in this checkout. In CI, fetch more of the history "
                "(with actions/checkout: fetch-depth: 0)"
            )
        return base
    return full_hash(ref)


def _announcement(
    service: str, options: argparse.Namespace, head: str, base: str | None
) -> dict[str, Any]:
    """Return the body of the webhook."""
    if base is None:
        commits = newest_commits("HEAD", FIRST_COMMITS)
        count = len(commits)
    else:
        commits = newest_commits(f"{base}..HEAD", MAX_COMMITS)
        count = count_commits(f"{base}..HEAD")
    told = fitting([_told(commit) for commit in commits], MAX_BODY_BYTES)
    kept = {commit["id"]: commit["files"] for commit in told}
    cut_files = sum(len(each.files) - len(kept[each.id]) for each in commits if each.id in kept)
    window: dict[str, Any] = {
        "deploy_time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "deploy_id": head,
        "commits": told,
        "cut": count - len(told) + cut_files,
    }
    if options.release:
        window["release"] = options.release
    return {"service": service, "environment": options.environment, "change_window": window}


def fitting(told: list[dict[str, Any]], max_bytes: int) -> list[dict[str, Any]]:
    """Return the newest commits that together are no more than `max_bytes` as JSON."""
    sizes = [len(json.dumps(commit)) + len(", ") for commit in told]
    while told and sum(sizes) + len("[]") > max_bytes:
        told, sizes = told[1:], sizes[1:]
    return told


def _told(commit: GitCommit) -> dict[str, Any]:
    """Return a commit within the limits of an event."""
    told: dict[str, Any] = {
        "id": commit.id,
        "timestamp": commit.timestamp,
        "author": commit.author[:512],
        "message": commit.message[:MAX_MESSAGE],
        "files": [file for file in commit.files if len(file) <= MAX_PATH][:MAX_ITEMS],
        "functions": commit.functions[:MAX_ITEMS],
    }
    if 0 < len(commit.email) <= MAX_ADDRESS:
        told["author_email"] = commit.email
    if commit.added is not None and commit.deleted is not None:
        told.update(added=commit.added, deleted=commit.deleted)
    return told


def _send(url: str, secret: str | None, body: dict[str, Any]) -> None:
    """Post it until PushLog has it, `TRIES` times at most. Raises `Refused`."""
    target = url.rstrip("/")
    if not target.startswith(("http://", "https://")):
        raise Refused(f"{url!r} is not an address: it must begin with http:// or https://")
    if not target.endswith(WEBHOOK_PATH):
        target += WEBHOOK_PATH
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
        target, json.dumps(body).encode(), method="POST"
    )
    request.add_header("Content-Type", "application/json")
    request.add_header("User-Agent", "pushlog-announce-deploy")
    # If only the answer to the first try was lost, a second try must not count as a second deploy.
    request.add_header("Idempotency-Key", str(uuid.uuid4()))
    if secret:
        request.add_header("X-Incident-Webhook-Secret", secret)
    for left in range(TRIES - 1, -1, -1):
        pause_s = PAUSE_S
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
                if response.status == 202:
                    return
                raise Refused(f"{target} answered {response.status}, so it is not PushLog")
        except urllib.error.HTTPError as error:
            problem = f"{target} answered {error.code}: {_reason(error)}"
            if error.code not in (429, 502, 503, 504):
                raise Refused(" ".join((problem, _HINTS.get(error.code, ""))).strip()) from None
            asked_s = error.headers.get("Retry-After", "")
            pause_s = min(float(asked_s), MAX_PAUSE_S) if asked_s.isdecimal() else PAUSE_S
        except OSError as error:
            problem = f"{target} cannot be reached: {error}"
        if not left:
            raise Refused(problem)
        time.sleep(pause_s)


def _reason(error: urllib.error.HTTPError) -> str:
    text = error.read(10_000).decode("utf-8", "replace")
    try:
        answer = json.loads(text)
        details = [f"{each['path']}: {each['message']}" for each in answer.get("details", ())]
        return "; ".join([str(answer["error"]), *details])
    except (ValueError, TypeError, KeyError, AttributeError):
        return text[:200].strip() or str(error.reason)


def _said(body: dict[str, Any]) -> str:
    window = body["change_window"]
    commits = window["commits"]
    files = {file for commit in commits for file in commit["files"]}
    functions = {name for commit in commits for name in commit["functions"]}
    counted = ", ".join(
        f"{count} {noun}{'' if count == 1 else 's'}"
        for count, noun in (
            (len(commits), "commit"),
            (len(files), "file"),
            (len(functions), "function"),
        )
    )
    deployed = f"{window['deploy_id'][:12]} of {body['service']} to {body['environment']}"
    return f"Announced {deployed}: {counted}"


def _ref_part(name: str) -> str:
    """Return any name as a part of a ref's name, with other characters as hexadecimal bytes."""
    return re.sub(
        r"[^A-Za-z0-9_-]",
        lambda found: "".join(f"%{byte:02X}" for byte in found.group().encode()),
        name,
    )


if __name__ == "__main__":
    sys.exit(main())
