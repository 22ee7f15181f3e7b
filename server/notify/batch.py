"""Plan who is told about what happened in a batch of entries, in order. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

import msgspec
from msgspec.structs import replace

from server.notify.audience import Audience
from server.notify.news import IncidentNews, SuspectNews, news_of
from server.notify.noise import is_partly_noise, noise_in, said_in_short
from server.notify.planning.deploys import plan_push, plan_verdict
from server.notify.planning.incidents import plan_change, plan_follow_up
from server.notify.planning.plan import Heard, Plan, change_of
from server.notify.planning.suspicions import plan_suspicion
from server.notify.recipients import kept_from_all
from server.notify.routing.routed import AT_ONCE, Routed
from server.notify.routing.routes import decide
from server.storage.main.fixes import Fix, FixChange
from server.storage.main.incidents import StoredIncident, summary_of
from server.storage.main.joined_issues import JoinedIssue
from server.storage.main.not_told import NotTold
from server.storage.main.people import Person
from server.storage.times import to_micros
from server.wording.explain import explain_incident
from server.wording.joined import names_of
from shared.event import ChangeWindow
from shared.incident import SuspectCommit
from shared.pipe import DeployVerdict, Incident


class Over(msgspec.Struct, frozen=True):
    """An incident ended; `stored` says when and why, and `by` who ended it, if a person did."""

    stored: StoredIncident
    by: str | None = None


class Deployed(msgspec.Struct, frozen=True):
    """The entry at `seq`, `received` then (microseconds), announced a deploy."""

    seq: int
    received: int
    service: str
    environment: str
    window: ChangeWindow


class Fixed(msgspec.Struct, frozen=True):
    """The deploy that the entry at `seq` announced did something about the cause of an incident.

    `at` is when that entry was received, in microseconds.
    """

    stored: StoredIncident
    seq: int
    change: FixChange
    fix: Fix
    at: int


class Suspicion(msgspec.Struct, frozen=True):
    """A commit is strongly suspected, and `author` wrote it."""

    suspect: SuspectCommit
    author: Person


Happened = Incident | Over | Deployed | DeployVerdict | Fixed
"""What people may be told about. An `Incident` is one that changed, as its `change` says."""


def plan_all(
    happened: Iterable[Happened],
    audience: Audience,
    heard: Mapping[str, Heard],
    joined: Mapping[str, Sequence[JoinedIssue]],
    suspicions: Mapping[str, Sequence[Suspicion]],
) -> list[Plan]:
    """Return a plan for each thing that is told.

    By incident, `heard` says who was told before, `joined` which new errors nobody was told of, and
    `suspicions` whose commits are suspected.
    """
    heard = dict(heard)
    plans = []
    for each in happened:
        plan = _plan(each, audience, heard, joined)
        if isinstance(each, Incident) and (plan is None or plan.waits is None):
            plan = _with_authors(plan, each, suspicions.get(each.incident_id, ()), audience)
        if plan is None:
            continue
        plans.append(plan)
        if plan.of is not None:
            before = heard.get(plan.of.incident_id, Heard())
            heard[plan.of.incident_id] = Heard(
                before.people.union(plan.people),
                before.outside.union((each.channel, each.receiver) for each in plan.deliveries),
            )
    return plans


def _plan(
    happened: Happened,
    audience: Audience,
    heard: Mapping[str, Heard],
    joined: Mapping[str, Sequence[JoinedIssue]],
) -> Plan | None:
    match happened:
        case Incident(incident_id=incident_id):
            before = heard.get(incident_id, Heard())
            return _plan_incident(happened, audience, before, joined.get(incident_id, ()))
        case Over(stored=stored):
            incident_id = stored.summary.incident_id
            before = heard.get(incident_id, Heard())
            return _plan_over(happened, audience, before, joined.get(incident_id, ()))
        case Deployed(seq=seq, service=service, environment=environment, window=window):
            return plan_push(seq, service, environment, window, audience.outlets)
        case DeployVerdict():
            return plan_verdict(happened, audience.outlets)
        case Fixed(stored=stored):
            before = heard.get(stored.summary.incident_id, Heard())
            return _plan_fixed(happened, audience, before)
        case _:
            assert_never(happened)


def _plan_incident(
    incident: Incident, audience: Audience, heard: Heard, joined: Sequence[JoinedIssue]
) -> Plan | None:
    """Tell people that the incident opened or got worse, unless it is noise.

    If an issue that is no noise joins an incident that was noise so far, the incident is news.
    """
    match incident.change:
        case "opened" | "escalated":
            change = incident.change
        case "joined" if is_partly_noise(incident, audience.filters):
            if heard != Heard():
                return None
            change = "opened"
        case _:
            return None
    news = IncidentNews(
        change=change,
        incident=summary_of(incident),
        seq=incident.seq,
        why=explain_incident(incident),
        joined=[] if change == "opened" else names_of(joined),
    )
    noise = noise_in(incident, audience.filters)
    if noise is not None:
        kept = NotTold(way="any", reason="noise_filter", detail=said_in_short(noise))
        plan = Plan(not_told=[kept], held_back_by=noise)
    else:
        plan = plan_news(news, audience, may_wait=heard == Heard())
    plan.of = change_of(news, seq=incident.seq, at=to_micros(incident.last_seen))
    return plan


def plan_news(news: IncidentNews, audience: Audience, *, may_wait: bool) -> Plan:
    """Plan who is told that an incident, which is no noise, opened or got worse.

    Unless it `may_wait`, a route that lets it wait makes no difference: because people were told of
    it before, or because it has waited.
    """
    routed = routed_by(news, audience)
    if not may_wait and routed.timing.when != "never":
        routed = replace(routed, timing=AT_ONCE)
    return plan_change(
        news,
        news.seq,
        people=audience.people,
        floor=audience.floor,
        outlets=audience.outlets,
        routed=routed,
    )


def routed_by(news: IncidentNews, audience: Audience) -> Routed:
    """Return what the routes decide about this news."""
    return decide(
        news.incident,
        audience.routes,
        usual_slack=audience.outlets.slack_for(news),
        people=[each.id for each in audience.people],
        outlets=audience.outlets,
    )


def _with_authors(
    plan: Plan | None,
    incident: Incident,
    suspicions: Sequence[Suspicion],
    audience: Audience,
) -> Plan | None:
    """Add what the authors of suspect commits are told.

    Of an incident that opens they hear that instead of the usual, as it says all of it too.
    """
    if (
        not suspicions
        or kept_from_all(incident, audience.floor) is not None
        or noise_in(incident, audience.filters) is not None
    ):
        return plan
    summary, why = summary_of(incident), explain_incident(incident)
    usual = IncidentNews(change="opened", incident=summary)
    if routed_by(usual, audience).timing.when == "never":
        return plan
    plan = plan or Plan()
    for each in suspicions:
        news = SuspectNews(incident=summary, suspect=each.suspect, why=why)
        delivery = plan_suspicion(news, each.author, audience.outlets)
        if delivery is None:
            continue
        if incident.change == "opened":
            others = (delivery.channel, delivery.receiver)
            plan.deliveries = [
                known for known in plan.deliveries if (known.channel, known.receiver) != others
            ]
        plan.deliveries.append(delivery)
    return plan


def _plan_over(over: Over, audience: Audience, heard: Heard, joined: Sequence[JoinedIssue]) -> Plan:
    """Tell those who heard of the incident that it is over; who ended it need not be rung."""
    # Who looked after it is no news any more.
    news = replace(news_of(over.stored, "ended"), acknowledged_by=None, joined=names_of(joined))
    plan = plan_follow_up(
        news, 0, people=audience.people, outlets=audience.outlets, heard=heard, by=over.by
    )
    ended_at = over.stored.ended_at or over.stored.summary.last_seen
    plan.of = change_of(news, seq=0, at=to_micros(ended_at))
    return plan


def _plan_fixed(fixed: Fixed, audience: Audience, heard: Heard) -> Plan:
    """Tell those who heard of the incident what a deploy did about its cause."""
    news = replace(news_of(fixed.stored, fixed.change), fix=fixed.fix)
    plan = plan_follow_up(
        news,
        fixed.fix.deploy_id,
        people=audience.people,
        outlets=audience.outlets,
        heard=heard,
    )
    plan.of = change_of(news, seq=fixed.seq, at=fixed.at)
    return plan
