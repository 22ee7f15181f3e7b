"""Measures which spikes are found, how soon, the false alarms, and the cost: docs/DETECTION.md.

Runs `python -m engine`: event lines in, incident lines out. An alarm is an incident with the
trigger `spike` that is opened or escalated. The environment is `staging`, where a new error opens
no incident that would absorb its first spike. Each stream is a service of its own, so that none
joins another's incident. Real series are skipped if they are missing.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence

import msgspec

from engine.statistics.alarm_budget import alarm_nats
from scripts.commands.benchmarks.detection import cost, grouping
from scripts.commands.benchmarks.detection.alarms import (
    Alarm,
    Detector,
    EngineDetector,
    baseline_alone,
    ratio_rule,
    with_cool_down,
)
from scripts.commands.benchmarks.detection.figures import QuietFigures, SpikeFigures
from scripts.commands.benchmarks.detection.plans import (
    BUDGET,
    BUDGET_FACTORS,
    BUDGET_ISSUES,
    BUDGET_RATES,
    DEFAULT,
    FULL,
    QUICK,
    quiet_targets,
    spike_targets,
)
from scripts.commands.benchmarks.detection.series import (
    COOL_DOWN_BUCKETS,
    SPIKES,
    load_series,
    score,
)
from scripts.commands.benchmarks.detection.streams import (
    Plan,
    Simulated,
    quiet_streams,
    spike_streams,
)
from scripts.commands.benchmarks.engine_process import EngineProcess

TABLES = ("quiet", "spikes", "budget", "series", "grouping", "cost")
QUICK_TABLES = ("quiet", "spikes", "budget", "grouping", "cost")
MEMORY_ISSUES = 100_000
QUICK_MEMORY_ISSUES = 20_000
MILLION = 1_000_000
NEW_TRACES = 10_000

SAMPLE_RATE = 1.0
SAMPLE_FACTORS = (1, 10)
"""With --direct, one stream of each kind up to this rate, quiet and of these, is given to both."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(
        prog="scripts/benchmarks/detection",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only", action="append", choices=TABLES, help="this table; may be given again"
    )
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="up to 10 a minute, without the series")
    size.add_argument("--full", action="store_true", help="30 days at every rate: an hour and more")
    parser.add_argument("--max-rate", type=float, help="leave out streams of more a minute")
    parser.add_argument("--reps", type=int, default=1, help="times the repetitions of each stream")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--direct", action="store_true", help="the baseline without the engine")
    parser.add_argument("--million", action="store_true", help="the memory of 1,000,000 issues too")
    options = parser.parse_args(arguments)
    plans = [
        _repeated(plan, options.reps)
        for plan in (QUICK if options.quick else FULL if options.full else DEFAULT)
        if options.max_rate is None or plan.rate <= options.max_rate
    ]
    print(__doc__)
    for table in options.only or (QUICK_TABLES if options.quick else TABLES):
        match table:
            case "quiet":
                print_quiet(plans, options.seed, direct=options.direct)
            case "spikes":
                print_spikes(plans, options.seed, direct=options.direct)
            case "budget":
                print_budget(options.seed)
            case "series":
                print_series(direct=options.direct)
            case "grouping":
                print_outage()
                print_pairs()
            case "cost":
                first = QUICK_MEMORY_ISSUES if options.quick else MEMORY_ISSUES
                print_cost((first, MILLION) if options.million else (first,))
    return 0


def _repeated(plan: Plan, times: int) -> Plan:
    return msgspec.structs.replace(
        plan, quiet_reps=plan.quiet_reps * times, spike_reps=plan.spike_reps * times
    )


def print_quiet(plans: Sequence[Plan], seed: int, *, direct: bool) -> None:
    """Print the false alarms where nothing happens, ours and the ratio rule's."""
    print(f"\n## False spike alarms in a month of a stream without spikes, seed {seed}\n")
    ours, theirs = QuietFigures(), QuietFigures()
    for stream, alarms in _asked(quiet_streams(plans, seed), direct=direct):
        ours.add(stream, alarms)
        theirs.add(stream, ratio_rule(stream.series))
    _print_lines("ours: alarms a month (how many in how many months)", ours.lines())
    _print_lines("ratio rule", theirs.lines())
    if plans:
        _print_lines("targets", quiet_targets(ours))


def print_spikes(plans: Sequence[Plan], seed: int, *, direct: bool) -> None:
    """Print which spikes are found and how soon, by ours and by the ratio rule."""
    print(f"\n## Spikes of 30 minutes, three from the third day on, seed {seed}\n")
    ours, theirs = SpikeFigures(), SpikeFigures()
    for stream, alarms in _asked(spike_streams(plans, seed), direct=direct):
        ours.add(stream, alarms)
        theirs.add(stream, ratio_rule(stream.series))
    print("recall / median delay in minutes / in events; outside: alarms a month outside spikes\n")
    _print_lines("ours", ours.lines())
    _print_lines("ratio rule", theirs.lines())
    _print_lines("targets", spike_targets(ours))


def print_budget(seed: int) -> None:
    """Print what is found where more issues share the budget, by the baseline alone."""
    print(f"\n## One budget for all issues: recall of spikes in one of them, seed {seed}\n")
    streams = list(spike_streams(BUDGET, seed))
    cells = [(rate, factor) for rate in BUDGET_RATES for factor in BUDGET_FACTORS]
    print(f"{'issues':<9}{'nats':>6}" + "".join(f"{f'x{f} at {r:g}/min':>15}" for r, f in cells))
    for issues in BUDGET_ISSUES:
        figures = SpikeFigures()
        for stream in streams:
            figures.add(stream, baseline_alone(stream.series, issues))
        recalls = (figures.recall(factor, (rate,)) or 0.0 for rate, factor in cells)
        row = "".join(f"{recall:>15.0%}" for recall in recalls)
        print(f"{issues:<9,}{alarm_nats(issues + 1):>6.1f}{row}")


