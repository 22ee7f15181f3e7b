"""Plan what is told to whom, and how. Pure. The bell, mail to people, Slack for all.

People are told about an incident when it opens, when it gets worse, when new errors join it, and
when it ends; the last two only to those who heard of it. People find its other changes when they
look.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import msgspec

from server.notify.news import (
    CrashNews,
    IncidentNews,
    News,
    PushNews,
    SuspectNews,
    TroubleNews,
    VerdictNews,
)
from server.notify.recipients import (
    address_of_direct_message,
    direct_message_to,
    kept_from,
    kept_from_all,
    mail_address,
)
from server.settings.settings import MinSeverity
from server.storage.main.noise import NoiseFilter
from server.storage.main.not_told import NotTold
from server.storage.main.notifications import Change
from server.storage.main.outbox import ChannelName, NewDelivery
from server.storage.main.people import Person
from server.storage.times import to_micros
from server.wording.reasons import say
from shared.event import ChangeWindow
from shared.incident import IncidentSummary, SuspectCommit
from shared.pipe import DeployVerdict

SlackMode = Literal["bot", "webhook"]

_encode = msgspec.json.Encoder().encode


class Outlets(msgspec.Struct, frozen=True, kw_only=True):
    """The ways to people outside that are set up.

    `slack_receiver` is where Slack's messages go, but for those about deploys and about services
    with a channel of their own.
    """

    email: bool = False
    slack: SlackMode | None = None
    slack_receiver: str = ""
    slack_deploys: str | None = None
    slack_services: Mapping[str, str] = {}

    def slack_for(self, news: News) -> str:
        """Return where this news goes in Slack."""
        match news:
            case IncidentNews(incident=incident):
                return self._of_service(incident.service)
            case PushNews(service=service) | VerdictNews(service=service):
                return self.slack_deploys or self._of_service(service)
        return self.slack_receiver

    @property
    def slack_receivers(self) -> Sequence[str]:
        """Return all channels of Slack, the usual one first."""
        others = (self.slack_deploys, *self.slack_services.values())
        return list(dict.fromkeys(filter(None, (self.slack_receiver, *others))))

    def _of_service(self, service: str) -> str:
        return self.slack_services.get(service, self.slack_receiver)


class Heard(msgspec.Struct, frozen=True):
    """Who was told about an incident before: in the bell, and by channel and receiver outside."""

    people: frozenset[int] = frozenset()
    outside: frozenset[tuple[str, str]] = frozenset()


class Plan(msgspec.Struct):
    """Whose bell rings, what goes outside, and who is not told, for one thing that happened.

    `of` is the change of an incident, if it is one. `held_back_by` is the noise filter because of
    which nobody is told.
    """

    of: Change | None = None
    people: list[int] = msgspec.field(default_factory=list)
    deliveries: list[NewDelivery] = msgspec.field(default_factory=list)
    not_told: list[NotTold] = msgspec.field(default_factory=list)
    held_back_by: NoiseFilter | None = None


def plan_change(
    news: IncidentNews,
    seq: int,
    *,
    people: Iterable[Person],
    floor: MinSeverity,
    outlets: Outlets,
) -> Plan:
    """Plan who is told that this incident opened or got worse because of the entry at `seq`."""
    incident = news.incident
    kept = kept_from_all(incident, floor)
    if kept is not None:
        return Plan(not_told=[kept])
    plan = Plan()
    name = f"{incident.incident_id}/{news.change}/{seq}"
    for person in people:
        kept = kept_from(person, incident)
        if kept is not None:
            plan.not_told.append(kept)
            continue
        plan.people.append(person.id)
        if outlets.email:
            match mail_address(person):
                case str(address):
                    plan.deliveries.append(
                        mail(name, person.id, address, news, incident.incident_id)
                    )
                case NotTold() as kept:
                    plan.not_told.append(kept)
    if outlets.slack:
        if news.change == "opened" and _is_push(incident):
            plan.not_told.append(NotTold(way="slack", reason="told_as_push"))
        else:
            plan.deliveries.append(post(name, outlets, news, incident.incident_id))
    return plan


def plan_end(
    news: IncidentNews,
    *,
    people: Iterable[Person],
    outlets: Outlets,
    heard: Heard,
    by: str | None = None,
) -> Plan:
    """Plan who is told that it is over: those who heard of it, in the ways they heard of it.

    The bell of the person named `by`, who ended it, does not ring.
    """
    name = f"{news.incident.incident_id}/ended/0"
    return _plan_for_those_who_heard(name, news, people, outlets, heard, by)


def plan_joined(
    news: IncidentNews, *, people: Iterable[Person], outlets: Outlets, heard: Heard
) -> Plan:
    """Plan who is told of new errors in it: those who heard of it, in the ways they heard of it."""
    name = f"{news.incident.incident_id}/joined/{news.seq}"
    return _plan_for_those_who_heard(name, news, people, outlets, heard)


def _plan_for_those_who_heard(
    name: str,
    news: IncidentNews,
    people: Iterable[Person],
    outlets: Outlets,
    heard: Heard,
    by: str | None = None,
) -> Plan:
    incident_id = news.incident.incident_id
    plan = Plan()
    for person in people:
        if person.id in heard.people and person.name != by:
            plan.people.append(person.id)
        if (
            outlets.email
            and person.email is not None
            and person.email_incidents
            and ("email", person.email) in heard.outside
        ):
            plan.deliveries.append(mail(name, person.id, person.email, news, incident_id))
    if outlets.slack and any(
        channel == "slack" and address_of_direct_message(receiver) is None
        for channel, receiver in heard.outside
    ):
        plan.deliveries.append(post(name, outlets, news, incident_id))
    return plan


def plan_push(
    seq: int, service: str, environment: str, window: ChangeWindow, outlets: Outlets
) -> Plan | None:
    """Plan the one message about a push, if one brought the deploy, whatever becomes of it."""
    push = window.push
    if outlets.slack is None or push is None:
        return None
    # `push` has what is told about it; the files of 500 commits are not for people.
    told = msgspec.structs.replace(window, commits=[])
    news = PushNews(
        service=service,
        environment=environment,
        title=push.title,
        window=told,
        links={"source_url": push.url} if push.url else {},
    )
    return Plan(deliveries=[post(f"push/{seq}", outlets, news)])


def plan_verdict(verdict: DeployVerdict, outlets: Outlets) -> Plan | None:
    """Plan what a deploy did, written into the message about its push; only a bot can do that."""
    if outlets.slack != "bot":
        return None
    name = (
        f"verdict/{verdict.service}/{verdict.environment}/{to_micros(verdict.deploy_time)}"
        f"/{verdict.verdict}"
    )
    news = VerdictNews(
        service=verdict.service,
        environment=verdict.environment,
        deploy_time=verdict.deploy_time,
        verdict=verdict.verdict,
        reasons=[say(each) for each in verdict.reasons],
    )
    return Plan(deliveries=[post(name, outlets, news)])


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
    key = f"{suspicion_of(incident_id, news.suspect, author)}/{channel}"
    return _delivery(key, channel, receiver, incident_id, news)


def suspicion_of(incident_id: str, suspect: SuspectCommit, author: Person) -> str:
    """Return how the keys of what this author is told of this suspicion begin."""
    return f"{incident_id}/suspect/{suspect.commit_id}/person-{author.id}"


def _is_push(incident: IncidentSummary) -> bool:
    """Return whether the incident is the news of a push, which has a message of its own."""
    return (
        incident.trigger == "deploy"
        and incident.source == "github"
        and {"pusher", "branch"} <= incident.tags.keys()
    )


def mail(
    name: str, person_id: int, address: str, news: News, incident_id: str | None = None
) -> NewDelivery:
    """Return the mail to this person about what `name` names."""
    return _delivery(f"{name}/email/person-{person_id}", "email", address, incident_id, news)


def post(name: str, outlets: Outlets, news: News, incident_id: str | None = None) -> NewDelivery:
    """Return the message in Slack about what `name` names."""
    return _delivery(f"{name}/slack", "slack", outlets.slack_for(news), incident_id, news)


def _delivery(
    key: str, channel: ChannelName, receiver: str, incident_id: str | None, news: News
) -> NewDelivery:
    return NewDelivery(
        key=key,
        channel=channel,
        receiver=receiver,
        incident_id=incident_id,
        news=_encode(news),
        urgent=_is_urgent(news),
    )


def _is_urgent(news: News) -> bool:
    """Return whether somebody must hear of it now, however much else there is to hear."""
    match news:
        case IncidentNews(change="opened" | "escalated", incident=incident):
            return incident.severity == "critical"
        case SuspectNews(incident=incident):
            return incident.severity == "critical"
        case TroubleNews(change="opened", severity=severity):
            return severity == "critical"
        case CrashNews():
            return True
    return False
