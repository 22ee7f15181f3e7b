"""`scripts/setup` on machines that lack something: other programs stand in for the system's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

OLD_PYTHON = """
[ "$1" = --version ] && echo Python 3.9.2 && exit 0
exit 1
"""
REAL_PYTHON = f'exec {sys.executable} "$@"'
# Putting pip into an environment takes seconds: it is done once, and copied.
PYTHON = f"""
[ "$1 $2" = "-m venv" ] && rm -rf .venv && exec cp -a "$MADE_BEFORE" .venv
{REAL_PYTHON}
"""
PYTHON_WITHOUT_VENV = f"""
[ "$2" = "import ensurepip, venv" ] && exit 1
{PYTHON}
"""
ROOT_USER = "echo 0"
SOMEBODY = "echo 1000"
PYTHONS = ("python3", "python3.11", "python3.12", "python3.13", "python3.14")


class Machine:
    """A copy of the scripts with a lock file that names nothing, and the programs found first."""

    def __init__(self, folder: Path, made_before: Path) -> None:
        self.made_before = made_before
        self.root = folder / "pushlog"
        self.programs = folder / "bin"
        self.programs.mkdir()
        (self.root / "scripts").mkdir(parents=True)
        for name in ("setup", "install-debian"):
            shutil.copy2(ROOT / "scripts" / name, self.root / "scripts" / name)
        self.set_lock("# nothing\n")
        self.add("python3", PYTHON)

    def set_lock(self, text: str) -> None:
        (self.root / "requirements.lock").write_text(text)

    def add(self, name: str, script: str) -> None:
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    def set_up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.root / "scripts" / "setup", *arguments],
            cwd="/",
            env={
                "PATH": f"{self.programs}:{os.defpath}",
                "HOME": str(self.root),
                "MADE_BEFORE": str(self.made_before),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def made_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("environment") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def machine(tmp_path: Path, made_before: Path) -> Machine:
    return Machine(tmp_path, made_before)


def test_an_environment_is_made_once_and_again_when_the_lock_changes(machine: Machine) -> None:
    machine.add("python3", REAL_PYTHON)
    first = machine.set_up()
    assert first.returncode == 0, first.stderr
    assert "Making .venv with Python 3." in first.stdout
    assert "Set up in" in first.stdout
    assert (machine.root / ".venv/bin/python").exists()

    second = machine.set_up()
    assert (second.returncode, second.stdout) == (0, "")

    machine.set_lock("# another\n")
    third = machine.set_up()
    assert third.returncode == 0
    assert third.stdout.startswith("Installing the packages in requirements.lock")


def test_a_package_without_its_hash_is_refused_and_tried_again_the_next_time(
    machine: Machine,
) -> None:
    machine.set_lock("msgspec==0.19.0\n")
    for _ in range(2):
        refused = machine.set_up()
        assert refused.returncode == 1
        assert "--require-hashes" in refused.stderr
        assert "pip could not install the packages in requirements.lock" in refused.stderr


def test_a_broken_environment_is_made_anew(machine: Machine) -> None:
    machine.set_up()
    python = machine.root / ".venv/bin/python"
    python.unlink()
    python.symlink_to("/nowhere/python3")
    again = machine.set_up()
    assert again.returncode == 0, again.stderr
    assert "Making .venv" in again.stdout


def test_an_old_python_is_named_with_the_one_that_is_needed(machine: Machine) -> None:
    for name in PYTHONS:
        machine.add(name, OLD_PYTHON)
    refused = machine.set_up()
    assert refused.returncode == 1
    assert "needs Python 3.11 or newer. python3 is Python 3.9.2" in refused.stderr


def test_a_newer_python_beside_an_old_one_is_taken(machine: Machine) -> None:
    machine.add("python3", OLD_PYTHON)
    machine.add("python3.14", PYTHON)
    assert machine.set_up().returncode == 0


def test_without_venv_somebody_is_told_what_to_type(machine: Machine) -> None:
    machine.add("python3", PYTHON_WITHOUT_VENV)
    machine.add("apt-get", "exit 1")
    machine.add("id", SOMEBODY)
    refused = machine.set_up()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert refused.returncode == 1
    assert f"    sudo apt-get install python{version}-venv\n" in refused.stderr


def test_without_venv_root_gets_it_from_debian(machine: Machine) -> None:
    machine.add("python3", PYTHON_WITHOUT_VENV)
    machine.add("apt-get", f'echo "$@" >>{machine.root}/apt-calls')
    machine.add("id", ROOT_USER)
    assert machine.set_up().returncode == 0
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert (machine.root / "apt-calls").read_text().splitlines() == [
        "update",
        f"install -y --no-install-recommends python{version}-venv",
    ]


def test_what_apt_says_is_shown_when_it_fails(machine: Machine) -> None:
    machine.add("python3", PYTHON_WITHOUT_VENV)
    machine.add("apt-get", "echo 'no such package'; exit 100")
    machine.add("id", ROOT_USER)
    refused = machine.set_up()
    assert refused.returncode == 1
    assert "no such package" in refused.stderr


def test_an_option_that_is_not_known_is_answered_with_the_usage(machine: Machine) -> None:
    refused = machine.set_up("--tests")
    assert refused.returncode == 2
    assert "usage: scripts/setup" in refused.stderr
