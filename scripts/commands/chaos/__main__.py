"""Kills and disturbs a real server under load, and compares the result with an undisturbed run.

Each round starts a server in a folder of its own, sends events to it, and strikes: first at one of
the named boundaries, then at others and at random moments. Every event that was answered 202 must
be in the journal once and have one decision. The main database must equal, row by row, what an
undisturbed engine makes of a copy of that journal.
"""

import argparse
import asyncio
import contextlib
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from scripts.commands.chaos import checks, faults, pipe_proxy, several
from scripts.commands.chaos.checks import Counts, Round
from scripts.commands.chaos.fake_mail import RECEIVER, open_mailbox
from scripts.commands.chaos.fake_receivers import open_receivers
from scripts.commands.chaos.fake_slack import Sink, open_sink
from scripts.commands.chaos.load import send_load
from scripts.commands.chaos.pipe_proxy import Blow, Strike
from scripts.commands.chaos.replay import prepare, replay
from scripts.commands.chaos.server_process import Server
from server.notify.channels import outlets_of
from server.notify.outlets import Outlets
from server.settings.settings import read_settings
from server.storage.schema import REVISIONS

EXIT_FAULT = 1

_BOUNDARIES: tuple[tuple[str, str], ...] = (
    ("journal commit", ""),
    ("journal writer", ""),
    ("migration", ""),
    ("record", ""),
    ("send to Slack", ""),
    ("send of mail", ""),
    ("engine", "event"),
    ("server", "decision"),
    ("server", "incident"),
    ("server", "ack"),
    ("server", "state"),
    ("server", "checkpoint"),
    ("engine", "state"),
    ("engine", "restored"),
    ("server", "pong"),
)
"""Where the first blow of a round falls, in turn: at a commit of one of the two files, in the
thread that writes the journal, while the schema is made, at a delivery to people, or at a message
on its way to one of the two sides."""

_BLOWS: tuple[Blow, ...] = (
    "kill engine",
    "kill server",
    "kill both",
    "cut",
    "stall",
    "talk nonsense",
)


def main(arguments: list[str] | None = None) -> int:
    """Return the exit code: 0, or `EXIT_FAULT`.

    It is `EXIT_FAULT` if anything was lost, doubled or decided otherwise.
    """
    options = _parser().parse_args(arguments)
    started = time.monotonic()
    total, done, faulty = Counts(), Counter[str](), 0
    for number in range(options.rounds):
        seed = options.seed + number
        folder = Path(tempfile.mkdtemp(prefix="pushlog-chaos-"))
        print(f"round {number + 1} of {options.rounds}, seed {seed}: ", end="", flush=True)
        if options.servers > 1:
            result = asyncio.run(several.play(folder, seed, options.events, options.servers))
        else:
            result = asyncio.run(play(folder, seed, number, options.events))
        total.add(result.counts)
        done.update(result.blows)
        faulty += bool(result.faults)
        print(
            f"accepted {result.counts.accepted}, decided {result.counts.decided}, "
            f"lost {result.counts.lost}, doubled {result.counts.doubled}, "
            f"differences {len(result.faults)}; {result.kills} deaths of the server, "
            f"{result.retries} requests sent again; {', '.join(sorted(result.blows))}",
            flush=True,
        )
        for fault in result.faults[:20]:
            print(f"  {fault}")
        if result.faults:
            print(f"  All that it left is in {folder}")
        else:
            shutil.rmtree(folder)
    print()
    for blow, times in sorted(done.items()):
        print(f"{times:6}  {blow}")
    print(
        f"\n{options.rounds} rounds in {time.monotonic() - started:.0f} s: "
        f"accepted {total.accepted}, decided {total.decided}, set aside {total.set_aside}, "
        f"incidents {total.incidents}, notifications {total.notifications}, "
        f"messages sent {total.sent}, of them edits in Slack {total.edits}, "
        f"lost {total.lost}, doubled {total.doubled}, rounds with a difference {faulty}"
    )
    return EXIT_FAULT if faulty else 0


