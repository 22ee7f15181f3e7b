"""Records: what a part of PushLog says or makes of much that is given to it, line by line.

A record is a file beside its test. Where another line is meant, its module writes it anew, and the
difference is read like any change to the code.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path

_ROOT = Path(__file__).parents[1]
_SHOWN = 60
"""Lines of a difference; the first ones tell what changed."""


def compare(record: Path, lines: Iterable[str]) -> None:
    """Fail with the difference unless `lines` are those of the record."""
    recorded = record.read_text("utf-8").splitlines()
    difference = list(difflib.unified_diff(recorded, list(lines), "recorded", "now", n=3))
    module = ".".join(record.relative_to(_ROOT).with_suffix("").parts)
    assert not difference, (
        "\n".join(difference[:_SHOWN])
        + f"\nWhere that is meant: python -m {module}, and read the difference."
    )


def write(record: Path, lines: Iterable[str]) -> None:
    """Write the record anew."""
    record.write_text("".join(f"{line}\n" for line in lines), "utf-8")
