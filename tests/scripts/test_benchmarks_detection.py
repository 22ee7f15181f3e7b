"""The detection benchmark measures what it says: its streams, its rules, and the engine's words."""

import random
from statistics import fmean, pvariance

import pytest

from scripts.commands.benchmarks.detection.__main__ import main
from scripts.commands.benchmarks.detection.alarms import (
    Alarm,
    EngineDetector,
    Series,
    baseline_alone,
    ratio_rule,
    times_s,
    with_cool_down,
)
from scripts.commands.benchmarks.detection.figures import QuietFigures, SpikeFigures
from scripts.commands.benchmarks.detection.grouping import hold_as_one
from scripts.commands.benchmarks.detection.series import COOL_DOWN_BUCKETS, load_series, score
from scripts.commands.benchmarks.detection.streams import (
    BEGINS,
    DAY_MIN,
    MONTH_MIN,
    SPIKE_MIN,
    Kind,
    Plan,
    Simulated,
    poisson,
    quiet_streams,
    simulate,
    spike_streams,
)
from scripts.commands.benchmarks.engine_process import EngineProcess
from tests import builders
from tests.shared_data import FOLDER, needs_shared_data

SMALL = Plan(0.1, quiet_days=1, quiet_reps=2, spike_reps=1, factors=(10,))


def of_counts(counts: list[int]) -> Series:
    return Series("test", BEGINS, 60.0, counts)


def alarm_at(slot: int, nth: int = 1) -> Alarm:
    return Alarm(slot, nth, "opened")


# --- the simulator -----------------------------------------------------------------------------


@pytest.mark.parametrize("mean", [0.05, 3.0, 1200.0])
def test_the_variance_of_a_poisson_number_is_its_mean(mean: float) -> None:
    draw = random.Random(1)
    drawn = [poisson(mean, draw) for _ in range(4_000 if mean > 1_000 else 40_000)]
    assert fmean(drawn) == pytest.approx(mean, rel=0.1)
    assert pvariance(drawn) == pytest.approx(mean, rel=0.15)


def test_the_variance_of_negbin_counts_is_the_mean_and_half_its_square() -> None:
    counts = simulate("negbin", 10.0, 20_000, random.Random(1))
    assert fmean(counts) == pytest.approx(10.0, rel=0.05)
    assert pvariance(counts) == pytest.approx(60.0, rel=0.1)


def test_retries_come_in_clusters_of_the_same_rate() -> None:
    counts = simulate("retry", 1.0, 60_000, random.Random(1))
    assert fmean(counts) == pytest.approx(1.0, rel=0.05)
    assert pvariance(counts) > 2.5
    rare = simulate("retry", 0.001, 600_000, random.Random(1))
    starts = [at for at, count in enumerate(rare) if count and not rare[at - 1]]
    sizes = [rare[at] + rare[at + 1] for at in starts]
    assert min(sizes) >= 1
    assert fmean(sizes) == pytest.approx(4.0, rel=0.15)
    assert sum(rare) == sum(sizes), "a cluster ends within two minutes"


def test_a_day_goes_from_a_tenth_to_nearly_twice_the_rate() -> None:
    counts = simulate("daily", 100.0, DAY_MIN, random.Random(1))
    assert fmean(counts) == pytest.approx(100.0, rel=0.02)
    assert fmean(counts[330:390]) == pytest.approx(190.0, rel=0.03)
    assert fmean(counts[1050:1110]) == pytest.approx(10.0, rel=0.2)


def test_a_ramp_is_eight_times_the_rate_in_the_middle_of_a_month() -> None:
    counts = simulate("ramp", 10.0, MONTH_MIN, random.Random(1))
    middle = MONTH_MIN // 2
    assert fmean(counts[:60]) == pytest.approx(10.0, rel=0.15)
    assert fmean(counts[middle - 60 : middle + 60]) == pytest.approx(80.0, rel=0.05)
    assert fmean(counts[-60:]) == pytest.approx(10.0, rel=0.15)


@pytest.mark.parametrize("kind", ["poisson", "negbin", "retry"])
def test_a_spike_multiplies_the_rate_for_half_an_hour(kind: Kind) -> None:
    counts = simulate(kind, 50.0, 200, random.Random(1), [100], 10)
    assert fmean(counts[: 100 - 1]) == pytest.approx(50.0, rel=0.2)
    assert fmean(counts[101 : 100 + SPIKE_MIN]) == pytest.approx(500.0, rel=0.3)
    assert fmean(counts[131:]) < 100.0


def test_three_spikes_come_twice_a_day_from_the_third_day_on() -> None:
    for stream in spike_streams([SMALL], 1):
        assert len(stream.spikes) == 3
        assert stream.spikes[0] >= 2 * DAY_MIN
        assert all(b - a >= 360 for a, b in zip(stream.spikes, stream.spikes[1:], strict=False))


def test_a_stream_is_the_same_for_a_seed_and_another_for_another() -> None:
    of_seed = [[one.series.counts for one in quiet_streams([SMALL], seed)] for seed in (1, 1, 2)]
    assert of_seed[0] == of_seed[1]
    assert of_seed[0] != of_seed[2]