async def play(folder: Path, seed: int, number: int, events: int) -> Round:
    """Play one round in `folder`, the `number`-th of a run."""
    rng = random.Random(seed)  # noqa: S311 - chance that can be had again
    plan = folder / "plan"
    boundary = _BOUNDARIES[number % len(_BOUNDARIES)]
    pipe_proxy.write_plan(plan, _strikes(rng, boundary, events))
    engine = (sys.executable, "-m", "engine")
    relayed = (sys.executable, "-m", "scripts.commands.chaos.pipe_proxy", str(plan), *engine)
    by_bot = number % 2 == 1
    made: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        sink = await stack.enter_async_context(open_sink())
        mailbox = await stack.enter_async_context(open_mailbox())
        receivers = await stack.enter_async_context(open_receivers())
        slack = sink.as_bot() if by_bot else sink.as_webhook()
        env = {**slack, **mailbox.settings(), **receivers.settings()}
        server = Server(folder, relayed, env)
        if boundary[0] == "migration":
            await _kill_at_migration(server, rng, made)
        if boundary[0] == "journal writer":
            count = rng.randrange(2, 20)
            server.first = (
                sys.executable,
                "-m",
                "scripts.commands.chaos.broken_writer",
                str(count),
            )
        await prepare(server.database, RECEIVER)
        for receiver, send in ((sink, "send to Slack"), (mailbox, "send of mail")):
            if boundary[0] == send:
                receiver.strike_at = rng.randrange(1, 5)
                receiver.strike = partial(_kill_at_send, server, send, made)
        await stack.enter_async_context(server.running())
        disturbing = [asyncio.create_task(faults.strike_now_and_then(server, rng, made))]
        if boundary[0] in ("journal commit", "record"):
            disturbing.append(asyncio.create_task(_kill_at_commit(server, boundary[0], rng, made)))
        accepted = await send_load([server.url], events, clients=16, rng=rng)
        for task in disturbing:
            task.cancel()
        for task in disturbing:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await checks.news_is_out(server.journal, server.database)
        if by_bot:
            await _kill_at_edit(server, sink, rng, made)
    made.extend(
        f"{strike.blow} {'after' if strike.after else 'before'} {strike.kind} to {strike.to}"
        for strike in pipe_proxy.read_done(plan)
    )
    if "its writer has ended" in server.log.read_text():
        made.append("break the journal's writer")
    found: list[str] = []
    received = {
        "slack": sink.messages,
        "email": mailbox.texts(),
        "webhook": receivers.webhooks,
        "apprise": receivers.apprise,
    }
    outlets = outlets_of(read_settings({"DATABASE_URL": f"sqlite:///{server.database}"} | env))
    counts = await _examine(folder, server, accepted.keys, outlets, received, found)
    counts.edits = sink.edits
    found.extend(checks.messages_behind(sink.standing, server.database))
    found.extend(checks.mails_doubled(mailbox.mails, server.kills))
    return Round(
        counts=counts,
        blows=Counter(made),
        kills=server.kills,
        retries=accepted.broken + accepted.unavailable,
        faults=found,
    )


def _kill_at_send(server: Server, send: str, made: list[str]) -> None:
    made.append(f"kill server at {send}")
    server.kill()


async def _kill_at_edit(server: Server, sink: Sink, rng: random.Random, made: list[str]) -> None:
    """Kill the server over one of the edits that it makes when it starts, and let it go on."""
    await asyncio.to_thread(faults.age_messages, server.database)
    sink.strike_at = len(sink.messages) + rng.randrange(1, 4)
    sink.strike = partial(_kill_at_send, server, "edit in Slack", made)
    server.kill()
    await checks.messages_are_new(server.database)


async def _kill_at_migration(server: Server, rng: random.Random, made: list[str]) -> None:
    """Kill the server over its first start, and let the next one make the rest of the schema."""
    writes = rng.randrange(1, 2 * len(REVISIONS))
    killing = asyncio.create_task(faults.kill_at_write(server, server.database, writes))
    async with server.running():
        await server.up.wait()
    killing.cancel()
    if server.kills:
        made.append("kill server at migration")


async def _kill_at_commit(
    server: Server, boundary: str, rng: random.Random, made: list[str]
) -> None:
    path = server.journal if boundary == "journal commit" else server.database
    wal = path.with_name(f"{path.name}-wal")
    for _ in range(3):
        await faults.kill_at_write(server, wal, rng.randrange(1, 12))
        made.append(f"kill server at {boundary}")


def _strikes(rng: random.Random, first: tuple[str, str], events: int) -> list[Strike]:
    """Return the plan of a round: at its own boundary first, then at three more."""
    places = [place for place in _BOUNDARIES if place[1]]
    chosen = [first] if first[1] else []
    chosen += [rng.choice(places) for _ in range(3)]
    return [_strike(rng, to, kind, events) for to, kind in chosen]


def _strike(rng: random.Random, to: str, kind: str, events: int) -> Strike:
    # A boundary that is never reached strikes nothing; there are fewer of all others.
    most = {"event": events // 4, "decision": events // 4, "state": 20, "incident": 8, "ack": 30}
    return Strike(
        to="engine" if to == "engine" else "server",
        kind=kind,
        count=rng.randrange(most.get(kind, 2)) + 1,
        after=rng.random() < 0.5,
        blow=rng.choice(_BLOWS),
    )


async def _examine(
    folder: Path,
    server: Server,
    accepted: set[str],
    outlets: Outlets,
    received: Mapping[str, Sequence[str]],
    found: list[str],
) -> Counts:
    """Bring both databases to the same end, and compare them."""
    end = checks.last_received(server.journal) + 1_000_000
    undisturbed = folder / "undisturbed.db"
    for journal in ("disturbed-journal.db", "undisturbed-journal.db"):
        checks.copy_database(server.journal, folder / journal)
    await prepare(undisturbed, RECEIVER)
    checks.copy_dead_letters(server.database, undisturbed)
    await replay(folder / "disturbed-journal.db", server.database, end, outlets)
    await replay(folder / "undisturbed-journal.db", undisturbed, end, outlets)
    counts = checks.count(
        folder / "disturbed-journal.db",
        server.database,
        server.log,
        accepted,
        received,
        found,
    )
    found.extend(checks.differences(server.database, undisturbed))
    return counts


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1, help="of the first round; each has the next")
    parser.add_argument(
        "--servers",
        type=int,
        default=1,
        help="several share a PostgreSQL, which must be installed; see docs/SCALE.md",
    )
    parser.add_argument("--events", type=int, default=2_500, help="in each round")
    return parser


if __name__ == "__main__":
    sys.exit(main())
