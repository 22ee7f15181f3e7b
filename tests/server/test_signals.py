"""What signals make of the server: it stops, ends at once, or becomes its next version."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.signals import Signals
from tests.processes import ROOT
from tests.waiting import LIMIT_S, limit

AT_A_BAD_MOMENT = """
import os, signal, sys
from server import listening
from server.__main__ import main

class Going:
    def __del__(self):
        # Python ignores what is raised here.
        os.kill(os.getpid(), signal.SIGINT)

def listen_early(settings, listen_early=listening.listen_early):
    Going()
    return listen_early(settings)

listening.listen_early = listen_early
sys.exit(main())
"""


@pytest.fixture
async def signals() -> AsyncIterator[Signals]:
    made = Signals(on_second=lambda: None)
    yield made
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().remove_signal_handler(number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_stops_when_it_is_asked_to(signals: Signals, number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    async with limit():
        await signals.end.wait()
    assert not signals.reloads


def test_it_stops_when_it_is_asked_to_while_it_starts(tmp_path: Path) -> None:
    env = {"PUSHLOG_ENV_FILE": os.devnull, "PORT": "0", "DATABASE_URL": f"sqlite:///{tmp_path}/db"}
    command = (sys.executable, "-c", AT_A_BAD_MOMENT)
    run = subprocess.run(command, cwd=ROOT, env=env, check=False, timeout=LIMIT_S)
    assert run.returncode == -signal.SIGINT


async def test_it_reloads_when_code_and_settings_would_start(
    signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUSHLOG_ENV_FILE", os.devnull)
    os.kill(os.getpid(), signal.SIGHUP)
    async with limit():
        await signals.end.wait()
    assert signals.reloads


async def test_a_stop_takes_a_reload_back(signals: Signals) -> None:
    signals.reloads = True
    signals.end.set()
    signals.stop_or_exit()
    assert signals.end.is_set()
    assert not signals.reloads


async def test_a_terminal_that_is_closed_stops_it(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    with os.fdopen(slave) as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        signals = Signals(on_second=lambda: None)
        os.kill(os.getpid(), signal.SIGHUP)
        async with limit():
            await signals.end.wait()
        assert not signals.reloads
    os.close(master)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().remove_signal_handler(number)
