"""What is made of webhooks: of samples, and of each of them with one part changed at a time.

``python -m tests.server.ingest.parsed`` writes `RECORD` anew, where it is meant to be another.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from server.ingest.delivery import InvalidPayload
from tests import records
from tests.server.ingest.bodies import CASES, Changed, Parser, alike, changed, part, paths, sentry
from tests.server.ingest.sentry_payloads import ODD_SHAPES

RECORD = Path(__file__).with_name("parsed.txt")
_CHANGED = (
    *("sentry python", "sentry error-created", "sentry issue-resolved-in-release"),
    *("sentry metric-alert-critical", "sentry slow-query-occurrence", "sentry legacy-webhook"),
    *("generic event True", "generic deploy True"),
    *("github push True 0", "github deployment_status True 0", "github release True 0"),
)
_FEW = 12
"""Fields of a value that the record shows."""

_SHORT = 100
"""Letters of a value that the record shows; of a longer one it has a digest."""


def told() -> Iterator[str]:
    """Return the lines of the record; a change that changes nothing is left out."""
    return map(records.counted, _lines())


def _lines() -> Iterator[str]:
    bodies: dict[str, tuple[Parser, Changed]] = dict(CASES)
    for shape in sorted(ODD_SHAPES.iterdir()):
        bodies.setdefault(f"sentry {shape.stem}", (sentry, json.loads(shape.read_bytes())))
    for name, (parse, body) in bodies.items():
        usual = _made(parse, body)
        yield from ("", f"{'=' * 8} {name}")
        yield from (f"{key}: {value}" for key, value in usual.items())
        if name not in _CHANGED:
            continue
        for path in paths(body):
            for said, value in _others(part(body, path)):
                made = _made(parse, changed(body, path, value))
                differs = {key: value for key, value in made.items() if usual.get(key) != value}
                gone = set() if "refused" in made else usual.keys() - made.keys()
                if differs or gone:
                    yield f"{'.'.join(map(str, path))} = {said}:"
                    yield from (f"  {key}: {value}" for key, value in differs.items())
                    yield from (f"  no {key}" for key in sorted(gone))


def _others(value: Any) -> Iterator[tuple[str, Any]]:
    yield "null", None
    match value:
        case str():
            yield "nothing", ""
            yield "9000 letters", "x" * 9_000
        case bool():
            yield str(not value).lower(), not value
        case int() | float():
            yield "-1", -1
            yield "2 ** 63", 2**63
        case list():
            yield "[]", []
            if value:
                yield "1100 like the first", [alike(value[0], number) for number in range(1_100)]
        case dict():
            yield "{}", {}


def _made(parse: Parser, body: object) -> dict[str, str]:
    """Return what is made of the body, field by field; of several entries, of the first."""
    try:
        delivery = parse(json.dumps(body).encode())
    except InvalidPayload as error:
        faults = "; ".join(f"{each.path} {each.message}" for each in error.faults)
        return {"refused": f"{error}: {faults}"}
    found = {"about": delivery.about, "identity": str(delivery.identity)}
    found["entries"] = str(len(delivery.entries))
    for entry in delivery.entries[:1]:
        context = getattr(entry, "context", None)
        fields = msgspec.json.decode(msgspec.json.encode(entry))
        for name, value in fields.items():
            found |= _shown(name, value)
        if context:
            found |= _shown("context", msgspec.json.decode(bytes(context)))
    return found


def _shown(name: str, value: Any) -> dict[str, str]:
    match value:
        case dict() if len(value) <= _FEW:
            parts = [_shown(f"{name}.{part}", value[part]) for part in value]
            return {key: each for part in parts for key, each in part.items()}
        case list() if name == "notes":
            return {f"note {number}": note for number, note in enumerate(value)}
    text = json.dumps(value, ensure_ascii=False)
    if len(records.counted(text)) > _SHORT:
        of = f"{len(value)} of " if isinstance(value, list | dict) else ""
        text = f"{of}{len(text)} letters {records.digest(text)}"
    return {name: text}


if __name__ == "__main__":
    records.write(RECORD, told())
