"""Lists, shows, replays and discards the entries that the engine died of, over PushLog's API.

Only the standard library is used, so that it runs where nothing is installed.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

DEFAULT_URL = "http://localhost:3000"
TIMEOUT_S = 10
PAGE = 50

EXIT_REFUSED = 1
EXIT_UNREACHABLE = 2


class Refused(Exception):
    """The server answered with an error: its words."""


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0, or `EXIT_REFUSED` or `EXIT_UNREACHABLE`."""
    options = _parser().parse_args(arguments)
    url = f"{options.url.rstrip('/')}/api/dead-letters"
    try:
        match options.action:
            case "list":
                lines = list_letters(url, settled=options.all)
            case "show":
                lines = show(_ask(f"{url}/{options.seq}"))
            case action:
                lines = settle(url, action, options.seqs)
        for line in lines:
            print(_harmless(line))
    except Refused as error:
        print(f"scripts/dead-letters: {error}", file=sys.stderr)
        return EXIT_REFUSED
    except (OSError, ValueError) as error:
        print(f"scripts/dead-letters: no answer from {options.url}: {error}", file=sys.stderr)
        return EXIT_UNREACHABLE
    return 0


def list_letters(url: str, *, settled: bool) -> Iterator[str]:
    """A line for each dead letter that waits, the newest first; with `settled` for all of them."""
    found = False
    before: int | None = None
    while True:
        page = _ask(f"{url}?limit={PAGE}" + ("" if before is None else f"&before={before}"))
        for letter in page["dead_letters"]:
            if letter["state"] == "waiting" or settled:
                found = True
                yield (
                    f"{letter['seq']:>10}  {_time(letter['received'])}  {_fate(letter)}: "
                    f"{letter['reason']}"
                )
        before = page["next"]
        if before is None:
            break
    if not found:
        yield "There are no dead letters." if settled else "No dead letter waits."


def show(letter: dict[str, Any]) -> Iterator[str]:
    """All that is known of one, with the entry itself."""
    yield f"Entry {letter['seq']}, received {_time(letter['received'])}: {_fate(letter)}"
    yield f"Set aside {_time(letter['buried_at'])}: {letter['reason']}"
    yield ""
    yield from json.dumps(letter["entry"], indent=2, ensure_ascii=False).splitlines()


def settle(url: str, action: str, seqs: list[int]) -> Iterator[str]:
    """Replay or discard each of them; what was done before one is refused stays done."""
    for seq in seqs:
        answer = _ask(f"{url}/{seq}/{action}", method="POST")
        if action == "replay":
            yield f"{seq} is given to the engine again, as entry {answer['replayed_as']}."
        else:
            yield f"{seq} is discarded."


def _fate(letter: dict[str, Any]) -> str:
    if letter["state"] == "replayed":
        return f"replayed as {letter['replayed_as']}"
    return str(letter["state"])


def _time(text: str) -> str:
    return text[:19].replace("T", " ") + " UTC"


def _harmless(line: str) -> str:
    """What a sender wrote must not reach the terminal as an escape sequence."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def _ask(url: str, method: str = "GET") -> dict[str, Any]:
    request = urllib.request.Request(url, method=method)  # noqa: S310 - checked
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            body: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        raise Refused(_words(error)) from error
    return body


def _words(error: urllib.error.HTTPError) -> str:
    with error:
        try:
            return str(json.load(error)["error"])
        except (ValueError, KeyError, TypeError):
            return f"{error.code} {error.reason}"


def _url(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no http or https URL")
    return text


def _seq(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= 18:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not the number of an entry")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scripts/dead-letters",
        description="Entries that the engine died of, set aside so that the rest goes on.",
        epilog="Exit codes: 0 done, 1 not known or not allowed, 2 not reachable.",
    )
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--url", type=_url, default=DEFAULT_URL, help="where PushLog is (default: %(default)s)"
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", parents=[where], help="those that wait for somebody")
    listing.add_argument("--all", action="store_true", help="also those that were settled")
    showing = actions.add_parser("show", parents=[where], help="one, with the entry itself")
    showing.add_argument("seq", type=_seq, metavar="SEQ")
    for action, words in (
        ("replay", "give them to the engine again, as new entries"),
        ("discard", "nobody wants them"),
    ):
        settling = actions.add_parser(action, parents=[where], help=words)
        settling.add_argument("seqs", type=_seq, nargs="+", metavar="SEQ")
    return parser


if __name__ == "__main__":
    sys.exit(main())
