"""A spike is improbable for its stream, and is reported once and soon."""

import math
import random
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.statistics import negative_binomial
from engine.statistics.spike import Alarm, Baseline, new_baseline, observe, quiet_at, reading
from engine.statistics.time_scales import ALARM_NATS, SCALES

MINUTE = 60.0
DAY = 86_400.0


def poisson(rate: float, seconds: float, seed: str, start: float = 0.0) -> Iterator[float]:
    """Times of events, `rate` a minute, from `start` for so many seconds."""
    dice = random.Random(seed)
    at = start
    while (at := at + dice.expovariate(rate) * MINUTE) < start + seconds:
        yield at


def alarms(baseline: Baseline, times: Iterator[float] | list[float]) -> list[tuple[float, Alarm]]:
    found = ((at, observe(baseline, at)) for at in times)
    return [(at, alarm) for at, alarm in found if alarm is not None]


def settled(rate: float, days: float = 3.0, seed: str = "settled") -> tuple[Baseline, float]:
    """A stream that has had this rate for some days, and the moment at which the days end."""
    baseline = new_baseline(0.0)
    alarms(baseline, poisson(rate, days * DAY, seed))
    return baseline, days * DAY


@pytest.mark.parametrize("rate", [0.01, 0.1, 1.0, 10.0])
def test_a_quiet_week_raises_no_alarm_from_the_first_event_on(rate: float) -> None:
    baseline = new_baseline(0.0)
    assert alarms(baseline, poisson(rate, 7 * DAY, f"quiet {rate}")) == []


@pytest.mark.parametrize("rate", [0.1, 1.0, 10.0])
def test_a_daily_rhythm_is_no_spike(rate: float) -> None:
    """By day up to 1.9 times the rate, by night down to a tenth of it."""
    dice = random.Random(f"rhythm {rate}")
    times = [
        at
        for at in poisson(1.9 * rate, 7 * DAY, f"rhythm {rate}")
        if dice.random() < (1.0 + 0.9 * math.sin(2.0 * math.pi * at / DAY)) / 1.9
    ]
    assert alarms(new_baseline(0.0), times) == []


@pytest.mark.parametrize("seed", range(10))
def test_ten_times_the_usual_one_a_minute_is_found_within_minutes(seed: int) -> None:
    baseline, start = settled(1.0, seed=f"before {seed}")
    found = alarms(baseline, poisson(10.0, 30 * MINUTE, f"burst {seed}", start))
    assert found
    at, alarm = found[0]
    assert at - start <= 4 * MINUTE
    assert alarm.kind == "spike"
    assert alarm.count > alarm.usual * alarm.window_s / MINUTE
    assert alarm.log10_p < -3


@pytest.mark.parametrize("seed", range(10))
def test_a_moderate_rise_that_lasts_is_found(seed: int) -> None:
    baseline, start = settled(1.0, seed=f"before {seed}")
    assert alarms(baseline, poisson(5.0, 30 * MINUTE, f"rise {seed}", start))


def test_one_burst_is_one_alarm_and_after_quiet_the_next_one_is_another() -> None:
    baseline, start = settled(0.5)
    first = alarms(baseline, poisson(30.0, 20 * MINUTE, "first", start))
    assert [alarm.kind for _, alarm in first] == ["spike"]
    assert alarms(baseline, poisson(0.5, DAY, "between", start + 20 * MINUTE)) == []
    second = alarms(baseline, poisson(60.0, 20 * MINUTE, "second", start + 1.1 * DAY))
    assert [alarm.kind for _, alarm in second][:1] == ["spike"]


def test_what_gets_much_worse_within_a_burst_is_said_once_more_and_no_oftener() -> None:
    baseline, start = settled(0.5)
    burst = [*poisson(20.0, 15 * MINUTE, "first", start)]
    worse = [*poisson(400.0, 15 * MINUTE, "worse", start + 15 * MINUTE)]
    kinds = [alarm.kind for _, alarm in alarms(baseline, burst + worse)]
    assert kinds == ["spike", "escalated"]


