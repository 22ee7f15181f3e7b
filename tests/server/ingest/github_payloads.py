"""Bodies of GitHub's webhooks: a valid one of each kind, of which a test changes what matters."""

import hashlib
import json
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[2] / "payloads" / "github"
ZEROS = "0" * 40


def sample(name: str, **changes: Any) -> dict[str, Any]:
    """The sample ``NAME.json`` with other values at its top."""
    body: dict[str, Any] = json.loads((SAMPLES / f"{name}.json").read_text())
    return body | changes


def encoded(body: object) -> bytes:
    """As GitHub sends it."""
    return json.dumps(body).encode()


def sha(name: str) -> str:
    """A commit's hash; the samples have `zero` (before the push), `one`, `two` and `three`."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def pushed(name: str, **changes: Any) -> dict[str, Any]:
    """A commit of a push that modifies one file of the shop."""
    fields = {
        "id": sha(name),
        "message": f"Change {name}",
        "timestamp": "2025-03-04T08:00:00Z",
        "url": f"https://github.com/acme/shop/commit/{sha(name)}",
        "author": {"name": "Ada", "email": "ada@acme.example"},
        "distinct": True,
        "added": [],
        "removed": [],
        "modified": ["shop/cart.py"],
    }
    return fields | changes


def push_of(*commits: Any, **changes: Any) -> dict[str, Any]:
    """A push to main of these commits, oldest first."""
    head = commits[-1] if commits else None
    fields = {"commits": list(commits), "head_commit": head, "after": head and head["id"]}
    return sample("push", **(fields | changes))
