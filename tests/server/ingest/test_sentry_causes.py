"""What is the cause of an exception, and what was only being handled when it was raised."""

from collections.abc import Callable
from typing import Any

import pytest
from sentry_sdk.utils import event_from_exception

from shared.pipe import EventEntry
from tests.server.ingest.sentry_payloads import event_of


def sent_by_sdk(fail: Callable[[], None]) -> EventEntry:
    """What becomes of the error of `fail` as Sentry's own SDK describes it."""
    try:
        fail()
    except Exception as error:
        event, _ = event_from_exception(error)
        return with_exception(event["exception"])
    raise AssertionError("nothing was raised")


def with_exception(exception: object) -> EventEntry:
    return event_of({"action": "created", "data": {"error": {"exception": exception}}}, "error")


def link(name: str, **mechanism: Any) -> dict[str, Any]:
    frame = {"filename": f"shop/{name.lower()}.py", "function": "run", "in_app": True}
    described: dict[str, Any] = {"type": name, "value": name, "stacktrace": {"frames": [frame]}}
    return described | ({"mechanism": mechanism} if mechanism else {})


def read_session() -> None:
    raise KeyError("session")


def fail_because_of_another() -> None:
    try:
        read_session()
    except KeyError as error:
        raise ConnectionError("no database") from error


def fail_as_a_group() -> None:
    raise ExceptionGroup("two failed", [ValueError("one"), ConnectionError("other")])


def fail_as_a_group_while_handling() -> None:
    try:
        read_session()
    except KeyError:
        fail_as_a_group()


@pytest.mark.parametrize(
    ("fail", "cause", "chained"),
    [
        (fail_because_of_another, "KeyError", ["ConnectionError"]),
        (fail_as_a_group, "ConnectionError", ["ValueError", "ExceptionGroup"]),
        (fail_as_a_group_while_handling, "ConnectionError", ["ValueError", "ExceptionGroup"]),
    ],
)
def test_a_cause_is_what_the_sdk_of_python_calls_one(
    fail: Callable[[], None], cause: str, chained: list[str]
) -> None:
    event = sent_by_sdk(fail)
    assert event.exception_type == cause
    assert [each.exception_type for each in event.chain] == chained


def test_what_was_being_handled_is_in_a_note() -> None:
    (note,) = [each for each in sent_by_sdk(fail_as_a_group_while_handling).notes if "Key" in each]
    assert note.endswith("KeyError was being handled then; it is not the cause")


def test_what_a_context_was_raised_from_is_context_too() -> None:
    values = [
        link("Oldest", source="__cause__", exception_id=2, parent_id=1),
        link("Handled", source="__context__", exception_id=1, parent_id=0),
        link("Raised", exception_id=0),
    ]
    event = with_exception({"values": values})
    assert (event.exception_type, event.chain) == ("Raised", [])
    assert event.stacktrace[0].file == "shop/raised.py"


def test_without_numbers_each_belongs_to_the_next() -> None:
    values = [link("Oldest"), link("Handled", source="__context__"), link("Raised")]
    assert with_exception({"values": values}).exception_type == "Raised"


@pytest.mark.parametrize("source", [None, "cause", "InnerException", "exceptions[0]"])
def test_the_first_is_the_cause_where_nothing_says_that_it_is_only_context(
    source: str | None,
) -> None:
    mechanism = {"source": source, "exception_id": 1, "parent_id": 0} if source else {}
    event = with_exception({"values": [link("Inner", **mechanism), link("Outer", exception_id=0)]})
    assert event.exception_type == "Inner"
    assert [each.exception_type for each in event.chain] == ["Outer"]


@pytest.mark.parametrize(
    "mechanism",
    [
        {"source": "__context__", "exception_id": 0, "parent_id": 0},
        {"source": "__context__", "exception_id": "x", "parent_id": []},
        {"source": 7, "exception_id": -1, "parent_id": 99},
        "odd",
    ],
)
def test_the_newest_is_there_whatever_it_says_of_itself(mechanism: object) -> None:
    newest = link("Newest") | {"mechanism": mechanism}
    assert with_exception({"values": [newest]}).exception_type == "Newest"
    event = with_exception({"values": [link("Older"), newest]})
    assert "Newest" in {event.exception_type, *(each.exception_type for each in event.chain)}


def test_a_single_exception_needs_no_list() -> None:
    event = with_exception(link("Lonely"))
    assert (event.exception_type, event.stacktrace[0].file) == ("Lonely", "shop/lonely.py")
