"""Whatever ingest takes, the engine can read: what is answered 202 must not be refused later.

Each part of a body is given the sizes and numbers around every limit there is, first one part at a
time and then several together.
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.ingest.delivery import InvalidPayload
from server.ingest.routes import MAX_BODY_BYTES
from shared.event import MAX_CHAIN, MAX_COMMITS, MAX_FRAMES, MAX_PAIRS
from shared.pipe import MAX_LINE_BYTES, ChangeWindowEntry, encode_lines
from tests.server.ingest.arbitrary import PATIENT
from tests.server.ingest.bodies import (
    CASES,
    SERVICES,
    alike,
    changed,
    check,
    github,
    part,
    paths,
    sentry,
)
from tests.server.ingest.github_payloads import sample as github_sample
from tests.server.ingest.sentry_payloads import assert_fit, event_of
from tests.server.ingest.sentry_payloads import sample as sentry_sample

LIMITS_OF_TEXT = (64, 100, 128, 200, 256, 512, 1024, 2000, 2048, 8192)
LIMITS_OF_LISTS = (MAX_CHAIN, MAX_PAIRS, MAX_FRAMES, MAX_COMMITS)
NUMBERS = (-1, 0, 2**31, 2**31 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, -(2**63) - 1, 1e308, 0.5)
ODD_TEXTS = (
    *("", " ", "\x00", "a/\x00", "\ud83d", "9" * 5000),
    *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
)


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
