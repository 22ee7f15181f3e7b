"""Measures how soon a source that stops is found, and how often one is called silent that is not.

Each rhythm is cut off at random moments, five weeks or more after its begin: `found` is in how many
of the cuts within three days, `median` and `worst` after how many minutes, `hour` in how many
within an hour. A false alarm is a time in which the uncut rhythm is called silent; they are given
for a year. The recorded rhythms are mentions of companies in 2015, counted each five minutes, and
read if they are there (`--data`).
"""

import argparse
import csv
import math
import random
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from server.troubles.silence import WEEK, WEEKS, is_silent

_DAY = 24 * 60
_LEARNED = (WEEKS + 1) * WEEK
_CUTS = 60
_SEED = 7
_HEAD = f"{'':24} {'years':>6} {'false':>6}  {'found':>6}  {'median':>6}  {'worst':>6}  {'hour':>6}"
_LINE = (
    "{name:24} {years:6.2f} {false:6.1f}  {found:3}/{cuts}  {median:>6}  {worst:>6}  "
    "{hour:3}/{cuts}"
)

Rate = Callable[[int], float]
"""How many webhooks are expected in a minute."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each rhythm."""
    options = _parser().parse_args(arguments)
    print(__doc__)
    print(_HEAD)
    for name, rate in rhythms().items():
        print(measured(name, active_minutes(rate, options.weeks), options.weeks), flush=True)
    for path in sorted(options.data.glob("*.csv")):
        active, weeks = recorded(path)
        print(measured(path.stem, active, weeks), flush=True)
    return 0


def rhythms() -> Mapping[str, Rate]:
    """Return how often sources send, by what they are like."""
    holidays = frozenset(random.Random(_SEED).sample(range(28, 700), 16))  # noqa: S311
    return {
        "1 a minute": lambda _: 1.0,
        "1 in 2 minutes": lambda _: 0.5,
        "1 an hour": lambda _: 1 / 60,
        "by day, 3 a minute": lambda minute: 3 * _by_day(minute),
        "in the office": _in_the_office,
        "with holidays": lambda minute: (
            0.0 if minute // _DAY in holidays else _in_the_office(minute)
        ),
        "10 minutes an hour": lambda minute: 5.0 if minute % 60 < 10 else 0.0,
        "once an hour": lambda minute: 5.0 if minute % 60 == 7 else 0.0,
        "bursts, often": _Bursts(10, 20),
        "bursts, seldom": _Bursts(30, 10),
    }


def active_minutes(rate: Rate, weeks: int) -> int:
    """Return in which minutes such a source sends something, by chance, as bits."""
    chance = random.Random(_SEED)  # noqa: S311
    minutes = range(weeks * WEEK)
    return _bits([m for m in minutes if chance.random() < 1 - math.exp(-rate(m))])


def recorded(path: Path) -> tuple[int, int]:
    """Return the active minutes of a recorded series, and of how many whole weeks they are."""
    chance = random.Random(_SEED)  # noqa: S311
    minutes: set[int] = set()
    with path.open() as file:
        for bucket, row in enumerate(csv.DictReader(file)):
            for _ in range(min(int(row["value"]), 30)):
                minutes.add(5 * bucket + chance.randrange(5))
    return _bits(minutes), 5 * (bucket + 1) // WEEK


def measured(name: str, active: int, weeks: int) -> str:
    """Return the line of one rhythm."""
    years = (weeks - WEEKS) / 52
    delays = found_after(active, weeks)
    found = sorted(each for each in delays if each is not None)
    return _LINE.format(
        name=name,
        years=years,
        false=false_alarms(active, weeks) / years,
        found=len(found),
        cuts=_CUTS,
        median=found[len(found) // 2] if found else "-",
        worst=found[-1] if found else "-",
        hour=sum(each <= 60 for each in found),
    )


def false_alarms(active: int, weeks: int, step: int = 10) -> int:
    """Return how many times the source is called silent although it goes on."""
    alarms, was_silent = 0, False
    for now in range(WEEKS * WEEK, weeks * WEEK, step):
        silent = _is_silent(active, now, now)
        alarms += silent and not was_silent
        was_silent = silent
    return alarms


def found_after(active: int, weeks: int, cuts: int = _CUTS) -> list[int | None]:
    """Return after how many minutes the end is found, for ends at random moments."""
    chance = random.Random(_SEED)  # noqa: S311
    delays = []
    for _ in range(cuts):
        end = chance.randrange(_LEARNED, weeks * WEEK)
        later = range(end, end + 3 * _DAY, 2)
        delays.append(next((now - end for now in later if _is_silent(active, end, now)), None))
    return delays


def _is_silent(active: int, end: int, now: int) -> bool:
    """Return what is found in minute `now` of a source that sends nothing from `end` on."""
    first = max(0, now - _LEARNED)
    known = (active >> first) & ((1 << (end - first)) - 1)
    return is_silent(known, (1 << (now - first)) - 1, now - first)


def _bits(minutes: Collection[int]) -> int:
    bits = bytearray(max(minutes) // 8 + 1)
    for minute in minutes:
        bits[minute >> 3] |= 1 << (minute & 7)
    return int.from_bytes(bits, "little")


def _by_day(minute: int) -> float:
    hour = minute % _DAY / 60
    weekend = 0.5 if minute // _DAY % 7 >= 5 else 1.0
    return weekend * (0.15 + 0.85 * max(0.0, math.sin((hour - 5) / 12 * math.pi)))


def _in_the_office(minute: int) -> float:
    return 1.0 if minute // _DAY % 7 < 5 and 8 <= minute % _DAY / 60 < 18 else 0.0


class _Bursts:
    """Nothing for some minutes, then much for some."""

    def __init__(self, mean_pause: int, longest_burst: int) -> None:
        self._chance = random.Random(_SEED)  # noqa: S311
        self._mean_pause = mean_pause
        self._longest_burst = longest_burst
        self._left = 0

    def __call__(self, _minute: int) -> float:
        if self._left:
            self._left -= 1
            return 3.0
        if self._chance.random() < 1 / self._mean_pause:
            self._left = self._chance.randrange(1, self._longest_burst)
        return 0.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/benchmarks/silence", description=__doc__)
    parser.add_argument("--weeks", type=int, default=108, help="of each simulated rhythm")
    parser.add_argument("--data", type=Path, default=Path("../shared/bench/spikes/data"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
