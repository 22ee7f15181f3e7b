"""What was missing or cut is told in as many notes as an event may have, and no more."""

import msgspec
import pytest

from server.ingest.notes import Notes
from shared.pipe import EventEntry, decode_inbound
from tests.builders import event_entry


@pytest.mark.parametrize(
    ("faults", "last"), [(49, "fault 48"), (50, "and 1 more"), (60, "and 11 more")]
)
def test_a_body_of_many_faults_makes_an_event_that_the_engine_can_read(
    faults: int, last: str
) -> None:
    notes = Notes()
    for number in range(faults):
        notes.add(f"fault {number}")
        notes.add("fault 0")
    event = event_entry(1, notes=notes.sentences())
    read = decode_inbound(msgspec.json.encode(event))
    assert isinstance(read, EventEntry)
    assert (len(read.notes), read.notes[0], read.notes[-1]) == (min(faults, 50), "fault 0", last)
