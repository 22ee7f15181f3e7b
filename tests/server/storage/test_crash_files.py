"""The running marker reports to the next start only an end that nobody saw."""

import os
from pathlib import Path

import pytest

from server.storage.files.crash_files import MOST_CRASHES, CrashFiles, Running, boot_id


@pytest.fixture
def files(tmp_path: Path) -> CrashFiles:
    return CrashFiles(tmp_path / "pushlog.db")


def test_an_end_that_is_said_twice_is_an_end(files: CrashFiles, tmp_path: Path) -> None:
    assert files.mark_running() is None
    # As by a second signal, while the first still ends the server.
    for _ in range(2):
        files.mark_ended()
        assert list(tmp_path.iterdir()) == []
    assert files.mark_running() is None


def test_an_end_before_the_beginning_is_no_failure(files: CrashFiles) -> None:
    files.mark_ended()
    assert files.mark_running() is None


def test_who_ran_before_and_did_not_say_that_it_ended_is_named(files: CrashFiles) -> None:
    assert files.mark_running() is None
    for _ in range(2):
        before = files.mark_running()
        assert before is not None
        assert (before.pid, before.boot_id) == (os.getpid(), boot_id())


def test_a_marker_that_cannot_be_read_is_somebody_unknown(
    files: CrashFiles, tmp_path: Path
) -> None:
    (tmp_path / "pushlog.running").write_bytes(b'{"pid":7')
    assert files.mark_running() == Running(0, "", "")


def test_crashes_are_given_back_oldest_first_and_fifty_at_most(
    files: CrashFiles, tmp_path: Path
) -> None:
    taken = [files.add(f"{number:03}", b"%d" % number) for number in range(MOST_CRASHES + 1)]
    assert taken == [True] * MOST_CRASHES + [False]
    assert [content for _, content in files.waiting()] == [b"%d" % n for n in range(MOST_CRASHES)]
    # The files of another database beside it are not ours.
    (tmp_path / "other.crash-000").write_bytes(b"other")
    files.waiting()[0][0].unlink()
    assert files.add("100", b"100")
    assert [content for _, content in files.waiting()][-1] == b"100"
