"""Does what somebody pressed in Slack, and answers them if there is nothing to see of it."""

import asyncio
import logging

import aiohttp

from server.incidents.actions import Actions
from server.interactions.payload import Pressed
from server.notify.channel import DeliveryFailed
from server.notify.slack.api import post_to_webhook
from server.notify.slack.buttons import SNOOZE_MIN
from server.notify.slack.text import escaped_line
from server.process import log

MAX_ANSWERS = 100
"""Answers that may wait; those beyond are left out, as nothing depends on them."""

COMMIT_SHOWN = 10
"""Characters of a commit's id, as in the message."""

_UNKNOWN = "PushLog does not know this incident any more."
_ENDED = "This incident has ended already."


class Presses:
    """Does each press. What follows from it appears in the message, as other news does."""

    def __init__(self, actions: Actions, session: aiohttp.ClientSession) -> None:
        self._actions = actions
        self._session = session
        self._answers: asyncio.Queue[tuple[str, str]] = asyncio.Queue(MAX_ANSWERS)

    async def do(self, pressed: Pressed) -> None:
        """Do it; return as soon as it is stored. Raises what storage raises."""
        log.server(
            logging.INFO, f"slack: {pressed.by} pressed {pressed.press} on {pressed.incident_id}"
        )
        text = await self._do(pressed)
        if text is not None:
            self.answer(pressed, text)

    def answer(self, pressed: Pressed, text: str) -> None:
        """Say something that only whoever pressed sees, soon."""
        if pressed.answer_url and not self._answers.full():
            self._answers.put_nowait((pressed.answer_url, text))

    async def run(self) -> None:
        """Send the answers until cancelled."""
        while True:
            url, text = await self._answers.get()
            message = {"text": text, "response_type": "ephemeral", "replace_original": False}
            try:
                await post_to_webhook(self._session, url, message)
            except DeliveryFailed as failure:
                log.server(logging.WARNING, f"slack: an answer was not delivered: {failure}")

    async def _do(self, pressed: Pressed) -> str | None:
        """Return what to answer: why nothing was done, or what no message shows."""
        if pressed.press in ("right_commit", "wrong_commit"):
            return await self._judge(pressed, is_right=pressed.press == "right_commit")
        incident = await self._actions.find(pressed.incident_id)
        if incident is None:
            return _UNKNOWN
        if incident.ended_at is not None:
            return _ENDED
        match pressed.press:
            case "acknowledge":
                incident = await self._actions.acknowledge(pressed.incident_id, pressed.by)
                if incident is None or incident.acknowledged_by is None:
                    return _ENDED
                if incident.acknowledged_by != pressed.by:
                    return f"{incident.acknowledged_by} acknowledged it already."
            case "resolve":
                await self._actions.resolve(pressed.incident_id, pressed.by)
            case "snooze":
                await self._actions.snooze(pressed.incident_id, pressed.by, SNOOZE_MIN)
        return None

    async def _judge(self, pressed: Pressed, *, is_right: bool) -> str:
        judged = await self._actions.judge_suspect(
            pressed.incident_id, pressed.commit_id, pressed.by, is_right=is_right
        )
        commit = escaped_line(pressed.commit_id[:COMMIT_SHOWN], 100)
        match judged:
            case "unknown_incident":
                return _UNKNOWN
            case "never_suspected":
                return f"PushLog never suspected {commit or 'this commit'} here."
            case "noted":
                return f"Noted: {commit} is {'' if is_right else 'not '}the cause."
