"""The disk's free space is checked before a write, but not before each of many."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from server.storage.journal.disk import KEPT_FREE, LOOK_EVERY_S, Disk, missing_bytes
from tests.clock import Clock


class Room:
    """What the system says about the disk, and how often it was asked."""

    def __init__(self) -> None:
        self.share = 1.0
        self.asked = 0
        self.error: OSError | None = None

    def free(self, _: Path) -> float:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return self.share


def test_it_is_asked_once_a_second_however_much_is_written(tmp_path: Path, clock: Clock) -> None:
    room = Room()
    disk = Disk(tmp_path, free_share=room.free, monotonic=clock.seconds)
    for _ in range(10):
        assert disk.has_room()
    assert room.asked == 1
    room.share = 0.0
    clock.pass_s(LOOK_EVERY_S - 0.001)
    assert disk.has_room()
    clock.pass_s(0.001)
    assert not disk.has_room()
    assert not disk.has_room()
    assert room.asked == 2


@pytest.mark.parametrize(("share", "has_room"), [(KEPT_FREE, False), (KEPT_FREE + 0.001, True)])
def test_the_last_part_is_left_alone(tmp_path: Path, share: float, has_room: bool) -> None:
    room = Room()
    room.share = share
    assert Disk(tmp_path, free_share=room.free).has_room() is has_room


def test_one_that_cannot_be_asked_is_written_to(tmp_path: Path, clock: Clock) -> None:
    room = Room()
    disk = Disk(tmp_path, free_share=room.free, monotonic=clock.seconds)
    room.share = 0.0
    assert not disk.has_room()
    clock.pass_s(1)
    room.error = OSError("no such device")
    assert disk.has_room()


def test_one_that_could_never_be_asked_is_written_to(tmp_path: Path) -> None:
    room = Room()
    room.error = OSError("no such device")
    assert Disk(tmp_path, free_share=room.free).has_room()


def test_a_disk_is_short_of_what_makes_a_tenth_of_it_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def disk(free: int) -> None:
        room = SimpleNamespace(f_blocks=1000, f_bavail=free, f_frsize=4096)
        monkeypatch.setattr("os.statvfs", lambda _: room)

    for free, missing in ((1000, 0), (100, 0), (99, 4096), (0, 409_600)):
        disk(free)
        assert missing_bytes(tmp_path) == missing


def test_a_disk_that_cannot_be_asked_is_short_of_nothing(tmp_path: Path) -> None:
    assert missing_bytes(tmp_path / "nowhere") == 0
