"""The API's answers to three weeks of events change only if somebody intends it."""

import difflib

from tests.server.web.answers import RECORD, told
from tests.server.web.conftest import Client


async def test_the_api_answers_as_it_did_when_it_was_recorded(client: Client) -> None:
    recorded = RECORD.read_text().splitlines()
    answered = [line async for line in told(client)]
    difference = list(difflib.unified_diff(recorded, answered, "recorded", "answered", n=3))
    assert not difference, (
        "\n".join(difference[:60])
        + "\nWhere that is meant: python -m tests.server.web.answers, and read the difference."
    )
