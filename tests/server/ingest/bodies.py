"""Bodies of webhooks of each adapter, and how to change a part of one."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from server.ingest.delivery import Delivery, InvalidPayload
from server.ingest.generic import parse_generic
from server.ingest.github import parse_github
from server.ingest.sentry import parse_sentry
from server.settings.environments import EnvironmentMap
from server.settings.rules import BranchRule, ServiceRule
from server.settings.services import ServiceMap
from shared.event import MAX_PAIRS, ChainedException, ChangeWindow, CorrelationHints, Push
from shared.pipe import MAX_LINE_BYTES, encode_lines
from tests.builders import change_window, commit, event, frame
from tests.server.ingest.github_payloads import sample as github_sample
from tests.server.ingest.sentry_payloads import ODD_SHAPES, RECEIVED, assert_fit
from tests.server.ingest.sentry_payloads import SAMPLES as SENTRY_SAMPLES
from tests.server.ingest.sentry_payloads import sample as sentry_sample

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