def test_nothing_is_learned_from_a_burst_while_it_lasts() -> None:
    baseline, start = settled(0.5)
    before = reading(baseline, start)["usual_per_min"]
    alarms(baseline, poisson(50.0, 60 * MINUTE, "burst", start))
    after = reading(baseline, start + 60 * MINUTE)["usual_per_min"]
    assert after == pytest.approx(before, rel=0.2)


def test_a_new_level_is_the_usual_one_after_a_day() -> None:
    baseline, start = settled(0.5)
    assert alarms(baseline, poisson(10.0, 3 * DAY, "level", start))[0][1].kind == "spike"
    usual = reading(baseline, start + 3 * DAY)["usual_per_min"]
    assert 5.0 < usual < 20.0


@pytest.mark.parametrize("first", [20.0, 200.0])
def test_what_an_earlier_burst_had_is_no_part_of_a_new_level(first: float) -> None:
    baseline, start = settled(0.5)
    burst = alarms(baseline, poisson(first, 40 * MINUTE, "first", start))
    assert [alarm.kind for _, alarm in burst] == ["spike"]
    assert alarms(baseline, poisson(0.5, DAY, "between", start + 40 * MINUTE)) == []
    risen = start + DAY + 40 * MINUTE
    level = alarms(baseline, poisson(10.0, DAY + 10 * MINUTE, "level", risen))
    assert [alarm.kind for _, alarm in level] == ["spike"]
    usual = reading(baseline, risen + DAY + 10 * MINUTE)["usual_per_min"]
    assert usual == pytest.approx(10.0, rel=0.05)


def test_a_second_level_is_the_usual_one_after_a_day_as_the_first_was() -> None:
    baseline, start = settled(0.5)
    for number, level in enumerate((20.0, 400.0)):
        risen = start + number * 1.1 * DAY
        found = alarms(baseline, poisson(level, 1.1 * DAY, f"level {level}", risen))
        assert [alarm.kind for _, alarm in found] == ["spike"]
        usual = reading(baseline, risen + 1.1 * DAY)["usual_per_min"]
        assert usual == pytest.approx(level, rel=0.05)


@pytest.mark.parametrize(("first", "worse"), [(20.0, 300.0), (150.0, 150.0), (20.0, 20.0)])
def test_a_second_burst_that_gets_much_worse_is_said_once_more_whatever_the_first_did(
    first: float, worse: float
) -> None:
    baseline, start = settled(0.5)
    for at, rates in ((start, (first, worse)), (start + DAY, (20.0, 300.0))):
        burst = [*poisson(rates[0], 15 * MINUTE, "burst", at)]
        burst += poisson(rates[1], 15 * MINUTE, "worse", at + 15 * MINUTE)
        kinds = [alarm.kind for _, alarm in alarms(baseline, burst)]
        assert kinds == (["spike", "escalated"] if rates[1] > rates[0] else ["spike"])
        alarms(baseline, poisson(0.5, 0.9 * DAY, "quiet", at + 30 * MINUTE))


def test_the_moment_of_quiet_only_moves_later() -> None:
    baseline, start = settled(0.5)
    last = 0.0
    for at in poisson(30.0, 30 * MINUTE, "burst", start):
        observe(baseline, at)
        assert quiet_at(baseline) >= last
        last = quiet_at(baseline)
    assert last > start


def test_the_state_has_one_size_whatever_the_history() -> None:
    young, old = new_baseline(0.0), settled(10.0)[0]
    assert len(young.packed) == len(old.packed) < 256


@given(
    st.lists(st.tuples(st.floats(0, 3600), st.integers(1, 50)), min_size=1, max_size=60),
    st.integers(0, 59),
)
def test_a_stream_that_was_stored_goes_on_the_same(
    steps: list[tuple[float, int]], cut: int
) -> None:
    whole, stored = new_baseline(0.0), new_baseline(0.0)
    at = 0.0
    for number, (pause, count) in enumerate(steps):
        at += pause
        if number == cut:
            stored = msgspec.json.decode(msgspec.json.encode(stored), type=Baseline)
        assert observe(whole, at, count) == observe(stored, at, count)
    assert whole == stored


