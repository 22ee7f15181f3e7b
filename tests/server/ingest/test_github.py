import json
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.ingest.delivery import Delivery, InvalidPayload
from server.ingest.github import parse_github
from server.settings.environments import EnvironmentMap
from server.settings.rules import BranchRule, ServiceRule
from server.settings.services import ServiceMap
from shared.event import ChangeWindow
from shared.pipe import ChangeWindowEntry, EventEntry, decode_inbound, encode_lines
from tests.builders import START
from tests.server.ingest.github_payloads import SAMPLES, encoded, sample, sha
from tests.shared_data import FOLDER, needs_shared_data

DEFAULTS = ServiceMap((), ())
AS_NAMED = EnvironmentMap((), ("production",))
FORM = "application/x-www-form-urlencoded"


def parse(
    body: bytes,
    event: str | None,
    *,
    content_type: str = "application/json",
    delivery: str | None = "guid-1",
    services: ServiceMap = DEFAULTS,
    environments: EnvironmentMap = AS_NAMED,
) -> Delivery:
    return parse_github(
        body,
        event=event,
        delivery=delivery,
        content_type=content_type,
        received=START,
        services=services,
        environments=environments,
        announce_deploys=True,
    )


def window_of(delivery: Delivery) -> ChangeWindowEntry:
    (entry,) = delivery.entries
    assert isinstance(entry, ChangeWindowEntry)
    return entry


def status(state: str = "success", **changes: Any) -> dict[str, Any]:
    body = sample("deployment_status")
    body["deployment_status"] |= {"state": state} | changes
    return body


def release(action: str = "published", **changes: Any) -> dict[str, Any]:
    body = sample("release", action=action)
    body["release"] |= changes
    return body


# --- deployments -----------------------------------------------------------------------------


def test_a_successful_deployment_is_a_deploy_of_its_commit_to_its_environment() -> None:
    delivery = parse(encoded(status()), "deployment_status")
    window = window_of(delivery)
    assert (window.service, window.environment) == ("shop", "production")
    assert (window.deploy_id, window.deploy_time) == (sha("three"), START)
    assert (window.commits, window.repository) == ([], "acme/shop")
    assert window.deployed_by == "ada"
    assert delivery.identity == "github guid-1"
    assert delivery.about == "Deployment of acme/shop to production: success"


@pytest.mark.parametrize("creator", [None, {}, {"login": "vercel[bot]", "type": "Bot"}])
def test_a_bot_is_nobody_who_deployed(creator: dict[str, str] | None) -> None:
    body = status()
    body["deployment"]["creator"] = creator
    assert window_of(parse(encoded(body), "deployment_status")).deployed_by is None


@pytest.mark.parametrize(
    "state", ["pending", "queued", "waiting", "in_progress", "failure", "error", "inactive", ""]
)
def test_only_success_is_a_deploy(state: str) -> None:
    assert parse(encoded(status(state)), "deployment_status").entries == ()


def test_a_deployment_that_is_only_asked_for_is_no_deploy() -> None:
    body = status()
    del body["deployment_status"]
    delivery = parse(encoded(body), "deployment")
    assert delivery.entries == ()
    assert delivery.about == "Deployment of acme/shop to production: requested"


@pytest.mark.parametrize(
    ("named", "environment"),
    [("Production", "production"), ("prod", "production"), ("Preview: a/b", "Preview: a/b")],
)
def test_the_environment_is_the_deployments_own(named: str, environment: str) -> None:
    assert window_of(
        parse(encoded(status(environment=named)), "deployment_status")
    ).environment == (environment)


def test_a_deployment_deploys_every_service_of_the_repository() -> None:
    rules = (ServiceRule("acme/shop", "web/", "web"), ServiceRule("4711", "api/", "api"))
    entries = parse(encoded(status()), "deployment_status", services=ServiceMap(rules, ())).entries
    assert [entry.service for entry in entries if isinstance(entry, ChangeWindowEntry)] == [
        "web",
        "api",
    ]


