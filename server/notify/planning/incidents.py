"""Plan who is told of an incident, and how: the bell, mail to people, other ways for all. Pure.

People are told when it opens, when it gets worse, when new errors join it, when a deploy takes back
a suspect commit, and when it ends; all but the first two only if they heard of it. They find its
other changes when they look.
"""

from collections.abc import Iterable

from server.notify.news import IncidentNews
from server.notify.outlets import Outlets, Target
from server.notify.planning.deliveries import mail, make_delivery, posts
from server.notify.planning.plan import Heard, Plan
from server.notify.recipients import (
    address_of_direct_message,
    kept_from,
    kept_from_all,
    mail_address,
)
from server.notify.routing.routed import (
    AS_USUAL,
    Routed,
    holds,
    kept_by,
    kept_from_routed,
    ways_not_routed,
)
from server.settings.reminding import is_mail_address
from server.settings.settings import MinSeverity
from server.storage.main.not_told import NotTold
from server.storage.main.outbox import ChannelName
from server.storage.main.people import Person
from shared.incident import IncidentSummary


def plan_change(
    news: IncidentNews,
    seq: int,
    *,
    people: Iterable[Person],
    floor: MinSeverity,
    outlets: Outlets,
    routed: Routed = AS_USUAL,
) -> Plan:
    """Plan who is told that this incident opened or got worse because of the entry at `seq`."""
    incident = news.incident
    kept = kept_from_all(incident, floor)
    if kept is not None:
        return Plan(not_told=[kept])
    if holds(routed.timing, incident):
        return Plan(not_told=[kept_by(routed.timing)], waits=routed.timing)
    plan = Plan()
    name = f"{incident.incident_id}/{news.change}/{seq}"
    for person in people:
        kept = kept_from_routed(person, routed) or kept_from(person, incident)
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
    usual = outlets.shared_by_all(news)
    targets = usual if routed.targets is None else routed.targets
    plan.not_told += ways_not_routed(usual, targets)
    if news.change == "opened" and _is_push(incident):
        ways = dict.fromkeys(channel for channel, _ in targets)
        plan.not_told += [NotTold(way=way, reason="told_as_push") for way in ways]
    else:
        plan.deliveries += posts(name, targets, news, incident.incident_id)
    return plan


def plan_follow_up(
    news: IncidentNews,
    mark: int | str,
    *,
    people: Iterable[Person],
    outlets: Outlets,
    heard: Heard,
    by: str | None = None,
) -> Plan:
    """Plan who is told what came of it: those who heard of it, in the ways they heard of it.

    `mark` tells news of one kind about it apart. The bell of the person named `by`, who did it,
    does not ring.
    """
    incident_id = news.incident.incident_id
    name = f"{incident_id}/{news.change}/{mark}"
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
    plan.deliveries += posts(name, _targets_that_heard(news, outlets, heard), news, incident_id)
    return plan


def plan_handing_on(news: IncidentNews, receivers: Iterable[str], outlets: Outlets) -> Plan:
    """Plan who else is told, as nobody acknowledged it: mail addresses and channels of Slack."""
    incident_id = news.incident.incident_id
    plan = Plan()
    for receiver in receivers:
        channel: ChannelName = "email" if is_mail_address(receiver) else "slack"
        if channel == "slack" or outlets.email:
            key = f"{incident_id}/handed_on/{news.seq}/{channel}/{receiver}"
            plan.deliveries.append(make_delivery(key, channel, receiver, incident_id, news))
    return plan


def _targets_that_heard(news: IncidentNews, outlets: Outlets, heard: Heard) -> list[Target]:
    """Return which targets were told before, as far as they are still set up.

    A direct message in Slack counts for nothing: only its receiver saw it. If Slack was told in a
    way that there is no longer, the incident's usual channel stands in for it.
    """
    told = sorted(heard.outside)
    targets = [each for each in outlets.targets if each in told]
    in_slack = [
        receiver
        for channel, receiver in told
        if channel == "slack" and address_of_direct_message(receiver) is None
    ]
    if outlets.slack is None or not in_slack:
        return targets
    there = [each for each in in_slack if outlets.reaches_in_slack(each)]
    return [("slack", each) for each in there or [outlets.slack_for(news)]] + targets


def _is_push(incident: IncidentSummary) -> bool:
    """Return whether the incident is the news of a push, which has a message of its own."""
    return (
        incident.trigger == "deploy"
        and incident.source == "github"
        and {"pusher", "branch"} <= incident.tags.keys()
    )