# --- the ratio rule ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("counts", "alarms"),
    [
        ([2], []),
        ([3], [alarm_at(0, 3)]),
        ([4], [alarm_at(0, 3)]),
        # 0.3 of the mean 1, times three: one event is enough.
        ([1, 0, 0, 1], [alarm_at(3, 1)]),
        # 0.3 of 10 times three are nine.
        ([10, 8], [alarm_at(0, 3)]),
        ([10, 9], [alarm_at(0, 3), alarm_at(1, 9)]),
    ],
)
def test_the_ratio_rule_compares_a_slot_with_the_average_of_slots_that_had_events(
    counts: list[int], alarms: list[Alarm]
) -> None:
    assert ratio_rule(of_counts(counts)) == alarms


def test_the_ratio_rule_is_quiet_at_a_steady_rate_that_it_knows() -> None:
    alarms = ratio_rule(of_counts([10] * 50 + [29, 10, 31]))
    assert [alarm.slot for alarm in alarms if alarm.slot > 10] == [52]


def test_a_cool_down_keeps_the_first_alarm_and_those_long_after() -> None:
    cooled = with_cool_down(lambda _: [alarm_at(at) for at in (0, 1, 9, 10, 11, 20)], 10)
    assert [alarm.slot for alarm in cooled(of_counts([]))] == [0, 10, 20]


@needs_shared_data
def test_the_ratio_rule_scores_on_real_series_what_was_published_of_it() -> None:
    folder = FOLDER / "bench/spikes"
    all_series = load_series(folder)
    said = score({one.name: (one, ratio_rule(one)) for one in all_series}, folder)
    assert said.split()[-1] == "-440.35"
    cooled = with_cool_down(ratio_rule, COOL_DOWN_BUCKETS)
    said = score({one.name: (one, cooled(one)) for one in all_series}, folder)
    assert said.split()[-1] == "45.53"
    assert score({}, folder).split()[-1] == "0.00"


# --- the engine --------------------------------------------------------------------------------

STEADY = [n % 2 for n in range(3 * DAY_MIN)]
BURST = of_counts([*STEADY, 100, *STEADY])


def test_an_alarm_of_the_engine_is_at_the_event_that_raised_it() -> None:
    with EngineProcess() as process:
        engine = EngineDetector(process)
        for _ in range(2):
            assert engine(of_counts(STEADY)) == []
            assert engine(BURST) == baseline_alone(BURST)
            [alarm] = engine(BURST)
            assert alarm.slot == len(STEADY)
            assert 1 < alarm.nth <= 100
        assert engine.others == 0


def test_each_event_has_a_time_within_its_slot() -> None:
    times = [at - BEGINS for at in times_s(of_counts([1, 0, 2]))]
    assert times == [30.0, 135.0, 165.0]


def test_a_line_that_the_engine_cannot_read_ends_the_measurement() -> None:
    with EngineProcess() as process, pytest.raises(RuntimeError, match="cannot read"):
        process.feed([b"{nonsense\n"])


def test_two_events_are_one_issue_if_the_second_is_no_news() -> None:
    event, other = builders.event(), builders.event(exception_type="KeyError")
    assert hold_as_one([(event, event), (event, other), (other, other)]) == 2


# --- the figures -------------------------------------------------------------------------------


def test_false_alarms_are_told_by_the_month_of_a_stream() -> None:
    figures = QuietFigures()
    stream = Simulated(of_counts([0] * (MONTH_MIN // 2)), "poisson", 1.0)
    figures.add(stream, [alarm_at(3)])
    figures.add(stream, [])
    figures.add(Simulated(stream.series, "ramp", 1.0), [])
    assert figures.by_cell() == {("poisson", 1.0): 1.0, ("ramp", 1.0): 0.0}
    assert figures.overall() == 0.5


def test_a_spike_is_found_by_an_alarm_until_a_minute_after_it() -> None:
    figures = SpikeFigures()
    series = of_counts([1] * 400)
    stream = Simulated(series, "poisson", 1.0, 5, (100, 200, 300))
    alarms = [alarm_at(99), alarm_at(102), alarm_at(103), alarm_at(230), alarm_at(331)]
    figures.add(stream, alarms)
    assert figures.recall(5, [1.0]) == pytest.approx(2 / 3)
    assert figures.recall(5, [1.0], ["negbin"]) is None
    assert figures.delay(5, 1.0, "poisson") == (16.0, 17.0)
    [row] = [line for line in figures.lines() if line.startswith("1/min")]
    assert float(row.split()[-1]) == pytest.approx(2 * MONTH_MIN / 400)
    assert figures.recall(10, [1.0]) is None


def test_a_small_run_prints_its_tables(capsys: pytest.CaptureFixture[str]) -> None:
    rest = ["--quick", "--max-rate", "0.01", "--only", "quiet", "--only", "spikes"]
    assert main(rest) == 0
    said = capsys.readouterr().out
    assert said.count("ratio rule\n") == 2
    assert "wanted under 0.3 a month overall" in said
    assert main(["--direct", *rest]) == 0
    assert "opens the same in 6 of 6 streams" in capsys.readouterr().out
