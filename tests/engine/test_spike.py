"""A spike is improbable for its stream, and is reported once and soon."""

import math
import random
import struct
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.statistics.baseline import Baseline, new_baseline, quiet_at, read
from engine.statistics.earlier_baselines import take_over
from engine.statistics.spike import LOOK_EVERY_MIN, Alarm, Kind, observe, usual_per_min
from engine.statistics.time_scales import Learned

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
    before = usual_per_min(baseline, start)
    alarms(baseline, poisson(50.0, 60 * MINUTE, "burst", start))
    after = usual_per_min(baseline, start + 60 * MINUTE)
    assert after == pytest.approx(before, rel=0.2)


def test_a_new_level_is_the_usual_one_after_a_day() -> None:
    baseline, start = settled(0.5)
    assert alarms(baseline, poisson(10.0, 3 * DAY, "level", start))[0][1].kind == "spike"
    usual = usual_per_min(baseline, start + 3 * DAY)
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
    usual = usual_per_min(baseline, risen + DAY + 10 * MINUTE)
    assert usual == pytest.approx(10.0, rel=0.05)


def test_a_second_level_is_the_usual_one_after_a_day_as_the_first_was() -> None:
    baseline, start = settled(0.5)
    for number, level in enumerate((20.0, 400.0)):
        risen = start + number * 1.1 * DAY
        found = alarms(baseline, poisson(level, 1.1 * DAY, f"level {level}", risen))
        assert [alarm.kind for _, alarm in found] == ["spike"]
        usual = usual_per_min(baseline, risen + 1.1 * DAY)
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
    assert len(young.packed) == len(old.packed) <= 81
    assert len(old.minutes) <= 16 * (32 + LOOK_EVERY_MIN)


def test_bursts_make_the_state_no_larger_than_sixteen_of_them() -> None:
    baseline, _, _ = bursts_every_day(20)
    assert len(baseline.packed) <= len(new_baseline(0.0).packed) + 16 * 16


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
        numbers = (baseline.usual_per_min, baseline.threshold, usual_per_min(baseline, at))
        assert all(map(math.isfinite, numbers))


def quietly(until: float, every: float = 600.0) -> Baseline:
    """A stream with an event every ten minutes, the last of them ten minutes before `until`."""
    baseline = new_baseline(0.0)
    assert alarms(baseline, [every * n for n in range(int(until / every))]) == []
    return baseline


def test_five_times_its_first_height_is_much_worse_and_one_event_less_is_not() -> None:
    baseline, start = quietly(DAY + 480.0), DAY + 480.0
    first = [observe(baseline, start + 60.0 * n, 40) for n in range(5)]
    assert [alarm.kind for alarm in first if alarm] == ["spike"]
    # The window of heights has been five minutes long with all 200 events, so it was 40 high.
    five_times_five_minutes = 5 * 40 * 5
    later = start + 1440.0
    assert observe(baseline, later, five_times_five_minutes - 1) is None
    worse = observe(baseline, later + 1.0, 1)
    assert worse is not None
    assert (worse.kind, worse.count, worse.threshold, worse.window_s) == (
        "escalated",
        five_times_five_minutes,
        five_times_five_minutes,
        300,
    )


@pytest.mark.parametrize(("after", "kinds"), [(299.0, ["spike"]), (300.0, ["spike", "escalated"])])
def test_what_comes_within_five_minutes_is_the_first_height_of_a_burst(
    after: float, kinds: list[str]
) -> None:
    baseline, start = quietly(DAY + 300.0), DAY + 300.0
    found = [observe(baseline, at, n) for at, n in ((start, 100), (start + 1, 1))]
    found += [observe(baseline, start + after, 1900), observe(baseline, start + 320.0, 1900)]
    assert [alarm.kind for alarm in found if alarm] == kinds


