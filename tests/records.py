"""Records: what a part of PushLog says or makes of much that is given to it, line by line.

A record is a file beside its test. Where another line is meant, its module writes it anew, and the
difference is read like any change to the code.
"""

import difflib
import hashlib
import re
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


def counted(line: str) -> str:
    """Say of a long row of one letter how many there are: `xxxxxxxx…` becomes `x{9000}`."""
    return re.sub(r"([^-=])\1{19,}", lambda found: f"{found[1]}{{{len(found[0])}}}", line)


def digest(text: str) -> str:
    """Return what stands for a text that is too long to be shown: another one is another text's."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]
