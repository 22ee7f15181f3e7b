"""What people read of each piece of news changes only if somebody intends it."""

from tests import records
from tests.server.notify.told import RECORD, told


def test_each_piece_of_news_reads_as_it_did_when_it_was_recorded() -> None:
    records.compare(RECORD, told())