def test_a_deployment_of_a_project_of_its_own_deploys_its_service_alone() -> None:
    rules = tuple(ServiceRule("acme/shop", f"{name}/", name) for name in ("web", "api"))
    services = ServiceMap(rules, ())

    def deployed(environment: str) -> list[tuple[str, str]]:
        body = encoded(status(environment=environment))
        entries = parse(body, "deployment_status", services=services).entries
        assert all(isinstance(entry, ChangeWindowEntry) for entry in entries)
        return [(each.service, each.environment) for each in entries]  # type: ignore[union-attr]

    assert deployed("Production \N{EN DASH} API") == [("api", "production")]
    assert deployed("Production \N{EN DASH} docs") == [("web", "production"), ("api", "production")]


def test_what_its_host_calls_production_is_a_deploy_to_production() -> None:
    body = status(environment="blue")
    body["deployment"] |= {"production_environment": True}
    assert window_of(parse(encoded(body), "deployment_status")).environment == "production"


def test_a_deployment_of_no_commit_is_refused_with_the_path() -> None:
    with pytest.raises(InvalidPayload) as raised:
        parse(encoded(status() | {"deployment": {}}), "deployment_status")
    assert raised.value.faults[0].path == "deployment.sha"


# --- releases --------------------------------------------------------------------------------


def test_a_published_release_is_a_deploy_that_is_known_by_its_tag() -> None:
    window = window_of(parse(encoded(release()), "release"))
    assert (window.service, window.environment) == ("shop", "production")
    assert (window.release, window.deploy_id) == ("v1.4.0", "v1.4.0")
    assert window.deployed_by == "ada"


def test_a_release_of_a_commit_is_the_deploy_of_that_commit() -> None:
    window = window_of(parse(encoded(release(target_commitish=sha("three"))), "release"))
    assert (window.release, window.deploy_id) == ("v1.4.0", sha("three"))


def test_a_release_goes_where_its_branch_goes() -> None:
    services = ServiceMap((), (BranchRule("main", "staging"), BranchRule("stable", "production")))
    stable = release(target_commitish="stable")
    assert window_of(parse(encoded(stable), "release", services=services)).environment == (
        "production"
    )
    other = release(target_commitish="hotfix")
    assert window_of(parse(encoded(other), "release", services=services)).environment == "staging"


@pytest.mark.parametrize(
    "body",
    [
        *(release(a) for a in ("created", "released", "edited", "unpublished", "deleted")),
        release("prereleased", prerelease=True),
        release("published", prerelease=True),
    ],
)
def test_of_the_actions_of_a_release_only_its_publication_is_a_deploy(body: dict[str, Any]) -> None:
    assert parse(encoded(body), "release").entries == ()


def test_a_release_where_no_branch_is_watched_is_no_deploy() -> None:
    services = ServiceMap((), (BranchRule("stable", "production"),))
    assert parse(encoded(release()), "release", services=services).entries == ()


# --- the rest --------------------------------------------------------------------------------


def test_a_ping_is_answered_and_has_no_effect() -> None:
    assert parse(encoded(sample("ping")), "ping").entries == ()


def test_an_event_that_nobody_asked_for_is_answered_whatever_its_body() -> None:
    delivery = parse(b"\xff not JSON", "workflow_run")
    assert delivery.entries == ()
    assert delivery.about == "workflow_run: of no use to PushLog"


def test_a_body_without_the_name_of_its_event_is_refused() -> None:
    with pytest.raises(InvalidPayload, match="X-GitHub-Event"):
        parse(encoded(sample("push")), None)


def test_a_form_holds_the_same_as_the_json() -> None:
    body = encoded(sample("push"))
    form = urlencode({"payload": body.decode()}).encode()
    assert parse(form, "push", content_type=FORM) == parse(body, "push")


@pytest.mark.parametrize("space", ["+", "%20"])
def test_a_form_holds_letters_beyond_ascii_as_the_json_does(space: str) -> None:
    body = json.dumps(sample("push"), ensure_ascii=False).replace("Add vouchers", "Ergänze Łódź 🎁")
    form = urlencode({"payload": body}).replace("+", space).encode()
    delivery = parse(form, "push", content_type=FORM)
    assert delivery == parse(body.encode(), "push")
    (entry,) = delivery.entries
    assert isinstance(entry, EventEntry)
    assert entry.change_window is not None
    assert entry.change_window.commits[1].message == "Ergänze Łódź 🎁"
    raw = b"payload=" + body.replace("%", "%25").replace("&", "%26").replace("+", "%2B").encode()
    assert parse(raw, "push", content_type=FORM) == delivery


