"""An open incident says how many events it has, and in which minute most of them came."""

import pytest

from shared.pipe import Incident
from tests import builders
from tests.engine.drive import of_type, run


def peak_s(*times: float) -> float:
    """The peak that is reported after events at `times`, in seconds after the start."""
    events = [builders.event_entry(n + 1, at) for n, at in enumerate(times)]
    told = of_type(run([*events, builders.tick(times[-1] + 600.0)]), Incident)
    assert told[-1].event_count == len(times)
    return (told[-1].peak_time - builders.START).total_seconds()


@pytest.mark.parametrize(
    ("times", "peak"),
    [
        ((0, 70), 0),
        ((0, 70, 80), 60),
        ((0, 119, 120, 130), 120),
        ((0, 60, 119, 120, 130), 60),
        ((0, 60, 70, 120, 130, 140), 120),
        ((0, 60, 70, 80, 120, 130, 180, 190), 60),
    ],
)
def test_the_peak_is_the_first_of_the_minutes_with_the_most_events(
    times: tuple[float, ...], peak: float
) -> None:
    assert peak_s(*times) == peak


@pytest.mark.parametrize(
    ("times", "peak"), [((30, 40, 60), 30), ((59, 60), 59), ((59, 60, 119), 60)]
)
def test_the_peak_is_never_before_the_first_event(times: tuple[float, ...], peak: float) -> None:
    assert peak_s(*times) == peak


def test_a_late_event_moves_no_peak() -> None:
    late = [builders.event_entry(n, 7_300, timestamp=builders.at(-3_600)) for n in (3, 4, 5)]
    first = [builders.event_entry(n, 7_200 + 30 * n) for n in (1, 2)]
    told = of_type(run([*first, *late, builders.tick(7_400)]), Incident)
    assert (told[-1].event_count, told[-1].peak_time) == (5, builders.at(7_230))


def test_an_event_a_little_out_of_order_belongs_to_the_running_minute() -> None:
    times = (0, 1, 2, 60, 61, 59, 62)
    events = [
        builders.event_entry(n + 1, max(times[: n + 1]), timestamp=builders.at(at))
        for n, at in enumerate(times)
    ]
    told = of_type(run([*events, builders.tick(600)]), Incident)
    assert told[-1].peak_time == builders.at(60)


@pytest.mark.parametrize(
    ("issues", "told"),
    [
        (1, [1, 2, 3, 5, 8, 12, 19, 29, 44, 66, 100, 150, 210, 270, 330, 390, 450, 510, 570, 630,
             694, 763, 839, 923, 1016, 1118, 1230, 1353, 1488]),
        (101, [218, 278, 338, 398, 458, 518, 578, 638, 702, 773, 850, 935, 1029, 1132, 1245, 1370]),
    ],
)  # fmt: skip
def test_counts_are_told_more_rarely_the_longer_an_incident_lasts(
    issues: int, told: list[int]
) -> None:
    events = [
        builders.event_entry(n + 1, n, stacktrace=[builders.frame(function=f"f{n % issues}")])
        for n in range(1_500)
    ]
    updated = [each for each in of_type(run(events), Incident) if each.change == "updated"]
    assert [round((each.last_seen - builders.START).total_seconds()) for each in updated] == told
