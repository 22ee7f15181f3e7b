"""Whatever ingest takes, the engine can read: what is answered 202 must not be refused later.

Each part of a body is given the sizes and numbers around every limit there is, first one part at a
time and then several together.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ingest.delivery import Delivery, InvalidPayload
from server.ingest.generic import parse_generic
from server.ingest.github import parse_github
from server.ingest.routes import MAX_BODY_BYTES
from server.ingest.sentry import parse_sentry
from server.settings.environments import EnvironmentMap
from server.settings.rules import BranchRule, ServiceRule
from server.settings.services import ServiceMap
from shared.event import (
    MAX_CHAIN,
    MAX_COMMITS,
    MAX_FRAMES,
    MAX_PAIRS,
    ChainedException,
    ChangeWindow,
    CorrelationHints,
    Push,
)
from shared.pipe import MAX_LINE_BYTES, ChangeWindowEntry, encode_lines
from tests.builders import change_window, commit, event, frame
from tests.server.ingest.arbitrary import PATIENT
from tests.server.ingest.github_payloads import sample as github_sample
from tests.server.ingest.sentry_payloads import ODD_SHAPES, RECEIVED, assert_fit, event_of
from tests.server.ingest.sentry_payloads import SAMPLES as SENTRY_SAMPLES
from tests.server.ingest.sentry_payloads import sample as sentry_sample

LIMITS_OF_TEXT = (64, 100, 128, 200, 256, 512, 1024, 2000, 2048, 8192)
LIMITS_OF_LISTS = (MAX_CHAIN, MAX_PAIRS, MAX_FRAMES, MAX_COMMITS)
NUMBERS = (-1, 0, 2**31, 2**31 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 1e308, 0.5)
ODD_TEXTS = (
    *("", " ", "\x00", "a/\x00", "\ud83d", "9" * 5000),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
)

SERVICES = (
    ServiceMap((), ()),
    ServiceMap(
        tuple(ServiceRule("acme/shop", "", f"shop-{number}") for number in range(MAX_PAIRS + 1)),
        (BranchRule("*", "e" * 64),),
    ),
)

Parser = Callable[[bytes], Delivery]
Changed = dict[str, Any]


def check(parse: Parser, body: object) -> bool:
    """Whether `body` is taken; what is made of it then is fit for the engine."""
    try:
        delivery = parse(json.dumps(body).encode())
    except InvalidPayload:
        return False
    for entry in delivery.entries:
        assert_fit(entry)
        assert len(encode_lines([entry])) <= MAX_LINE_BYTES
    return bool(delivery.entries)


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every part of decoded JSON below its root; of alike members only the first."""
    match value:
        case dict():
            children: list[tuple[str | int, object]] = list(value.items())
        case list():
            children = list(enumerate(value[:1]))
        case _:
            return
    for key, child in children:
        yield (*path, key)
        yield from paths(child, (*path, key))