@pytest.mark.parametrize("form", [b"", b"x=1", b"payload=", b"&" * 50 + b"payload=1"])
def test_a_form_without_a_payload_is_refused(form: bytes) -> None:
    with pytest.raises(InvalidPayload, match="form"):
        parse(form, "push", content_type=FORM)


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"{", b"[" * 100_000, b"\x00"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidPayload):
        parse(body, "push")


def test_numbers_and_text_that_json_does_not_know_lose_only_themselves() -> None:
    body = encoded(sample("push", size=1)).replace(
        b'"size": 1', b'"size": NaN, "x": 1' + b"0" * 5000
    )
    body = body.replace(b"Add vouchers", b"Add \xff vouchers \\ud83d")
    (entry,) = parse(body, "push").entries
    assert isinstance(entry, EventEntry)
    assert entry.change_window is not None
    assert entry.change_window.commits[1].message == "Add \ufffd vouchers \ufffd"


# --- properties ------------------------------------------------------------------------------

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)
EVENTS = st.sampled_from(["push", "deployment", "deployment_status", "release", "ping", "fork"])


def parse_or_refuse(body: bytes, event: str, content_type: str = "application/json") -> Delivery:
    """The delivery, checked: whatever is read can be journalled and read by the engine."""
    try:
        delivery = parse(body, event, content_type=content_type)
    except InvalidPayload:
        return Delivery(entries=(), identity=None, about="")
    for entry in delivery.entries:
        entry_type = type(entry)
        numbered = (
            msgspec.structs.replace(entry, seq=1, received=START)
            if isinstance(entry, ChangeWindow)
            else entry
        )
        (line,) = encode_lines([numbered]).splitlines()
        assert isinstance(decode_inbound(line), entry_type)
    return delivery


@given(st.binary(), EVENTS, st.sampled_from(["application/json", FORM]))
def test_any_bytes_are_a_delivery_or_refused(body: bytes, event: str, content_type: str) -> None:
    parse_or_refuse(body, event, content_type)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), JSON_VALUES)
def test_a_payload_with_anything_anywhere_is_a_delivery_or_refused(
    data: st.DataObject, value: object
) -> None:
    event = data.draw(st.sampled_from(["push", "deployment_status", "release"]))
    body = sample(event)
    target: Any = body
    while True:
        keys = sorted(target) if isinstance(target, dict) else list(range(len(target)))
        if not keys:
            break
        key = data.draw(st.sampled_from(keys))
        if isinstance(target[key], dict | list) and target[key] and data.draw(st.booleans()):
            target = target[key]
            continue
        target[key] = value
        break
    parse_or_refuse(json.dumps(body).encode(), event)


# --- recorded payloads -----------------------------------------------------------------------

PAYLOADS = FOLDER / "contracts" / "payloads"


def recorded() -> list[Any]:
    if not PAYLOADS.is_dir():
        return []
    index = json.loads((PAYLOADS / "index.json").read_text())
    records = index if isinstance(index, list) else index["payloads"]
    return [
        pytest.param(record, id=record["file"])
        for record in records
        if record["source"] == "github"
    ]


@needs_shared_data
@pytest.mark.parametrize("record", recorded())
def test_recorded_payloads_are_read_as_expected(record: dict[str, Any]) -> None:
    body = (PAYLOADS / record["file"]).read_bytes()
    expect = record["expect"]
    delivery = parse(body, record["resource"])
    if expect.get("state") == "success":
        window = window_of(delivery)
        assert window.deploy_id == expect["sha"]
        assert window.environment == expect["environment"]
        assert window.repository == expect["repo"]
    elif expect.get("ref", "").startswith("refs/heads/") and not expect["deleted"]:
        (entry,) = delivery.entries
        assert isinstance(entry, EventEntry)
        window_told = entry.change_window
        assert window_told is not None
        assert [commit.id for commit in window_told.commits] == expect["commits"]
        assert window_told.deploy_id == expect["head_commit"]
        assert entry.tags["repository"] == expect["repo"]
        assert entry.tags["pusher"] == expect["pusher"]
        assert (window_told.base or "0" * 40) == expect["before"]
    else:
        assert delivery.entries == ()


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.json")), ids=lambda path: path.stem)
def test_our_own_samples_need_no_second_reading(path: Any) -> None:
    for entry in parse(path.read_bytes(), path.stem).entries:
        assert not isinstance(entry, EventEntry) or entry.notes == []
