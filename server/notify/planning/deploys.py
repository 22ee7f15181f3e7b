"""Plan what is told of deploys. Pure."""

import msgspec

from server.notify.news import PushNews, VerdictNews
from server.notify.outlets import Outlets
from server.notify.planning.deliveries import posts
from server.notify.planning.plan import Plan
from server.storage.main.outbox import ChannelName
from server.storage.times import to_micros
from server.wording.reasons import say
from shared.event import ChangeWindow
from shared.incident import Verdict
from shared.pipe import DeployVerdict


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
