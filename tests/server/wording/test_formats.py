"""How values are shown."""

from datetime import timedelta

import pytest

from server.wording.formats import ago, lasted, link_name, percent, place_of_frame, utc
from shared.event import Frame
from tests.builders import START


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (Frame("a.py", line=3), "a.py:3"),
        (Frame("a.py"), "a.py"),
        (Frame(module="pkg.mod", line=3), "pkg.mod:3"),
        (Frame(function="f", line=3), ""),
    ],
)
def test_the_place_of_a_frame_is_what_is_known_of_it(given: Frame, shown: str) -> None:
    assert place_of_frame(given) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-90, "just now"),
        (0, "just now"),
        (59, "just now"),
        (60, "1 min ago"),
        (3_599, "59 min ago"),
        (3_600, "1 h ago"),
        (86_399, "23 h ago"),
        (172_800, "2 d ago"),
    ],
)
def test_how_long_ago(seconds: int, shown: str) -> None:
    assert ago(START, START + timedelta(seconds=seconds)) == shown


@pytest.mark.parametrize(
    ("minutes", "shown"),
    [(-1, "under a minute"), (0, "under a minute"), (61, "1 h 1 min"), (1445, "1 d 5 min")],
)
def test_how_long_it_lasted(minutes: int, shown: str) -> None:
    assert lasted(START, START + timedelta(minutes=minutes)) == shown


def test_the_rest() -> None:
    assert utc(START) == "4 Mar 2025, 09:00:00 UTC"
    assert percent(0.588) == "59 %"
    assert link_name("source_url", "sentry") == "Open in Sentry"
    assert link_name("issue_url", "sentry") == "Issue"
    assert link_name("run_book", "x") == "Run book"
