"""Plan what is told to whom, and how. Pure. The bell, mail to people, other ways for all.

People are told about an incident when it opens, when it gets worse, when new errors join it, when
a deploy takes back a suspect commit, and when it ends; all but the first two only to those who
heard of it. People find its other changes when they look.
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
from server.settings.reminding import is_mail_address
from server.settings.settings import MinSeverity
from server.storage.main.noise import NoiseFilter
from server.storage.main.not_told import NotTold
from server.storage.main.notifications import Change
from server.storage.main.outbox import ChannelName, NewDelivery
from server.storage.main.people import Person
from server.storage.times import to_micros
from server.wording.reasons import say
from shared.event import ChangeWindow
from shared.incident import IncidentSummary, SuspectCommit, Verdict
from shared.pipe import DeployVerdict

SlackMode = Literal["bot", "webhook"]
Target = tuple[ChannelName, str]
"""A channel, and a receiver in it."""

_encode = msgspec.json.Encoder().encode


class Outlets(msgspec.Struct, frozen=True, kw_only=True):
    """The ways to people outside that are set up.

    `slack_receiver` is where Slack's messages go, but for those about deploys and about services
    with a channel of their own. `targets` are told everything that Slack is told.
    """

    email: bool = False
    slack: SlackMode | None = None
    slack_receiver: str = ""
    slack_deploys: str | None = None
    slack_services: Mapping[str, str] = {}
    targets: tuple[Target, ...] = ()

    def shared_by_all(self, news: News) -> Sequence[Target]:
        """Return where this news goes for everybody, whatever each person has set."""
        return [("slack", self.slack_for(news)), *self.targets] if self.slack else self.targets

    def usual_receivers(self, channel: ChannelName) -> Sequence[str]:
        """Return who is told of most news by this channel; by mail, that depends on each person."""
        if channel == "slack":
            return [self.slack_receiver]
        return [receiver for each, receiver in self.targets if each == channel]

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
    targets = outlets.shared_by_all(news)
    if news.change == "opened" and _is_push(incident):
        ways = dict.fromkeys(channel for channel, _ in targets)
        plan.not_told += [NotTold(way=way, reason="told_as_push") for way in ways]
    else:
        plan.deliveries += posts(name, targets, news, incident.incident_id)
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


def plan_reminder(
    news: IncidentNews, *, people: Iterable[Person], outlets: Outlets, heard: Heard
) -> Plan:
    """Plan who is told again, as nobody acknowledged it: those who heard of it."""
    name = f"{news.incident.incident_id}/reminded/{news.seq}"
    return _plan_for_those_who_heard(name, news, people, outlets, heard)


def plan_handing_on(news: IncidentNews, receivers: Iterable[str], outlets: Outlets) -> Plan:
    """Plan who else is told, as nobody acknowledged it: mail addresses and channels of Slack."""
    incident_id = news.incident.incident_id
    plan = Plan()
    for receiver in receivers:
        channel: ChannelName = "email" if is_mail_address(receiver) else "slack"
        if channel == "slack" or outlets.email:
            key = f"{incident_id}/handed_on/{news.seq}/{channel}/{receiver}"
            plan.deliveries.append(_delivery(key, channel, receiver, incident_id, news))
    return plan


def plan_fix(
    news: IncidentNews, deploy_id: str, *, people: Iterable[Person], outlets: Outlets, heard: Heard
) -> Plan:
    """Plan who is told what a deploy did about it: those who heard of it, as they heard of it."""
    name = f"{news.incident.incident_id}/{news.change}/{deploy_id}"
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
    hear = [each for each in outlets.shared_by_all(news) if _has_heard(each, heard)]
    plan.deliveries += posts(name, hear, news, incident_id)
    return plan


def plan_push(
    seq: int, service: str, environment: str, window: ChangeWindow, outlets: Outlets
) -> Plan | None:
    """Plan the one message about a push, if one brought the deploy, whatever becomes of it."""
    push = window.push
    if push is None:
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
    deliveries = posts(f"push/{seq}", outlets.shared_by_all(news), news)
    return Plan(deliveries=deliveries) if deliveries else None


def plan_verdict(verdict: DeployVerdict, outlets: Outlets) -> Plan | None:
    """Plan who is told what a deploy did.

    In Slack, only a bot can say it: it writes it into its message about the push. By Apprise,
    people are not told that a deploy did no harm.
    """
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
    targets = [
        target
        for target in outlets.shared_by_all(news)
        if _wants_verdict(target[0], verdict.verdict, outlets)
    ]
    deliveries = posts(name, targets, news)
    return Plan(deliveries=deliveries) if deliveries else None


def _wants_verdict(channel: ChannelName, verdict: Verdict, outlets: Outlets) -> bool:
    match channel:
        case "slack":
            return outlets.slack == "bot"
        case "apprise":
            return verdict in ("suspect", "faulty")
    return True


def _has_heard(target: Target, heard: Heard) -> bool:
    """Return whether this target was told before; Slack counts as one, whatever the channel.

    Not so a direct message, which only its receiver saw.
    """
    if target[0] == "slack":
        return any(
            channel == "slack" and address_of_direct_message(receiver) is None
            for channel, receiver in heard.outside
        )
    return target in heard.outside


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
    return _delivery(key, channel, receiver, incident_id, news)


def suspicion_keys(incident_id: str, suspect: SuspectCommit, author: Person) -> list[str]:
    """Return the keys of what this author may be told of this suspicion, by any way."""
    ways: tuple[ChannelName, ...] = ("email", "slack")
    return [_suspicion_key(incident_id, suspect, author, each) for each in ways]


def _suspicion_key(
    incident_id: str, suspect: SuspectCommit, author: Person, channel: ChannelName
) -> str:
    return f"{incident_id}/suspect/{suspect.commit_id}/person-{author.id}/{channel}"


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
    return _delivery(mail_key(name, person_id), "email", address, incident_id, news)


def mail_key(name: str, person_id: int) -> str:
    """Return the key of the mail to this person about what `name` names."""
    return f"{name}/email/person-{person_id}"


def posts(
    name: str, targets: Iterable[Target], news: News, incident_id: str | None = None
) -> list[NewDelivery]:
    """Return the message to each of `targets` about what `name` names."""
    return [
        _delivery(
            # Slack gets one message, to whichever channel it goes.
            f"{name}/slack" if channel == "slack" else f"{name}/{channel}/{receiver}",
            channel,
            receiver,
            incident_id,
            news,
        )
        for channel, receiver in targets
    ]


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
