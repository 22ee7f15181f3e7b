"""Draws the readings, with gnuplot."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.commands.soak.readings import Reading

_PLOT = """
set terminal svg size 900,760 font "sans-serif,13" background "white"
set output "{picture}"
$readings << EOD
{readings}
EOD
set multiplot layout 4,1
set xlabel "minutes"
set yrange [0:*]
set grid
set key top left
set ylabel "memory, MB"
plot $readings using 1:2 with lines title "server", "" using 1:3 with lines title "engine"
set ylabel "descriptors"
plot $readings using 1:4 with lines title "server"
set ylabel "files, MB"
plot $readings using 1:5 with lines title "journal", "" using 1:6 with lines title "main database"
set ylabel "slowest answer, ms"
plot $readings using 1:7 with impulses title "in 10 s"
"""


def draw(readings: Sequence[Reading], picture: Path) -> None:
    """Write an SVG. Raises `FileNotFoundError` without gnuplot, or `CalledProcessError`."""
    lines = "\n".join(" ".join(f"{value:.2f}" for value in _values(each)) for each in readings)
    script = _PLOT.format(picture=picture, readings=lines)
    subprocess.run(["gnuplot"], input=script, text=True, check=True)


def _values(reading: Reading) -> tuple[float, ...]:
    return tuple(getattr(reading, name) for name in reading.__struct_fields__)
