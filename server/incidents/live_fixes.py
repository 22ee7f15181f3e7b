"""Note on the timeline of an incident that the fix of its issues is live, as the engine says."""

from server.incidents.fixes import note_fix
from server.incidents.masked import masked
from server.notify.batch import Fixed
from server.storage.database import Transaction
from server.storage.main import incidents
from server.storage.main.fixes import Fix
from server.storage.times import to_micros
from shared.pipe import FixLive


async def store_live_fix(tx: Transaction, said: FixLive) -> Fixed | None:
    """Return what people are told of it, or None if it was told, or the incident is gone."""
    stored = await incidents.get(tx, said.incident_id)
    if stored is None:
        return None
    fix = Fix(
        deploy_id=said.deploy_id,
        deploy_time=said.deploy_time,
        release=said.release,
        issues=said.issues,
        of_issues=max(stored.summary.issue_count, said.issues),
    )
    fixed = Fixed(stored, said.seq, "fix_live", masked(fix), to_micros(said.time))
    return fixed if await note_fix(tx, fixed, said.deploy_id, said.release) else None
