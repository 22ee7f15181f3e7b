"""The fold: (state, line) -> lines. It uses no clock, no randomness and no disk, only its input.

It changes the state in place, because a copy for each event would cost more than the decision. A
call has no other effect. The answers to given entries do not depend on how the entries were cut
into reads, nor on a restart between them. Only the places of checkpoints and acks do.
"""

import heapq

from engine.entries import deploy, event, people, repeat
from engine.incidents import deploy_watch, life
from engine.memory.checkpoints import (
    ISSUE_LINE,
    UnreadableState,
    checkpoint,
    complete,
    restore,
    restore_issue,
)
from engine.memory.state import State
from engine.memory.traces import EVENT_LINE, Glance, glance
from shared.decisions import Code
from shared.pipe import (
    Ack,
    ChangeWindowEntry,
    Decision,
    Entry,
    Error,
    EventEntry,
    Inbound,
    Outbound,
    Ping,
    Pong,
    Resolve,
    Restored,
    RestoredState,
    Settings,
    Silence,
    Tick,
    UnreadableLine,
    decode_inbound,
)

LATEST = 250_000_000_000.0
"""The year 9892: the clock stops here, so that every deadline fits into a date."""

CHECKPOINT_ENTRIES = 5_000
CHECKPOINT_S = 5.0
"""A checkpoint comes after this many entries, or seconds of the journal's clock with any entry."""

BACKLOG_ENTRIES = 32
"""So many at once are a backlog, in which seconds of the journal's clock pass in milliseconds."""


def answer(state: State, line: bytes) -> list[Outbound]:
    """Return the answers to one line. An unreadable line is an error and changes nothing else."""
    # Written otherwise, they go the long way; to try each line as each of them would cost more.
    if line.startswith(ISSUE_LINE) and restore_issue(state, line):
        return []
    seen = glance(line) if line.startswith(EVENT_LINE) else None
    if seen is not None:
        decision = _repeated(state, seen)
        if decision is not None:
            return decision
    try:
        message = decode_inbound(line)
    except UnreadableLine as fault:
        return refuse(state, fault)
    if seen is not None and isinstance(message, EventEntry):
        state.traces.learn(seen, message)
    return fold(state, message)


def fold(state: State, message: Inbound) -> list[Outbound]:
    """Return the answers to one message."""
    match message:
        case EventEntry():
            return _take(state, message)
        case RestoredState():
            return _take_back(state, message)
        case Tick():
            return _due(state, message.received.timestamp())
        case Ping():
            return [Pong(message.id)]
        case Restored():
            complete(state, message.seq)
            return []
        case _:
            return _take(state, message)


def refuse(state: State, fault: UnreadableLine) -> list[Outbound]:
    """Return an error for a line that is no message, and its decision if it was an entry."""
    out: list[Outbound] = [Error(error=True, message=str(fault), field=fault.field, seq=fault.seq)]
    if fault.seq is not None and fault.seq > state.clock.seq:
        state.clock.seq = fault.seq
        state.undecided += 1
        out.append(Decision(fault.seq, Code.UNREADABLE))
    return out


def rest(state: State) -> list[Outbound]:
    """Return what to say when there is nothing more to read for the moment."""
    came = state.clock.seq - state.rested
    state.rested = state.clock.seq
    if not state.undecided:
        return []
    out: list[Outbound] = [Ack(state.clock.seq)]
    if came < BACKLOG_ENTRIES and state.now - state.checkpointed >= CHECKPOINT_S:
        out += checkpoint(state)
    return out


def finish(state: State) -> list[Outbound]:
    """Return the last lines at the end of the input: all changed states, and a checkpoint."""
    if not state.undecided and not state.changed:
        return []
    return [Ack(state.clock.seq), *checkpoint(state)]


def _repeated(state: State, event: Glance) -> list[Outbound] | None:
    """Return the answers to an event that only repeats its issue; else None, changing nothing."""
    clock = state.clock
    before, seq = clock.now, event.seq or clock.seq + 1
    at = event.timestamp.timestamp()
    received = at if event.received is None else event.received.timestamp()
    now = max(before, min(received, LATEST))
    if seq <= clock.seq or (state.deadlines and state.deadlines[0][0] <= now):
        return None
    clock.now = now
    decision = repeat.decide(state, event, seq, at)
    if decision is None:
        clock.now = before
        return None
    clock.seq = seq
    return _decided(state, [decision])


def _take(state: State, entry: Entry) -> list[Outbound]:
    clock = state.clock
    seq = entry.seq or clock.seq + 1
    if seq <= clock.seq:
        message = f"entry {seq} came after {clock.seq}, which was decided; it changes nothing"
        return [Error(error=True, message=message, seq=seq)]
    received = _own_time(entry) if entry.received is None else entry.received.timestamp()
    if received > clock.now:
        clock.now = min(received, LATEST)
    out: list[Outbound] = []
    if state.deadlines and state.deadlines[0][0] <= clock.now:
        out = _due(state, clock.now)
    clock.seq = seq
    out += _decide(state, entry)
    return _decided(state, out)


def _decided(state: State, out: list[Outbound]) -> list[Outbound]:
    """Return the answers to an entry, with a checkpoint if it is time for one."""
    state.undecided += 1
    if state.undecided >= CHECKPOINT_ENTRIES:
        out.append(Ack(state.clock.seq))
        out += checkpoint(state)
    return out


def _own_time(entry: Entry) -> float:
    """Return when the entry happened: the clock of a plain file, which has no time of receipt."""
    match entry:
        case EventEntry():
            return entry.timestamp.timestamp()
        case ChangeWindowEntry():
            return entry.deploy_time.timestamp()
        case Resolve() | Silence():
            return entry.time.timestamp()
        case Settings():
            return 0.0


def _decide(state: State, entry: Entry) -> list[Outbound]:
    """Return what follows from the entry; its decision comes last."""
    match entry:
        case EventEntry():
            if entry.kind == "deploy":
                return deploy.announce(state, entry)
            return event.decide(state, entry)
        case ChangeWindowEntry():
            return deploy.remember(state, entry)
        case Resolve():
            return people.resolve(state, entry)
        case Silence():
            return people.silence(state, entry)
        case Settings():
            return people.change_settings(state, entry)


def _due(state: State, until: float) -> list[Outbound]:
    """Return all that is due up to `until`, each at its own time."""
    out: list[Outbound] = []
    while state.deadlines and state.deadlines[0][0] <= until:
        at, kind, key = heapq.heappop(state.deadlines)
        match kind:
            case "tell":
                out += life.tell_if_due(state, key, at)
            case "incident":
                out += life.end_if_due(state, key, at)
            case "news":
                out += event.take_news_if_due(state, key, at)
            case "watch":
                out += deploy_watch.judge_if_due(state, key, at)
    return out


def _take_back(state: State, message: RestoredState) -> list[Outbound]:
    try:
        restore(state, message.key, message.value)
    except UnreadableState as fault:
        return [Error(error=True, message=str(fault))]
    return []
