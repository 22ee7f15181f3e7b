"""The API of the integrations: addresses, secrets, and what came last."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from aiohttp import web

from server.keys import DATABASE, JOURNAL, SETTINGS
from server.notify.channels import outlets_of
from server.settings.settings import Settings, Slack
from server.storage.database import Transaction
from server.storage.journal.entry import JournalUnavailable
from server.storage.main import deploys, outbox, webhooks
from server.storage.main.deploys import StoredDeploy
from server.storage.main.outbox import ChannelName, DeliveryFilter, DeliveryState
from server.storage.main.webhooks import Outcome, Route, SourceNews
from server.web.api.sentry_signs import look_for_signs
from server.web.requests import answer
from server.wording.set_up import SentrySigns, Step, is_only_here, sentry_steps, signature_words

_DEPLOYS_LOOKED_AT = 5


class LastWebhook(msgspec.Struct, frozen=True):
    """The last webhook of a source; `signature` is the verdict on it, in words."""

    received: datetime
    outcome: Outcome
    signature: str
    about: str


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook to set up elsewhere. It says how many secrets are set, but never which.

    `accepted_at` is when one was last understood, which `last` may not have been.
    """

    webhook_url: str
    secrets: int
    last: LastWebhook | None
    accepted_at: datetime | None


class SentryAnswer(Incoming, frozen=True, kw_only=True):
    """The webhook of Sentry, with the steps to set it up.

    `errors_seen_at` is when an event last came by the webhook `error`.
    """

    steps: list[Step]
    errors_seen_at: datetime | None
    simulations: bool


class ServiceMapping(msgspec.Struct, frozen=True):
    """The code in `folder` of `repository` (empty: all of it) is `service`."""

    repository: str
    folder: str
    service: str


class BranchMapping(msgspec.Struct, frozen=True):
    """A push to a branch like `branch` goes to `environment`."""

    branch: str
    environment: str


class LastDeploy(msgspec.Struct, frozen=True):
    """The newest deploy of code at GitHub."""

    service: str
    environment: str
    deployed_at: datetime
    repository: str


class GitHubAnswer(Incoming, frozen=True, kw_only=True):
    """Which code belongs to which service, and which branch goes where.

    Without rules, a repository is a service of its own name, and its default branch is production.
    """

    token: bool
    services: list[ServiceMapping]
    branches: list[BranchMapping]
    last_deploy: LastDeploy | None


class LastMessage(msgspec.Struct, frozen=True):
    """The newest message by a way, and how it went."""

    created_at: datetime
    state: DeliveryState
    error: str | None


class SlackAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """In which way Slack is told, and how it tells what people press; None if it is not set up.

    `channel` is the usual one of a bot, and `channels` are all.
    """

    way: Literal["bot", "webhook"] | None
    channel: str | None
    channels: Sequence[str]
    buttons: Literal["request", "socket"] | None
    last: LastMessage | None


class WayAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Whom webhooks or Apprise tell, by the names that deliveries show; nobody if not set up."""

    receivers: Sequence[str]
    last: LastMessage | None


class IntegrationsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All integrations. `only_here`: PUBLIC_URL is an address that only this machine can reach."""

    only_here: bool
    sentry: SentryAnswer
    github: GitHubAnswer
    slack: SlackAnswer
    webhooks: WayAnswer
    apprise: WayAnswer


async def get_integrations(request: web.Request) -> web.Response:
    """``GET /api/integrations``."""
    signs = await read_signs(request)
    async with request.app[DATABASE].read() as tx:
        found = await read_integrations(request.app[SETTINGS], tx, signs)
    return answer(found)


async def read_signs(request: web.Request) -> SentrySigns:
    """Return what the journal shows of the steps at Sentry; nothing if it cannot be read."""
    try:
        return await look_for_signs(request.app[JOURNAL])
    except JournalUnavailable:
        # The page still says what is set. /health says what is wrong with the journal.
        return SentrySigns()


async def read_integrations(
    settings: Settings, tx: Transaction, signs: SentrySigns
) -> IntegrationsAnswer:
    """Return what is set up, and what came last."""
    sources = await webhooks.sources(tx)
    sentry = sources.get("sentry")
    base = _incoming(settings, "sentry", len(settings.sentry_webhook_secrets), sentry)
    return IntegrationsAnswer(
        only_here=is_only_here(settings.public_url),
        sentry=SentryAnswer(
            **msgspec.structs.asdict(base),
            steps=sentry_steps(
                secret_is_set=bool(settings.sentry_webhook_secrets),
                last=sentry.at if sentry else None,
                signature=sentry.signature if sentry else None,
                signs=signs,
            ),
            errors_seen_at=signs.error,
            simulations=settings.enable_test_routes,
        ),
        github=await _github(settings, tx, sources.get("github")),
        slack=await _slack(settings, tx),
        webhooks=await _way(settings, tx, "webhook"),
        apprise=await _way(settings, tx, "apprise"),
    )


async def _github(settings: Settings, tx: Transaction, news: SourceNews | None) -> GitHubAnswer:
    base = _incoming(settings, "github", len(settings.github_webhook_secrets), news)
    recent = await deploys.recent(tx, _DEPLOYS_LOOKED_AT)
    return GitHubAnswer(
        **msgspec.structs.asdict(base),
        token=settings.github_token is not None,
        services=[
            ServiceMapping(rule.repository, rule.folder, rule.service)
            for rule in settings.github_services
        ],
        branches=[
            BranchMapping(rule.branch, rule.environment) for rule in settings.github_branches
        ],
        last_deploy=_last_deploy(recent),
    )


async def _slack(settings: Settings, tx: Transaction) -> SlackAnswer:
    outlets = outlets_of(settings)
    return SlackAnswer(
        way=outlets.slack,
        channel=outlets.slack_receiver if outlets.slack == "bot" else None,
        channels=outlets.slack_receivers if outlets.slack == "bot" else [],
        buttons=_buttons(settings.slack),
        last=await _last(tx, "slack"),
    )


async def _way(settings: Settings, tx: Transaction, channel: ChannelName) -> WayAnswer:
    receivers = outlets_of(settings).usual_receivers(channel)
    return WayAnswer(receivers=receivers, last=await _last(tx, channel))


async def _last(tx: Transaction, channel: ChannelName) -> LastMessage | None:
    told = await outbox.newest(tx, DeliveryFilter(channel=channel), 1)
    return LastMessage(told[0].created_at, told[0].state, told[0].last_error) if told else None


def _buttons(slack: Slack | None) -> Literal["request", "socket"] | None:
    if slack is None or not slack.has_buttons:
        return None
    return "socket" if slack.app_token else "request"


def _incoming(settings: Settings, source: Route, secrets: int, news: SourceNews | None) -> Incoming:
    last = None
    if news is not None:
        last = LastWebhook(news.at, news.outcome, signature_words(news.signature), news.about)
    return Incoming(
        webhook_url=f"{settings.public_url}/api/webhooks/{source}",
        secrets=secrets,
        last=last,
        accepted_at=news.accepted_at if news is not None else None,
    )


def _last_deploy(recent: list[StoredDeploy]) -> LastDeploy | None:
    for each in recent:
        if each.repository is not None:
            return LastDeploy(each.service, each.environment, each.deployed_at, each.repository)
    return None
