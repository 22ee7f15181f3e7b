"""The application's own frames in a trace count, the nearest first."""

import pytest

from engine.stack.own_places import places
from shared.event import ChainedException, Frame
from tests.builders import frame


def files(*frames: Frame) -> list[str]:
    return [place.file for place in places(frames, [])]


def test_frames_of_libraries_are_no_places() -> None:
    own = frame("shop/cart.py")
    library = frame("site-packages/django/base.py", in_app=True)
    unmarked = frame("shop/tax.py", in_app=False)
    assert files(library, own, unmarked) == ["shop/cart.py"]


def test_where_nothing_is_marked_all_but_libraries_count() -> None:
    trace = [frame("a.py", in_app=None), frame("node_modules/b.js", in_app=None)]
    assert files(*trace) == ["a.py"]
    assert files(frame("a.py", in_app=False), frame("<anonymous>", in_app=False)) == ["a.py"]


@pytest.mark.parametrize(
    "layer",
    ["execute", "_execute_with_wrappers", "executemany", "doExecute", "execute_sql", "exec"],
)
def test_layers_that_only_execute_what_they_are_given_come_last(layer: str) -> None:
    driver, layers = frame("sqlite3/base.py", "execute"), frame("db/utils.py", layer)
    own = [frame("shop/query.py", "find"), frame("shop/views.py", "execute_order")]
    found = places([driver, layers, *own], [])
    assert [place.file for place in found] == [
        "shop/query.py",
        "shop/views.py",
        "sqlite3/base.py",
        "db/utils.py",
    ]
    assert [place.depth for place in found] == [0, 1, 2, 3]


def test_where_all_frames_execute_they_stay_in_order() -> None:
    trace = [frame("a.py", "execute"), frame("b.py", "_execute")]
    assert files(*trace) == ["a.py", "b.py"]


def test_recursion_does_not_push_the_caller_away() -> None:
    trace = [frame(function="walk"), frame(function="walk"), frame(function="start")]
    assert [place.depth for place in places(trace, [])] == [0, 1]


def test_each_exception_of_a_chain_speaks_from_where_it_was_raised() -> None:
    cause = [frame(f"cause{number}.py") for number in range(30)]
    wrapped = ChainedException("RuntimeError", "failed", [frame("wrapper.py")])
    assert [place.file for place in places(cause, [wrapped])][:3] == [
        "cause0.py",
        "cause1.py",
        "wrapper.py",
    ]


def test_a_place_of_two_links_counts_where_it_is_nearest() -> None:
    shared = frame("both.py")
    wrapped = ChainedException("RuntimeError", "failed", [shared])
    trace = [frame(f"{number}.py") for number in range(5)]
    found = {place.file: place.depth for place in places([*trace, shared], [wrapped])}
    assert found["both.py"] == 1


def test_a_frame_that_says_nowhere_is_passed_over() -> None:
    assert files(frame(None, "<anonymous>"), frame("shop/cart.py")) == ["shop/cart.py"]