@given(st.lists(st.floats(-1e6, 1e12, allow_nan=False), max_size=50))
def test_no_order_of_times_breaks_it(times: list[float]) -> None:
    baseline = new_baseline(0.0)
    for at in times:
        observe(baseline, at)
        assert all(map(math.isfinite, reading(baseline, at).values()))


def quietly(until: float) -> Baseline:
    """A stream with an event every ten minutes, the last of them ten minutes before `until`."""
    baseline = new_baseline(0.0)
    assert alarms(baseline, [600.0 * n for n in range(int(until / 600.0))]) == []
    return baseline


def test_five_times_its_first_height_is_much_worse_and_one_event_less_is_not() -> None:
    baseline, start = quietly(DAY + 300.0), DAY + 300.0
    first = [observe(baseline, start, 100), observe(baseline, start + 10.0, 100)]
    assert [alarm.kind for alarm in first if alarm] == ["spike"]
    assert observe(baseline, start + 300.0, 799) is None
    worse = observe(baseline, start + 301.0, 1)
    assert worse is not None
    assert (worse.kind, worse.count, worse.threshold) == ("escalated", 1_000, 1_000.0)


@pytest.mark.parametrize(("after", "kinds"), [(299.0, ["spike"]), (300.0, ["spike", "escalated"])])
def test_what_comes_within_five_minutes_is_the_first_height_of_a_burst(
    after: float, kinds: list[str]
) -> None:
    baseline, start = quietly(DAY + 300.0), DAY + 300.0
    found = [observe(baseline, at, n) for at, n in ((start, 100), (start + 1, 1))]
    found += [observe(baseline, start + after, 900), observe(baseline, start + 320.0, 900)]
    assert [alarm.kind for alarm in found if alarm] == kinds


def rising(start: float, counts: tuple[int, ...]) -> list[float]:
    """So many events, one a minute, from the beginning of each quarter of an hour."""
    return [
        start + 900.0 * quarter + MINUTE * n
        for quarter, count in enumerate(counts)
        for n in range(count)
    ]


@pytest.mark.parametrize(("counts", "last"), [((4, 5, 15), 5), ((9, 0, 15), 0), ((8, 0, 0, 15), 0)])
def test_the_alarm_of_a_rise_that_lasts_counts_the_events_of_this_quarter_and_the_last(
    counts: tuple[int, ...], last: int
) -> None:
    baseline, start = quietly(4 * DAY), 4 * DAY
    ((at, alarm),) = alarms(baseline, rising(start, counts))
    assert alarm.window_s == 1_800
    running = int(at % 900.0 // MINUTE) + 1
    assert (alarm.count, alarm.rate) == (last + running, (last + running) / 30.0)


@pytest.mark.parametrize(
    ("scale", "minutes", "a_month"), [(0, 1, 0.03), (1, 5, 0.03), (2, 15, 0.3)]
)
def test_an_alarm_is_what_would_come_by_chance_as_often_as_the_budget_says(
    scale: int, minutes: int, a_month: float
) -> None:
    windows_a_month = 30 * 24 * 60 / (2 * minutes)
    assert SCALES[scale].bucket_min == minutes
    by_chance = math.exp(negative_binomial.log_tail(ALARM_NATS[scale])) * windows_a_month
    assert by_chance == pytest.approx(a_month, rel=1e-6)


@pytest.mark.parametrize(("at", "found"), [(15 * MINUTE - 1, False), (17 * MINUTE, True)])
def test_a_stream_has_no_burst_before_a_quarter_of_an_hour_of_it_is_known(
    at: float, found: bool
) -> None:
    baseline = new_baseline(0.0)
    assert observe(baseline, 0.0) is None
    assert (observe(baseline, at, 500) is not None) == found
