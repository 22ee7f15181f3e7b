"""Find the incidents about whose cause a deploy does something, and note it on their timelines."""

from collections.abc import Iterable, Mapping

from server.incidents.masked import masked
from server.notify.batch import Deployed, Fixed
from server.notify.fixes import Reverted, in_order, reverted, reverts_of
from server.storage.database import Transaction
from server.storage.main import deployed_commits, deploys, fixes, incidents, suspected_commits
from server.storage.main.deploys import StoredDeploy
from server.storage.main.fixes import Fix, NamedCommit
from server.storage.main.incidents import StoredIncident
from server.wording.fixes import say_fix
from shared.event import Commit
from shared.text import first_line

ENDED_WITHIN_US = 7 * 86_400_000_000
"""People hear of incidents that ended so long before, at most."""

LOOK_BACK = 50
"""So many deploys of the place are read, at most, to know a commit."""


async def store_fixes(tx: Transaction, deployed: Iterable[Deployed]) -> list[Fixed]:
    """Return what these deploys do about incidents, each once."""
    found: list[Fixed] = []
    for each in deployed:
        deploy = await deploys.announced(tx, each.service, each.environment, each.window)
        if deploy is not None:
            found += await _reverted_by(tx, each, deploy)
    return found


async def _reverted_by(tx: Transaction, deployed: Deployed, deploy: StoredDeploy) -> list[Fixed]:
    reverts = reverts_of(deploy.commits)
    taken_away = await deployed_commits.taken_away(tx, deploy, LOOK_BACK)
    if not reverts and not taken_away:
        return []
    found: list[Fixed] = []
    # Not the clock, so that what is stored is the same whenever the entry is stored.
    seq, at = deployed.seq, deployed.received
    suspected = await suspected_commits.in_place(
        tx,
        deploy.service,
        deploy.environment,
        opened_before=seq,
        ended_after=at - ENDED_WITHIN_US,
    )
    ids = {each for suspects in suspected.values() for each in suspects}
    messages = await deployed_commits.commit_messages(
        tx, deploy.service, deploy.environment, ids, LOOK_BACK
    )
    for incident_id, suspects in suspected.items():
        stored = await incidents.get(tx, incident_id)
        if stored is None:
            continue
        ranked = [each.commit_id for each in stored.summary.suspected_causes]
        fix = _fix(deploy, stored, in_order(suspects, ranked), messages, reverts, taken_away)
        if fix is None:
            continue
        by = fix.reverted_by or fix.suspect
        cause = deploy.deploy_id if by is None else by.commit_id
        fixed = Fixed(stored, seq, "suspect_reverted", fix, at)
        if await note_fix(tx, fixed, deploy.deploy_id, cause):
            found.append(fixed)
    return found


async def note_fix(tx: Transaction, fixed: Fixed, deploy_id: str, cause: str) -> bool:
    """Note what a deploy did, and on the timeline of the incident; return whether it is new.

    The deploy and its `cause` are known by their own names, in which no secret is masked.
    """
    incident_id = fixed.stored.summary.incident_id
    if not await fixes.add(tx, incident_id, deploy_id, fixed.change, cause):
        return False
    said = say_fix(fixed.fix)
    await incidents.add_change(tx, incident_id, fixed.seq, fixed.change, fixed.at, said)
    return True


def _fix(
    deploy: StoredDeploy,
    stored: StoredIncident,
    suspects: list[str],
    messages: Mapping[str, str],
    reverts: list[tuple[str, Commit]],
    taken_away: set[str],
) -> Fix | None:
    """Return how the deploy takes back one of the suspects, or None if it does not."""
    began = stored.summary.start_time
    found: Reverted | None = None
    # What ran before the incident began did nothing about it.
    if (deploy.ran_since or deploy.deployed_at) > began:
        found = reverted(reverts, suspects, messages)
    if found is not None:
        suspect_id, by = found.suspect_id, _named(found.by)
    elif deploy.deployed_at > began:
        # A deploy that took them away is no news about those that are suspected because of that.
        gone = {each.commit_id for each in stored.summary.suspected_causes if each.taken_away}
        behind = [each for each in suspects if each in taken_away and each not in gone]
        if not behind:
            return None
        suspect_id, by = behind[0], None
    else:
        return None
    return masked(
        Fix(
            deploy_id=deploy.deploy_id,
            deploy_time=deploy.deployed_at,
            release=deploy.release,
            suspect=_suspect(suspect_id, stored, messages.get(suspect_id, "")),
            reverted_by=by,
        )
    )


def _suspect(suspect_id: str, stored: StoredIncident, message: str) -> NamedCommit:
    for each in stored.summary.suspected_causes:
        if each.commit_id == suspect_id:
            return NamedCommit(suspect_id, first_line(each.message), each.author, each.url)
    return NamedCommit(suspect_id, first_line(message))


def _named(commit: Commit) -> NamedCommit:
    return NamedCommit(commit.id, first_line(commit.message), commit.author, commit.url)
