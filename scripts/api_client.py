"""Ask PushLog's API on behalf of the commands, with the token of the person who runs them.

This uses only the standard library, so that it runs where nothing is installed.
"""

import argparse
import json
import os
import urllib.error
import urllib.request
from typing import Any

DEFAULT_URL = "http://localhost:3000"
TOKEN = "PUSHLOG_TOKEN"  # noqa: S105 - the name of the variable
TIMEOUT_S = 10

_NO_TOKEN = (
    f"{TOKEN} is not set or no longer valid. Create a token in Settings, Account with the button "
    f'"Create token" (or on the server itself with scripts/people token), then set it: '
    f"export {TOKEN}=pushlog_..."
)


class Refused(Exception):
    """The server answered with an error; the message is the server's."""


def ask(url: str, method: str = "GET") -> dict[str, Any]:
    """Return what the server answers.

    Raises `Refused`, and OSError or ValueError if the answer is not PushLog's.
    """
    request = urllib.request.Request(url, method=method)  # noqa: S310 - `checked_url`
    if token := os.environ.get(TOKEN, "").strip():
        # An answer may redirect; the token must not be sent to another server.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310
            body: dict[str, Any] = json.load(response)
    except urllib.error.HTTPError as error:
        raise Refused(_NO_TOKEN if error.code == 401 else _words(error)) from error
    return body


def checked_url(text: str) -> str:
    """Return the address of a server that is given as an argument of a command."""
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is not an http or https URL")
    return text


def short_time(text: str) -> str:
    """Format a time of the API for people."""
    return text[:19].replace("T", " ") + " UTC"


def _words(error: urllib.error.HTTPError) -> str:
    with error:
        try:
            return str(json.load(error)["error"])
        except (ValueError, KeyError, TypeError):
            return f"{error.code} {error.reason}"
