"""The key of an installation is made once, whole, and stays what it was."""

import contextlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

from server.storage.files.key_file import read_or_make_key
from tests.processes import ROOT
from tests.waiting import LIMIT_S

OF_BEFORE = "00ff" * 15 + "a1B2"
"""A key as it has stood in files since the first version: 32 bytes in hexadecimal."""

MAKE = """
import pathlib, sys
from server.storage.files.key_file import read_or_make_key
print("ready", flush=True)
sys.stdin.readline()
print(read_or_make_key(pathlib.Path(sys.argv[1])).hex())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mail-key"


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_key_of_before_is_read_as_it_is_and_not_touched(path: Path, end: str) -> None:
    written = (OF_BEFORE + end).encode()
    path.write_bytes(written)
    for _ in range(2):
        assert read_or_make_key(path) == b"\x00\xff" * 15 + b"\xa1\xb2"
    assert path.read_bytes() == written


def test_a_key_is_made_once_of_32_bytes_for_the_eyes_of_its_owner(path: Path) -> None:
    key = read_or_make_key(path)
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == key.hex()
    assert read_or_make_key(path) == key
    assert list(path.parent.iterdir()) == [path]


def test_two_installations_have_two_keys(tmp_path: Path) -> None:
    assert read_or_make_key(tmp_path / "one") != read_or_make_key(tmp_path / "two")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n",
        OF_BEFORE[:-1].encode(),
        OF_BEFORE[:-2].encode(),
        (OF_BEFORE + "0").encode(),
        (OF_BEFORE + "00").encode(),
        b"g" * 64,
        b"ab " * 21 + b"c",
        b"\xff" * 64,
    ],
)
def test_what_is_no_key_is_refused_with_what_to_do_and_not_replaced(
    path: Path, content: bytes
) -> None:
    path.write_bytes(content)
    refusal = f"{re.escape(str(path))} is no key of PushLog: remove it, and another is made"
    with pytest.raises(OSError, match=refusal):
        read_or_make_key(path)
    assert path.read_bytes() == content


def test_a_folder_that_is_not_there_is_an_error_of_the_system(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_or_make_key(path / "below")


def test_of_processes_that_make_it_at_once_all_have_the_key_of_one(path: Path) -> None:
    with contextlib.ExitStack() as stack:
        processes = [
            stack.enter_context(
                subprocess.Popen(
                    (sys.executable, "-c", MAKE, str(path)),
                    cwd=ROOT,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for _ in range(4)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        said = [process.communicate(timeout=LIMIT_S)[0].strip() for process in processes]
    assert said == [path.read_text()] * len(processes)
    assert list(path.parent.iterdir()) == [path]
