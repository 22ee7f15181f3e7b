"""Make deliveries: what is told to whom, under which key, and how much it hurries. Pure."""

from collections.abc import Iterable

import msgspec

from server.notify.news import CrashNews, IncidentNews, News, SuspectNews, TroubleNews
from server.notify.outlets import Target
from server.storage.main.outbox import ChannelName, NewDelivery

_encode = msgspec.json.Encoder().encode


def mail(
    name: str, person_id: int, address: str, news: News, incident_id: str | None = None
) -> NewDelivery:
    """Return the mail to this person about what `name` names."""
    return make_delivery(mail_key(name, person_id), "email", address, incident_id, news)


def mail_key(name: str, person_id: int) -> str:
    """Return the key of the mail to this person about what `name` names."""
    return f"{name}/email/person-{person_id}"


def posts(
    name: str, targets: Iterable[Target], news: News, incident_id: str | None = None
) -> list[NewDelivery]:
    """Return the message to each of `targets` about what `name` names."""
    deliveries: list[NewDelivery] = []
    in_slack = 0
    for channel, receiver in targets:
        key = f"{name}/{channel}/{receiver}"
        if channel == "slack":
            # The first is the same message to whichever channel it goes.
            in_slack += 1
            key = f"{name}/slack" if in_slack == 1 else key
        deliveries.append(make_delivery(key, channel, receiver, incident_id, news))
    return deliveries


def make_delivery(
    key: str, channel: ChannelName, receiver: str, incident_id: str | None, news: News
) -> NewDelivery:
    """Return the delivery of this news to this receiver."""
    return NewDelivery(
        key=key,
        channel=channel,
        receiver=receiver,
        incident_id=incident_id,
        news=_encode(news),
        urgent=_is_urgent(news),
        can_wait=_can_wait(news),
    )


def _can_wait(news: News) -> bool:
    """Return whether it may wait until somebody's working hours."""
    match news:
        case IncidentNews(change="handed_on"):
            return False
        case IncidentNews(incident=incident) | SuspectNews(incident=incident):
            return incident.severity != "critical"
    return False


def _is_urgent(news: News) -> bool:
    """Return whether somebody must hear of it now, however much else there is to hear."""
    match news:
        case IncidentNews(change="opened" | "escalated" | "reminded", incident=incident):
            return incident.severity == "critical"
        case IncidentNews(change="handed_on"):
            return True
        case SuspectNews(incident=incident):
            return incident.severity == "critical"
        case TroubleNews(change="opened", severity=severity):
            return severity == "critical"
        case CrashNews():
            return True
    return False
