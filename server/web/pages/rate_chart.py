"""Draws the chart of an incident's events, as shapes for an SVG. Pure.

Its words are HTML beside it: letters within the SVG would shrink with it on a phone.
"""

from datetime import datetime

import msgspec

from server.incidents.rate import Rate, RatePoint
from server.wording.formats import clock
from server.wording.numbers import say_number, say_span

WIDTH = 720
HEIGHT = 160
_HEADROOM = 1.08
_LEAST_BAR = 1.5


class Bar(msgspec.Struct, frozen=True):
    """A rectangle that stands on the ground, and what it says."""

    x: float
    y: float
    width: float
    height: float
    words: str


class Mark(msgspec.Struct, frozen=True):
    """A moment, and what happened then."""

    x: float
    at: datetime
    words: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """The chart, in the units of the SVG. The ground is at `HEIGHT`.

    `window` are the events before it opened that made it a spike, spread over their window. `band`
    and `usual` are heights: above them, a rate is a spike, or more than usual.
    """

    rate: Rate
    about: str
    top: str
    bars: list[Bar]
    window: Bar | None
    band: float | None
    usual: float | None
    opened: Mark
    deploys: list[Mark]
    rows: list[tuple[datetime, str]]


def draw(rate: Rate, what: str) -> Chart:
    """Return the chart of `rate`, whose events are called `what`."""
    baseline = rate.baseline
    in_window = 0.0
    if baseline is not None:
        in_window = baseline.window_events / baseline.window_min * rate.step_min
    highest = max([1.0, in_window, *(point.events for point in rate.points)])
    # A band far above all bars would press them flat, so it fills the picture then.
    full = highest * _HEADROOM

    def x_of(moment: datetime) -> float:
        share = (moment - rate.begin) / (rate.end - rate.begin)
        return round(WIDTH * min(1.0, max(0.0, share)), 2)

    def y_of(events: float) -> float:
        return round(HEIGHT * (1 - min(1.0, events / full)), 2)

    ends = [*(point.at for point in rate.points[1:]), rate.end]
    bars = [
        _bar(
            x_of(point.at),
            x_of(end),
            y_of(point.events),
            f"{clock(point.at)} UTC: {_count(point)} {what}",
        )
        for point, end in zip(rate.points, ends, strict=True)
        if point.events
    ]
    window = None
    if baseline is not None:
        span = say_span(baseline.window_min)
        opened_x = x_of(rate.opened_at)
        width = baseline.window_min / rate.step_min * (x_of(ends[0]) - opened_x)
        window = _bar(
            max(0.0, opened_x - width),
            opened_x,
            y_of(in_window),
            f"{baseline.window_events:,} {what} in the {span} before it opened",
        )
    return Chart(
        rate=rate,
        about=_about(rate, what),
        top=f"up to {say_number(round(highest))}",
        bars=bars,
        window=window,
        band=None if baseline is None else y_of(baseline.spike_from),
        usual=None if baseline is None else y_of(baseline.usual),
        opened=Mark(x_of(rate.opened_at), rate.opened_at, "opened"),
        deploys=[
            Mark(x_of(each.at), each.at, each.release or each.deploy_id[:10])
            for each in rate.deploys
        ],
        rows=[(point.at, _count(point)) for point in rate.points],
    )


def _bar(left: float, right: float, top: float, words: str) -> Bar:
    gap = 0.15 * (right - left)
    top = min(top, HEIGHT - _LEAST_BAR)
    return Bar(
        round(left + gap / 2, 2),
        top,
        round(right - left - gap, 2),
        round(HEIGHT - top, 2),
        words,
    )


def _count(point: RatePoint) -> str:
    return f"{point.events:,} or more" if point.at_least else f"{point.events:,}"


def _about(rate: Rate, what: str) -> str:
    most = max(rate.points, key=lambda point: point.events)
    said = (
        f"The incident opened at {clock(rate.opened_at)} UTC. "
        f"The peak was {_count(most)} {what} in the {say_span(rate.step_min)} "
        f"from {clock(most.at)} UTC."
    )
    if rate.baseline is not None:
        said += (
            f" Usual is {say_number(rate.baseline.usual)}; a spike starts at about "
            f"{say_number(rate.baseline.spike_from)}."
        )
    return said
