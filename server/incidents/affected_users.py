"""Find out whom the events of incidents happened to."""

from collections.abc import Sequence

import msgspec

from server.storage.journal.entry import JournalEntry
from server.storage.main.incident_users import user_hash
from shared.decisions import Code
from shared.pipe import Decision


class _Named(msgspec.Struct):
    """All that is read of an event here."""

    user_id: str | None = None


_decode = msgspec.json.Decoder(_Named).decode
_MARK = b'"user_id"'


def users_by_incident(
    made: Sequence[Decision], entries: Sequence[JournalEntry]
) -> dict[str, dict[int, None]]:
    """Return the hashes of the users of each incident, in the order in which they came.

    Incidents whose events name nobody are left out. What was held back because its issue is
    silenced does not count, as it does not among the events.
    """
    bodies = {entry.seq: entry.body for entry in entries}
    users: dict[str, dict[int, None]] = {}
    for each in made:
        if each.incident_id and each.code is not Code.SILENCED and each.seq in bodies:
            user_id = _user_of(bodies[each.seq])
            if user_id:
                users.setdefault(each.incident_id, {})[user_hash(user_id)] = None
    return users


def _user_of(body: bytes) -> str | None:
    # Most of the bytes are of the trace, and to decode them takes longer than to look.
    if _MARK not in body:
        return None
    try:
        return _decode(body).user_id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Another version wrote it. That an engine read it does not mean that we can.
        return None
