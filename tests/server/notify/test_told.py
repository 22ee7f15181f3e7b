"""What people read of each piece of news changes only if somebody intends it."""

import difflib

from tests.server.notify.told import RECORD, told


def test_each_piece_of_news_reads_as_it_did_when_it_was_recorded() -> None:
    recorded = RECORD.read_text().splitlines()
    difference = list(difflib.unified_diff(recorded, list(told()), "recorded", "said", n=2))
    assert not difference, (
        "\n".join(difference[:60])
        + "\nWhere that is meant: python -m tests.server.notify.told, and read the difference."
    )
