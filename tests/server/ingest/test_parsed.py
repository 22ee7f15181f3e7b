"""What is made of webhooks changes only if somebody intends it."""

import difflib

from tests.server.ingest.parsed import RECORD, told


def test_of_each_webhook_the_same_is_made_as_when_it_was_recorded() -> None:
    recorded = RECORD.read_text().splitlines()
    difference = list(difflib.unified_diff(recorded, list(told()), "recorded", "made", n=2))
    assert not difference, (
        "\n".join(difference[:60])
        + "\nWhere that is meant: python -m tests.server.ingest.parsed, and read the difference."
    )
