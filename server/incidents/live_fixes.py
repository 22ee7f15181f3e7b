"""Note on the timeline of an incident that the fix of its issues is live, as the engine says."""

import msgspec

from server.notify.batch import Fixed
from server.notify.masking import masked_values
from server.storage.database import Transaction
from server.storage.main import fixes, incidents
from server.storage.main.fixes import Fix
from server.storage.times import to_micros
from server.wording.fixes import say_fix
from shared.pipe import FixLive


async def store_live_fix(tx: Transaction, said: FixLive) -> Fixed | None:
    """Return what people are told of it, or None if it was told, or the incident is gone."""
    stored = await incidents.get(tx, said.incident_id)
    if stored is None:
        return None
    if not await fixes.add(tx, said.incident_id, said.deploy_id, "fix_live", said.release):
        return None
    fix = Fix(
        deploy_id=said.deploy_id,
        deploy_time=said.deploy_time,
        release=said.release,
        issues=said.issues,
        of_issues=max(stored.summary.issue_count, said.issues),
    )
    fix = msgspec.convert(masked_values(msgspec.to_builtins(fix)), Fix)
    at = to_micros(said.time)
    await incidents.add_change(tx, said.incident_id, said.seq, "fix_live", at, say_fix(fix))
    return Fixed(stored, said.seq, "fix_live", fix, at)