def _asked(
    streams: Iterable[Simulated], *, direct: bool
) -> Iterable[tuple[Simulated, list[Alarm]]]:
    """Yield each stream with its alarms, and at the end how they were obtained."""
    with EngineProcess() as process:
        engine = EngineDetector(process)
        sample: dict[tuple[object, ...], bool] = {}
        for stream in streams:
            if not direct:
                yield stream, engine(stream.series)
                continue
            alarms = baseline_alone(stream.series)
            cell = stream.kind, stream.rate, stream.factor
            if (
                cell not in sample
                and stream.rate <= SAMPLE_RATE
                and stream.factor in SAMPLE_FACTORS
            ):
                sample[cell] = _opened(alarms) == _opened(engine(stream.series))
            yield stream, alarms
        if direct:
            print(
                f"without the engine, which opens the same in {sum(sample.values())} of "
                f"{len(sample)} streams that it was asked about too"
            )
        else:
            _print_engine(process, engine)


def _opened(alarms: Iterable[Alarm]) -> list[Alarm]:
    return [alarm for alarm in alarms if alarm.change == "opened"]


def _print_engine(process: EngineProcess, engine: EngineDetector) -> None:
    cost = process.cpu_s() / max(engine.events, 1) * 1e6
    print(f"{engine.events} events, {cost:.1f} us each in the engine;", end=" ")
    print(f"{engine.others} incidents of other triggers than spike\n")


def print_series(*, direct: bool) -> None:
    """Print the score on real counts, ours and the ratio rule's, by the scorer beside the data."""
    print("\n## Real series\n")
    all_series = load_series()
    if not all_series:
        print(f"skipped: there are no series at {SPIKES}")
        return
    detectors: dict[str, Detector] = {
        "ratio rule": ratio_rule,
        "ratio rule, silent for a day after an alarm": with_cool_down(
            ratio_rule, COOL_DOWN_BUCKETS
        ),
    }
    with EngineProcess() as process:
        engine = EngineDetector(process)
        ours: Detector = baseline_alone if direct else engine
        for name, detector in {"ours": ours, **detectors}.items():
            print(name)
            print(score({one.name: (one, detector(one)) for one in all_series}))
        if not direct:
            _print_engine(process, engine)
    print("wanted: at most 0.2 false alarms a day")


def print_outage() -> None:
    """Print what people hear of an outage of 500 issues."""
    print(f"\n## An outage of {grouping.ISSUES} issues in one service\n")
    print(f"all of them new:     {grouping.new_issues()}")
    print(f"known for some days: {grouping.known_issues()}")
    print("wanted: one incident, and one notification")


def print_pairs() -> None:
    """Print how many of the pairs in the tests are, or are not, one issue for the engine."""
    print("\n## Fingerprints: pairs of tests/engine\n")
    try:
        # They need not be there.
        from tests.engine.test_fingerprint import ONE_ISSUE, TWO_ISSUES  # noqa: PLC0415
        from tests.engine.test_messages import OTHER_TEXT, SAME_TEXT  # noqa: PLC0415
        from tests.engine.traces import of_trace  # noqa: PLC0415
    except ImportError as missing:
        print(f"skipped: {missing}")
        return
    marks = (True, None)
    traces = {
        "one issue, by the trace": ONE_ISSUE.values(),
        "two issues, by the trace": TWO_ISSUES.values(),
    }
    texts = {
        "one issue, by the text": SAME_TEXT,
        "two issues, by the text": OTHER_TEXT,
    }
    events = {
        name: [
            (of_trace(one, in_app), of_trace(other, in_app))
            for one, other in of_kind
            for in_app in marks
        ]
        for name, of_kind in traces.items()
    } | {
        name: [(of_trace([], message=one), of_trace([], message=other)) for one, other in of_kind]
        for name, of_kind in texts.items()
    }
    for name, of_name in events.items():
        one = grouping.hold_as_one(of_name)
        right = one if name.startswith("one") else len(of_name) - one
        print(f"{name:<26}{right} of {len(of_name)} hold")


def print_cost(issues_kept: Sequence[int]) -> None:
    """Print the processor time of an event, and the memory of an issue."""
    print("\n## Cost in the engine's process: events with a trace of ten frames\n")
    often, rare, year = cost.OFTEN, cost.RARE, cost.YEAR
    if not (hot := cost.us_per_event(often, often)):
        print("skipped: there is no /proc to read")
        return
    print(f"an issue with 100 events a minute             {hot:.1f} us an event")
    for name, history in (("fresh", rare), ("after a year of them", year)):
        us = cost.us_per_event(rare, history)
        print(f"one every ten minutes, {name:<23}{us:.1f} us an event")
    traces = cost.cost_of_new_traces(NEW_TRACES)
    print(f"{NEW_TRACES} issues with traces never seen before: {traces}")
    for issues in issues_kept:
        kept = cost.cost_of_many(issues)
        print(f"{issues} issues with fingerprints of their source, in turns: {kept}")


def _print_lines(title: str, lines: Iterable[str]) -> None:
    print(title)
    for line in lines:
        print(f"  {line}")
    print()


if __name__ == "__main__":
    sys.exit(main())
