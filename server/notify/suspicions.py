"""Tell the author of a suspect commit, where the suspicion is strong enough."""

from collections.abc import Iterable, Sequence

from server.notify.authors import person_of
from server.notify.batch import Happened, Suspicion
from server.notify.planning.suspicions import suspicion_keys
from server.storage.database import Transaction
from server.storage.main import commit_authors, deployed_commits, outbox
from server.storage.main.commit_authors import address_of, login_of
from server.storage.main.people import Person
from shared.incident import SuspectCommit
from shared.pipe import Incident


def strong_suspects(incident: Incident, least: float) -> list[SuspectCommit]:
    """Return the suspect commits with a confidence of `least` (0-1) or more."""
    return [each for each in incident.suspected_causes if each.confidence >= least]


async def suspicions(
    tx: Transaction, happened: Iterable[Happened], people: Sequence[Person], least: float
) -> dict[str, list[Suspicion]]:
    """Return the suspect commits with a confidence of `least` (0-1) or more, and who wrote them.

    The keys are incidents. Commits of nobody here are left out, and so is what was told before.
    """
    found: dict[str, list[Suspicion]] = {}
    for each in happened:
        if isinstance(each, Incident):
            strong = strong_suspects(each, least)
            of_people = [await _of(tx, each, suspect, people) for suspect in strong]
            found[each.incident_id] = [each for each in of_people if each is not None]
    return found


async def _of(
    tx: Transaction, incident: Incident, suspect: SuspectCommit, people: Sequence[Person]
) -> Suspicion | None:
    if suspect.deploy_id is None:
        return None
    commit = await deployed_commits.find_commit(
        tx, incident.service, incident.environment, suspect.deploy_id, suspect.commit_id
    )
    if commit is None:
        return None
    address, login = address_of(commit), login_of(commit)
    authors = await commit_authors.like(tx, address, login)
    person = person_of(address, login, people, authors)
    if person is None:
        return None
    told = await outbox.known(tx, suspicion_keys(incident.incident_id, suspect, person))
    return None if told else Suspicion(suspect, person)