def part(body: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        body = body[key]
    return body


def changed(body: object, path: tuple[str | int, ...], value: object) -> Any:
    """A copy of `body` with `value` at `path`."""
    copy = json.loads(json.dumps(body))
    part(copy, path[:-1])[path[-1]] = value
    return copy


def sizes(value: object) -> list[object]:
    """Values like `value`, in the sizes at each limit and one beyond it."""
    match value:
        case str():
            lengths = [length for limit in LIMITS_OF_TEXT for length in (limit, limit + 1)]
            texts = [(value + "x" * length)[:length] for length in lengths]
            return [*texts, *(f" \ud83d\ude00{text}\n" for text in texts[::4]), *ODD_TEXTS]
        case bool() | None:
            return []
        case int() | float():
            return list(NUMBERS)
        case list() if value:
            counts = [count for limit in LIMITS_OF_LISTS for count in (limit, limit + 1)]
            return [[alike(value[0], number) for number in range(count)] for count in counts]
        case dict():
            like = next(iter(value.values()), "x")
            more = {f"k{number}": like for number in range(MAX_PAIRS + 1)}
            padded = [value | dict(list(more.items())[: size - len(value)]) for size in (100, 101)]
            return [*padded, {"k" * 200: like}, {"k" * 201: like}]
    return []


def alike(member: Any, number: int) -> Any:
    """Another member of the same list: told from the rest where it has a name or an id."""
    match member:
        case [str(key), value]:
            return [f"{key}{number}", value]
        case {"key": str(key), **others}:
            return {"key": f"{key}{number}", **others}
        case {"id": str(key), **others}:
            return {"id": f"{number}{key}", **others}
        case str():
            return f"{number}{member}"
    return member


def sentry_bodies() -> dict[str, Changed]:
    """Our own alerts and shapes; one of each level of which a tag is made."""
    files = [*sorted(SENTRY_SAMPLES.iterdir()), *sorted(ODD_SHAPES.iterdir())]
    bodies: dict[str, Changed] = {path.stem: json.loads(path.read_bytes()) for path in files}
    for level in ("info", "critical", "unheard-of"):
        bodies[f"level {level}"] = sentry_sample()
        bodies[f"level {level}"]["data"]["event"]["level"] = level
    return bodies


def generic_bodies() -> dict[str, Changed]:
    """An event and a deploy in which every field is there."""
    push = Push(
        title="Push of 1 commit",
        branch="main",
        by="ada",
        repository="acme/shop",
        services=["shop"],
        commits=[commit()],
        more=1,
        url="https://github.com/acme/shop/compare/a...b",
    )
    window: ChangeWindow = change_window(
        commits=[commit(risk_score=0.5, url="https://github.com/acme/shop/commit/a1b2c3d4")],
        release="v1",
        cut=1,
        repository="acme/shop",
        base="00000000",
        deployed_by="ada",
        push=push,
    )
    whole = event(
        chain=[ChainedException("KeyError", "cart", [frame(module="shop.cart")])],
        release="v1",
        fingerprint="cart",
        issue_id="1",
        event_id="2",
        alert_rule="rule",
        change_window=window,
        correlation_hints=CorrelationHints(["shop/"], ["docs/"]),
        api_route="/pay",
        request_url="https://shop.example/pay",
        platform="python",
    )
    deploy = {"service": "shop", "environment": "production", "change_window": window}
    return {"event": msgspec.to_builtins(whole), "deploy": msgspec.to_builtins(deploy)}


def sentry(body: bytes) -> Delivery:
    return parse_sentry(body, None, RECEIVED)


def generic(announce: bool) -> Parser:
    return lambda body: parse_generic(body, "key", RECEIVED, announce_deploys=announce)


def github(kind: str, announce: bool, services: ServiceMap) -> Parser:
    return lambda body: parse_github(
        body,
        event=kind,
        delivery="guid-1",
        content_type="application/json",
        received=RECEIVED,
        services=services,
        environments=EnvironmentMap((), ()),
        announce_deploys=announce,
    )


def cases() -> dict[str, tuple[Parser, Changed]]:
    """Every adapter with each of the bodies that it makes entries of."""
    found: dict[str, tuple[Parser, Changed]] = {}
    for name, body in sentry_bodies().items():
        found[f"sentry {name}"] = (sentry, body)
    for announce in (True, False):
        for name, body in generic_bodies().items():
            found[f"generic {name} {announce}"] = (generic(announce), body)
        for kind in ("push", "deployment_status", "release"):
            for number, services in enumerate(SERVICES):
                parse = github(kind, announce, services)
                found[f"github {kind} {announce} {number}"] = (parse, github_sample(kind))
    return {name: case for name, case in found.items() if check(*case)}


CASES = cases()


@pytest.mark.parametrize("name", CASES)
def test_what_is_taken_can_be_read_by_the_engine_whatever_one_part_of_it_is_at_its_limit(
    name: str,
) -> None:
    parse, body = CASES[name]
    bodies = [(path, value) for path in paths(body) for value in sizes(part(body, path))]
    if name.startswith("sentry level"):
        # Otherwise they are like the one without a level of its own.
        bodies = [(path, value) for path, value in bodies if {"tags", "level"} & set(path)]
    # A hundred services make as many entries, which are alike: a part of the bodies will do.
    entries = len(parse(json.dumps(body).encode()).entries)
    bodies = bodies[:: 1 + entries // 10]
    assert sum(check(parse, changed(body, path, value)) for path, value in bodies) > 30


@PATIENT
@given(st.data())
def test_what_is_taken_can_be_read_by_the_engine_whatever_is_at_its_limit_together(
    data: st.DataObject,
) -> None:
    parse, body = CASES[data.draw(st.sampled_from(sorted(CASES)))]
    for _ in range(data.draw(st.integers(2, 6))):
        path = data.draw(st.sampled_from(list(paths(body))))
        values = sizes(part(body, path))
        if values:
            body = changed(body, path, data.draw(st.sampled_from(values)))
    check(parse, body)


@pytest.mark.parametrize(
    ("given", "kept", "level"),
    [(MAX_PAIRS - 1, MAX_PAIRS, "info"), (MAX_PAIRS, MAX_PAIRS, None),
     (MAX_PAIRS + 1, MAX_PAIRS, None)],
)  # fmt: skip
def test_a_level_is_kept_as_a_tag_only_where_there_is_room_for_one_more(
    given: int, kept: int, level: str | None
) -> None:
    payload = sentry_sample()
    tags = [[f"key{number}", "v"] for number in range(given)]
    payload["data"]["event"] |= {"level": "info", "tags": tags}
    read = event_of(payload)
    assert (len(read.tags), read.tags.get("level")) == (kept, level)
    assert read.tags["key98"] == "v"
    cut = [f"tags: {given} tags, of which the first {MAX_PAIRS} are kept"]
    assert [note for note in read.notes if note.startswith("tags")] == cut[: given - MAX_PAIRS]


@pytest.mark.parametrize("length", [255, 256, 257, 300])
def test_a_release_is_named_by_its_tag_up_to_what_a_name_may_have(length: int) -> None:
    tag = ("v" + "1" * length)[:length]
    body = github_sample("release")
    body["release"]["tag_name"] = tag
    parse = github("release", False, SERVICES[0])
    assert check(parse, body)
    (entry,) = parse(json.dumps(body).encode()).entries
    assert isinstance(entry, ChangeWindowEntry)
    assert (entry.deploy_id, entry.release) == (tag[:256], tag[:256])


@pytest.mark.parametrize("kind", ["push", "deployment_status", "release"])
@pytest.mark.parametrize("name", ["acme/\x00", "acme/ ", "a" * 500 + "/" + " " * 20 + "x", "\x00"])
def test_a_repository_whose_name_is_blank_is_refused_and_no_service_without_a_name(
    kind: str, name: str
) -> None:
    body = github_sample(kind)
    body["repository"]["full_name"] = name
    with pytest.raises(InvalidPayload) as refusal:
        github(kind, True, SERVICES[0])(json.dumps(body).encode())
    assert str(refusal.value) == "the deploy cannot be read: repository.full_name is missing"
    assert [fault.message for fault in refusal.value.faults] == ["expected owner/name"]


def test_half_a_letter_in_the_time_of_a_commit_loses_only_that_time() -> None:
    body = github_sample("push")
    body["commits"][0]["timestamp"] = "\ud83d"
    (entry,) = github("push", False, SERVICES[0])(json.dumps(body).encode()).entries
    assert isinstance(entry, ChangeWindowEntry)
    first, second, _ = entry.commits
    assert first.timestamp is None
    assert second.timestamp is not None


def test_a_body_that_grows_as_far_as_it_can_still_fits_a_line_of_the_pipe() -> None:
    # Each byte that is not UTF-8 becomes a character of three bytes.
    frames = b",".join([b'{"filename":"' + b"\xff" * 1024 + b'"}'] * MAX_FRAMES)
    raised = b'{"type":"E","stacktrace":{"frames":[' + frames + b"]}}"
    values = b",".join([raised] * (MAX_CHAIN + 1))
    body = b'{"data":{"event":{"exception":{"values":[' + values + b"]}}}}"
    assert len(body) < MAX_BODY_BYTES
    (entry,) = sentry(body).entries
    line = encode_lines([entry])
    assert 2.5 * len(body) < len(line) <= MAX_LINE_BYTES
    assert_fit(entry)
