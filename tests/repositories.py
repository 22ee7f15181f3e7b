"""Small repositories with real commits, and `scripts/announce-deploy` run in them."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from tests.processes import ROOT, clean_environment

SCRIPT = ROOT / "scripts" / "announce-deploy"


class Repository:
    """A small repository with real commits; each is a minute after the one before."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._minute = 0

    async def git(self, *arguments: str, folder: Path | None = None, given: bytes = b"") -> str:
        when = f"2025-03-04T10:{self._minute:02d}:00+01:00"
        process = await asyncio.create_subprocess_exec(
            "git",
            *arguments,
            cwd=folder or self.folder,
            env={
                **clean_environment(self.folder),
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_AUTHOR_NAME": "Ada",
                "GIT_AUTHOR_EMAIL": "ada@acme.example",
                "GIT_AUTHOR_DATE": when,
                "GIT_COMMITTER_NAME": "Ada",
                "GIT_COMMITTER_EMAIL": "ada@acme.example",
                "GIT_COMMITTER_DATE": when,
            },
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate(given)
        assert process.returncode == 0, errors.decode()
        return output.decode().strip()

    async def commit(self, message: str, files: Mapping[str, str | None] | None = None) -> str:
        """Write these files, or remove those without text, and commit; answers the hash."""
        for name, text in (files or {}).items():
            path = self.folder / name
            if text is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
        self._minute += 1
        await self.git("add", "--all")
        await self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return await self.git("rev-parse", "HEAD")


class Run(NamedTuple):
    """How the script ended."""

    code: int
    output: str
    errors: str


async def announce(
    repository: Repository, url: str, *arguments: str, folder: Path | None = None, **env: str
) -> Run:
    """The script as CI runs it: in the checkout, by any Python, with nothing installed."""
    process = await asyncio.create_subprocess_exec(
        SCRIPT,
        *arguments,
        cwd=folder or repository.folder,
        env={
            **clean_environment(repository.folder),
            "PYTHON": sys.executable,
            "PYTHONNOUSERSITE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PUSHLOG_URL": url,
            **env,
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode is not None
    return Run(process.returncode, output.decode(), errors.decode())


async def new_repository(folder: Path) -> Repository:
    """An empty repository whose branch is main."""
    repository = Repository(folder)
    await repository.git(
        "init", "--quiet", "--initial-branch=main", str(folder), folder=folder.parent
    )
    return repository
