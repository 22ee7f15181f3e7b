"""What is made of webhooks changes only if somebody intends it."""

from tests import records
from tests.server.ingest.parsed import RECORD, told


def test_of_each_webhook_the_same_is_made_as_when_it_was_recorded() -> None:
    records.compare(RECORD, told())
