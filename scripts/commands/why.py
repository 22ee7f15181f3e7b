"""Explain PushLog's decision on an event or an incident, from its API.

This uses only the standard library, so that it runs where nothing is installed.
"""

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

from scripts.api_client import DEFAULT_URL, Refused, ask, checked_url, short_time
from shared.text import first_line, harmless

WIDTH = 92

EXIT_REFUSED = 1
EXIT_UNREACHABLE = 2

_INCIDENT = re.compile(r"inc-[0-9a-f]{16}")


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or `EXIT_REFUSED` or `EXIT_UNREACHABLE`."""
    options = _parser().parse_args(arguments)
    url = options.url.rstrip("/")
    try:
        if options.what.isdecimal():
            lines = explain_event(ask(f"{url}/api/decisions/{options.what}"))
        else:
            lines = explain_incident(ask(f"{url}/api/incidents/{options.what}"))
        for line in lines:
            print(harmless(line))
    except Refused as error:
        print(f"scripts/why: {error}", file=sys.stderr)
        return EXIT_REFUSED
    except (OSError, ValueError) as error:
        print(f"scripts/why: no answer from {url}: {error}", file=sys.stderr)
        return EXIT_UNREACHABLE
    return 0


def explain_event(decision: dict[str, Any]) -> Iterator[str]:
    """Yield what became of one event, line by line."""
    yield f"Event {decision['seq']}: {decision['code']}"
    yield from _paragraph(decision["reason"])
    if decision["numbers"]:
        yield ""
        yield from _numbers(decision["numbers"])
    if decision["incident_id"]:
        yield ""
        yield f"  More: scripts/why {decision['incident_id']}"


def explain_incident(incident: dict[str, Any]) -> Iterator[str]:
    """Yield what is known about one incident, line by line."""
    yield incident["title"]
    yield (
        f"  {incident['incident_id']}: {incident['severity']} in {incident['service']}/"
        f"{incident['environment']}, {incident['state']}, {_count(incident)}since "
        f"{short_time(incident['start_time'])}"
    )
    yield from _section("Why", _paragraph(incident["explanation"]))
    yield from _section("The numbers", _numbers(incident["trigger_numbers"]))
    yield from _section("What to do first", _list(incident["recommended_first_actions"]))
    yield from _section("Suspect commits", _suspects(incident["suspected_causes"]))
    yield from _section("What happened", _changes(incident["changes"]))
    yield from _section("Not told", _not_told(incident["not_told"]))
    yield ""
    yield f"  {incident['url']}"


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield ""
        yield title
        yield from found


def _count(incident: dict[str, Any]) -> str:
    if incident["trigger"] == "deploy":
        return ""
    word = "alert" if incident["alert_rule"] else "event"
    return f"{incident['event_count']} {word}{'' if incident['event_count'] == 1 else 's'} "


def _suspects(suspects: list[dict[str, Any]]) -> Iterator[str]:
    for suspect in suspects:
        message = first_line(suspect["message"])
        author = f" by {suspect['author']}" if suspect["author"] else ""
        yield f"  {suspect['confidence']:4.0%}  {suspect['commit_id'][:12]}{author}: {message}"
        for evidence in suspect["evidence"]:
            yield from _paragraph(evidence, "        - ", "          ")


def _changes(changes: list[dict[str, Any]]) -> Iterator[str]:
    for change in changes:
        head = f"  {short_time(change['at'])}  {change['change']}: "
        yield from _paragraph(change["about"], head, "      ")


def _not_told(kept: list[dict[str, Any]]) -> Iterator[str]:
    for each in kept:
        yield from _paragraph(each["words"], f"  {short_time(each['at'])}  ", "      ")


def _numbers(numbers: dict[str, Any]) -> Iterator[str]:
    width = max(map(len, numbers), default=0)
    for name, number in numbers.items():
        yield f"  {name:<{width}}  {number}"


def _list(lines: list[str]) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        yield from _paragraph(line, f"  {number}. ", "     ")


def _paragraph(text: str, first: str = "  ", rest: str = "  ") -> Iterator[str]:
    yield from textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest)


def _what(text: str) -> str:
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        return text
    if _INCIDENT.fullmatch(text):
        return text
    raise argparse.ArgumentTypeError(
        f"{text!r} is neither an event's number (the `seq` in the answer to its webhook) nor an "
        "incident's id (inc-…)"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/why",
        description="Explains PushLog's decision on an event or an incident.",
        epilog="Exit codes: 0 explained, 1 not found or not allowed, 2 PushLog cannot be reached.",
    )
    parser.add_argument(
        "what",
        type=_what,
        metavar="EVENT|INCIDENT",
        help="an event's number (the `seq` in the answer to its webhook) or an incident's id",
    )
    parser.add_argument(
        "--url",
        type=checked_url,
        default=DEFAULT_URL,
        help="PushLog's address (default: %(default)s); the command signs in with the token in "
        "PUSHLOG_TOKEN",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
