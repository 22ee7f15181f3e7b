"""Check that the engine starts and answers, with a second engine beside the server's."""

import asyncio
from collections.abc import Sequence

import msgspec

from scripts.diagnosis.finding import Finding, fail, ok
from server.supervisor.child import Child, start_child
from shared.lines import TooLong
from shared.pipe import (
    Ping,
    Pong,
    Ready,
    Restored,
    UnreadableLine,
    decode_outbound,
    encode_lines,
)

ANSWER_TIMEOUT_S = 30.0
"""As long as the server waits for an engine to be ready."""

_END_TIMEOUT_S = 5.0


class _Talk(msgspec.Struct):
    """What has been heard from the engine."""

    engine: str | None = None
    answered: bool = False
    last_words: str = ""


async def examine_engine(command: Sequence[str]) -> Finding:
    """Start it with an empty memory, ping it, and end it."""
    talk = _Talk()

    def listen(line: str) -> None:
        talk.last_words = line

    advice = "Check INCIDENT_ENGINE_BIN if it is set; otherwise run scripts/setup"
    try:
        child = await start_child(command, listen)
    except OSError as error:
        return fail("engine", f"its process cannot be started ({error})")
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            child.write(encode_lines((Restored(0), Ping(1))))
            await child.drain()
            await _hear(child, talk)
        if talk.answered:
            child.end_input()
            return ok("engine", f"{talk.engine} starts and answers")
        async with asyncio.timeout(_END_TIMEOUT_S):
            ended = await child.exited()
    except TimeoutError:
        return fail("engine", f"it did not answer within {ANSWER_TIMEOUT_S:.0f} s. {advice}")
    finally:
        await child.kill()
        await child.close()
    words = f" ({talk.last_words})" if talk.last_words else ""
    return fail("engine", f"it ended without answering: {ended}{words}. {advice}")


async def _hear(child: Child, talk: _Talk) -> None:
    while not talk.answered and (lines := await child.read_lines()) is not None:
        for line in lines:
            if isinstance(line, TooLong):
                continue
            try:
                message = decode_outbound(line)
            except UnreadableLine:
                continue
            match message:
                case Ready():
                    talk.engine = message.engine
                case Pong():
                    talk.answered = True
                case _:
                    pass
