"""List, show, replay and discard the entries that crashed the engine, over PushLog's API.

This uses only the standard library, so that it runs where nothing is installed.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from scripts.api_client import DEFAULT_URL, Refused, ask, checked_url, short_time
from shared.text import harmless

PAGE = 50

EXIT_REFUSED = 1
EXIT_UNREACHABLE = 2


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or `EXIT_REFUSED` or `EXIT_UNREACHABLE`."""
    options = _parser().parse_args(arguments)
    url = f"{options.url.rstrip('/')}/api/dead-letters"
    try:
        match options.action:
            case "list":
                lines = list_letters(url, settled=options.all)
            case "show":
                lines = show(ask(f"{url}/{options.seq}"))
            case action:
                lines = settle(url, action, options.seqs)
        for line in lines:
            print(harmless(line))
    except Refused as error:
        print(f"scripts/dead-letters: {error}", file=sys.stderr)
        return EXIT_REFUSED
    except (OSError, ValueError) as error:
        print(f"scripts/dead-letters: no answer from {options.url}: {error}", file=sys.stderr)
        return EXIT_UNREACHABLE
    return 0


def list_letters(url: str, *, settled: bool) -> Iterator[str]:
    """Yield a line for each waiting dead letter, newest first; with `settled`, for all of them."""
    found = False
    before: int | None = None
    while True:
        page = ask(f"{url}?limit={PAGE}" + ("" if before is None else f"&before={before}"))
        for letter in page["dead_letters"]:
            if letter["state"] == "waiting" or settled:
                found = True
                yield (
                    f"{letter['seq']:>10}  {short_time(letter['received'])}  {_fate(letter)}: "
                    f"{letter['reason']}"
                )
        before = page["next"]
        if before is None:
            break
    if not found:
        yield "There are no dead letters." if settled else "No dead letters are waiting."


def show(letter: dict[str, Any]) -> Iterator[str]:
    """Yield all that is known about one, with the entry itself."""
    yield f"Entry {letter['seq']}, received {short_time(letter['received'])}: {_fate(letter)}"
    yield f"Set aside {short_time(letter['buried_at'])}: {letter['reason']}"
    yield ""
    yield from json.dumps(letter["entry"], indent=2, ensure_ascii=False).splitlines()


def settle(url: str, action: str, seqs: list[int]) -> Iterator[str]:
    """Replay or discard each of them; if one is refused, what was done before stays done."""
    for seq in seqs:
        answer = ask(f"{url}/{seq}/{action}", method="POST")
        if action == "replay":
            yield f"Replayed {seq} as entry {answer['replayed_as']}."
        else:
            yield f"Discarded {seq}."


def _fate(letter: dict[str, Any]) -> str:
    if letter["state"] == "replayed":
        return f"replayed as {letter['replayed_as']}"
    return str(letter["state"])


def _seq(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not the number of an entry")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/dead-letters",
        description="Lists and settles entries that crashed the engine. PushLog set them aside so "
        "that the other entries go on.",
        epilog="Exit codes: 0 done, 1 not found or not allowed, 2 PushLog cannot be reached.",
    )
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--url",
        type=checked_url,
        default=DEFAULT_URL,
        help="PushLog's address (default: %(default)s); the command signs in with the token in "
        "PUSHLOG_TOKEN",
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", parents=[where], help="list the waiting dead letters")
    listing.add_argument("--all", action="store_true", help="also list the settled ones")
    showing = actions.add_parser("show", parents=[where], help="show one, with the entry itself")
    showing.add_argument("seq", type=_seq, metavar="SEQ")
    for action, words in (
        ("replay", "give them to the engine again, as new entries"),
        ("discard", "give them up for good"),
    ):
        settling = actions.add_parser(action, parents=[where], help=words)
        settling.add_argument("seqs", type=_seq, nargs="+", metavar="SEQ")
    return parser


if __name__ == "__main__":
    sys.exit(main())
