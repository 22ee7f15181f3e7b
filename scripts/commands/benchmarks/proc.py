"""Read what a process has used, as the system sees it; 0 if there is no /proc."""

import os
from pathlib import Path


def cpu_s(pid: int) -> float:
    """Return the seconds of processor time, of all its threads."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def resident_bytes(pid: int) -> int:
    """Return its memory."""
    pages = Path(f"/proc/{pid}/statm")
    if not pages.exists():
        return 0
    return int(pages.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def pss_bytes(pid: int) -> int:
    """Return its memory, counting what it shares with other processes by its part."""
    return _rolled_up_bytes(pid, "Pss")


def anonymous_bytes(pid: int) -> int:
    """Return the memory that is not of a file: no other process changes it by coming or going."""
    return _rolled_up_bytes(pid, "Anonymous")


def _rolled_up_bytes(pid: int, wanted: str) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    if not rollup.exists():
        return 0
    for line in rollup.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == wanted:
            return int(value.split()[0]) * 1024
    return 0
