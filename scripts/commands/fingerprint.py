"""Show by which rule events are one issue, and what the rule compares (docs/FINGERPRINTS.md).

An event is a file with the body of a webhook, as Sentry sends it or in PushLog's own form. Two
events with one key are one issue.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from engine.fingerprint import fingerprint, grouping
from server.ingest.delivery import InvalidPayload
from server.ingest.generic import parse_generic
from server.ingest.sentry import parse_sentry
from shared.event import canonical_environment
from shared.pipe import EventEntry

EXIT_NO_EVENT = 1

_OWN_FORM = frozenset({"source", "exception_type"})
"""What an event in our own form must have, and no webhook of Sentry has."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Return the exit code: 0, or `EXIT_NO_EVENT` if there is none in one of the bodies."""
    options = _parser().parse_args(arguments)
    try:
        for name, body in _bodies(options.files):
            if options.jsonl:
                _print_lines(body)
            else:
                print(f"{name}:")
                for event in _events(body, None):
                    _explain(event)
    except (InvalidPayload, OSError, ValueError) as error:
        faults = getattr(error, "faults", ())
        told = "; ".join([str(error), *(f"{each.path}: {each.message}" for each in faults)])
        print(f"scripts/fingerprint: {told}", file=sys.stderr)
        return EXIT_NO_EVENT
    return 0


def _bodies(files: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    for name in files or ["-"]:
        yield name, sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()


def _print_lines(lines: bytes) -> None:
    for line in lines.splitlines():
        read = json.loads(line)
        for event in _events(json.dumps(read["body"]).encode(), read.get("resource")):
            print(json.dumps({"id": read["id"], "key": _key(event)}))


def _events(body: bytes, resource: str | None) -> Iterable[EventEntry]:
    """Return the events in the body. Raises `InvalidPayload`, and `ValueError` if there is none."""
    now = datetime.now(UTC)
    if resource is None and _is_own_form(body):
        delivery = parse_generic(body, None, now)
    else:
        delivery = parse_sentry(body, resource, now)
    found = [entry for entry in delivery.entries if isinstance(entry, EventEntry)]
    if not found:
        raise ValueError(f"there is no event in it: {delivery.about}")
    return found


def _is_own_form(body: bytes) -> bool:
    try:
        read = json.loads(body)
    except ValueError:
        return False
    return isinstance(read, dict) and read.keys() >= _OWN_FORM


def _key(event: EventEntry) -> str:
    return fingerprint(event, event.service, canonical_environment(event.environment), 1)


def _explain(event: EventEntry) -> None:
    found = grouping(event, 1)
    print(f"  {_key(event)}  {found.rule}")
    environment = canonical_environment(event.environment)
    for part in (f"{event.service}/{environment}", *found.parts):
        print("    " + "\n    ".join(part.splitlines()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/fingerprint", description=__doc__)
    parser.add_argument("files", nargs="*", metavar="FILE", help="default: standard input")
    parser.add_argument(
        "--jsonl",
        action="store_true",
        help='read lines {"id", "resource", "body"} of webhooks of Sentry, and print lines '
        '{"id", "key"}',
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
