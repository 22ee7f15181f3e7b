"""Check everything that PushLog needs, and say how each thing is and what to do."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator

from scripts.diagnosis.configuration import examine_configuration
from scripts.diagnosis.engine import examine_engine
from scripts.diagnosis.finding import Finding
from scripts.diagnosis.outside import examine_outside
from scripts.diagnosis.storage import examine_storage
from scripts.installation import ROOT

EXIT_FAILED = 1

_NICENESS = 10


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or `EXIT_FAILED` if anything is marked FAIL."""
    argparse.ArgumentParser(
        prog="scripts/doctor",
        description="Checks settings, data, disk, engine, mail, Slack, GitHub and clock, with the "
        "server's settings (from the environment and the env file). Prints a line for each: ok, "
        "warn or FAIL, with what to do. It changes nothing and sends nothing, and the server may "
        "keep running. Run it as the user that PushLog runs as.",
        epilog="Exit codes: 0 nothing is marked FAIL, 1 something is. If the settings cannot be "
        "read, nothing else is checked.",
    ).parse_args(arguments)
    # The server, too, takes a relative DATABASE_URL and its .env from the root of the repository.
    os.chdir(ROOT)
    # On a machine with few processors, the server's work comes first.
    os.nice(_NICENESS)
    failed = False
    for finding in _examine():
        print(finding.line(), flush=True)
        failed = failed or finding.verdict == "FAIL"
    return EXIT_FAILED if failed else 0


def _examine() -> Iterator[Finding]:
    settings, findings = examine_configuration(os.environ)
    yield from findings
    if settings is None:
        return
    yield from examine_storage(settings)
    yield asyncio.run(examine_engine(settings.incident_engine_command))
    yield from asyncio.run(examine_outside(settings))


if __name__ == "__main__":
    sys.exit(main())
