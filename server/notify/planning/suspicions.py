"""Plan what the author of a suspect commit is told. Pure."""

from server.notify.news import SuspectNews
from server.notify.outlets import Outlets
from server.notify.planning.deliveries import make_delivery
from server.notify.recipients import direct_message_to
from server.storage.main.outbox import ChannelName, NewDelivery
from server.storage.main.people import Person
from shared.incident import SuspectCommit


def plan_suspicion(news: SuspectNews, author: Person, outlets: Outlets) -> NewDelivery | None:
    """Plan what the author of a suspect commit is told, once.

    Return None if they want nothing, or cannot be reached in the way that they want.
    """
    if author.email is None:
        return None
    channel: ChannelName
    match author.my_commits:
        case "email" if outlets.email:
            channel, receiver = "email", author.email
        case "slack" if outlets.slack == "bot":
            channel, receiver = "slack", direct_message_to(author.email)
        case _:
            return None
    incident_id = news.incident.incident_id
    key = _suspicion_key(incident_id, news.suspect, author, channel)
    return make_delivery(key, channel, receiver, incident_id, news)


def suspicion_keys(incident_id: str, suspect: SuspectCommit, author: Person) -> list[str]:
    """Return the keys of what this author may be told of this suspicion, by any way."""
    ways: tuple[ChannelName, ...] = ("email", "slack")
    return [_suspicion_key(incident_id, suspect, author, each) for each in ways]


def _suspicion_key(
    incident_id: str, suspect: SuspectCommit, author: Person, channel: ChannelName
) -> str:
    return f"{incident_id}/suspect/{suspect.commit_id}/person-{author.id}/{channel}"