def test_a_rise_that_lasts_is_counted_over_the_window_that_shows_it_best() -> None:
    baseline, start = quietly(4 * DAY), 4 * DAY
    ((at, alarm),) = alarms(baseline, [start + MINUTE * n for n in range(15)])
    minutes = int((at - start) // MINUTE) + 1
    assert minutes <= 10
    assert alarm.count >= 5
    assert alarm.window_s in {60 * length for length in range(5, 33)}
    assert alarm.rate == pytest.approx(alarm.count / (alarm.window_s / MINUTE))
    assert alarm.threshold <= alarm.count


def test_a_crowded_minute_now_and_then_hides_no_rise_that_lasts() -> None:
    """Once a day, fifty events come within a minute; the rise is one a minute."""
    baseline, days = new_baseline(0.0), 5
    usual = [600.0 * n for n in range(int(days * DAY / 600.0))]
    crowded = [day * DAY + 7_230.0 + second for day in range(days) for second in range(25)] * 2
    alarms(baseline, sorted(usual + crowded))
    assert alarms(baseline, [days * DAY + MINUTE * n for n in range(30)])


def test_fewer_than_five_events_are_no_burst_however_rare_they_are() -> None:
    baseline = quietly(20 * DAY, every=5 * DAY)
    found = [observe(baseline, 20 * DAY + MINUTE * n) for n in range(5)]
    assert found[:4] == [None] * 4
    assert found[4] is not None
    assert found[4].count == 5


@pytest.mark.parametrize(("at", "found"), [(40 * MINUTE, False), (70 * MINUTE, True)])
def test_a_stream_has_no_burst_before_half_an_hour_of_it_is_learned(at: float, found: bool) -> None:
    baseline = new_baseline(0.0)
    assert observe(baseline, 0.0) is None
    assert (observe(baseline, at, 500) is not None) == found


def test_the_higher_the_surprise_that_is_asked_for_the_more_events_it_takes() -> None:
    needed = []
    for nats in (8.0, 10.0, 14.0):
        baseline, start = settled(1.0)
        needed.append(
            next(n for n in range(1, 100) if observe(baseline, start + 30.0, nats=nats)),
        )
    assert needed == sorted(set(needed))


BURST = [*range(0, 600, 12)]
"""Fifty events in ten minutes, in seconds after its beginning."""


def burst_at(baseline: Baseline, start: float, times: int = 1) -> list[Alarm]:
    events = [(start + second, times) for second in BURST]
    return [alarm for at, n in events if (alarm := observe(baseline, at, n)) is not None]


def bursts_every_day(days: int) -> tuple[Baseline, list[Kind], float]:
    """A stream that bursts alike each day: what was said, and when the next burst is due."""
    baseline = quietly(4 * DAY)
    said: list[Kind] = []
    for day in range(4, 4 + days):
        for quarter in range(1, 96):
            observe(baseline, day * DAY + quarter * 900.0 - 600.0)
        said += [alarm.kind for alarm in burst_at(baseline, (day + 1) * DAY)]
    return baseline, said, (days + 5) * DAY


def test_after_three_like_bursts_in_a_week_one_more_is_as_usual() -> None:
    _, said, _ = bursts_every_day(6)
    assert said == ["spike"] * 3 + ["as_usual"] * 3


def test_a_burst_as_usual_says_how_many_there_were() -> None:
    baseline, _, start = bursts_every_day(6)
    (alarm,) = burst_at(baseline, start)
    assert (alarm.kind, alarm.like) == ("as_usual", 6)
    assert observe(baseline, start + 601.0) is None
    assert baseline.bursts == 7


def test_a_burst_that_is_higher_than_the_usual_ones_is_a_spike() -> None:
    baseline, _, start = bursts_every_day(6)
    assert "spike" in [alarm.kind for alarm in burst_at(baseline, start, times=3)]


def test_a_burst_that_lasts_longer_than_the_usual_ones_is_a_spike_once_it_does() -> None:
    baseline, _, start = bursts_every_day(6)
    longer = [start + 12.0 * n for n in range(150)]
    said = alarms(baseline, longer)
    assert [alarm.kind for _, alarm in said] == ["as_usual", "spike"]
    assert said[1][0] - start > 600.0


def test_usual_bursts_are_forgotten_after_a_week() -> None:
    baseline, _, start = bursts_every_day(6)
    alarms(baseline, [start + 600.0 * n for n in range(int(8 * DAY / 600.0))])
    (alarm,) = burst_at(baseline, start + 8.1 * DAY)
    assert alarm.kind == "spike"


def test_what_earlier_versions_knew_of_a_stream_is_taken_over() -> None:
    """One event a minute for four days, in the form of versions up to 0.1: 27 numbers."""
    known = [0.0] * 27
    known[0], known[8] = 4 * DAY, 4 * DAY
    minutes = 3_600.0
    for first, windows, each in (
        (9, minutes, 2.0),
        (15, minutes / 5, 10.0),
        (21, minutes / 15, 30.0),
    ):
        known[first + 2 : first + 5] = windows, windows * each, windows * (each * each + each)
    assert_is_one_a_minute_for_four_days(Baseline(struct.pack("<27d", *known)))


def test_what_version_0_1_knew_of_a_stream_is_taken_over() -> None:
    """The same in its form: buckets of five scales, and what is learned of all that left them."""
    learned = 3_600.0
    counts = [0.0] * 12 + [learned, learned * 5.0]
    packed = struct.pack("<34f3d", *counts, *counts, learned, *[0.0] * 5, 4 * DAY, 0.0, 0.0)
    burst = struct.pack("<dff", 2 * DAY, 50.0, 10.0)
    assert_is_one_a_minute_for_four_days(Baseline(packed + burst, 4 * DAY, 3, 7))


def test_evened_events_of_version_0_1_are_taken_over_as_they_were_learned() -> None:
    numbers = [float(number) for number in range(1, 35)]
    baseline = Baseline(struct.pack("<34f3d", *numbers, 1.0, 2.0, 3.0), 4 * DAY)
    take_over(baseline)
    stream = read(baseline)
    assert (stream.events, stream.evened) == (Learned(13.0, 14.0), Learned(27.0, 28.0))
    assert stream.learned_min == 29.0


def assert_is_one_a_minute_for_four_days(baseline: Baseline) -> None:
    take_over(baseline)
    again = msgspec.json.decode(msgspec.json.encode(baseline), type=Baseline)
    take_over(again)
    assert again == baseline
    assert usual_per_min(baseline, 4 * DAY) == pytest.approx(1.0, rel=0.01)
    assert observe(baseline, 4 * DAY + 1.0, 3) is None
    assert 6 <= baseline.threshold <= 25
    assert observe(baseline, 4 * DAY + 1.0, 60) is not None


@pytest.mark.parametrize("seed", range(8))
def test_a_stream_that_is_hardly_looked_at_raises_the_same_alarms(seed: int) -> None:
    dice = random.Random(f"looks {seed}")
    rarely, always = new_baseline(0.0), new_baseline(0.0)
    rate, at, looks, events = 10.0 ** dice.uniform(-2.0, 0.7), 0.0, 0, 0
    for part in range(40):
        factor = dice.choice([1, 3, 10, 30]) if part % 2 and part > 10 else 1
        lasts = dice.uniform(0.2, 3.0) * (3_600.0 if factor > 1 else DAY)
        lasts = min(lasts, 2_500 / (rate * factor) * 60.0)
        for event_at in poisson(rate * factor, lasts, f"{seed} {part}", at):
            packed = rarely.packed
            always.spare = 0
            found = [observe(each, event_at) for each in (rarely, always)]
            told = [each and (each.kind, each.count, each.window_s, each.like) for each in found]
            assert told[0] == told[1]
            looks += rarely.packed is not packed
            events += 1
        at += lasts
    assert looks < events / 2
