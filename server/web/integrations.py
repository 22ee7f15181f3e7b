"""What PushLog is connected with, in API and page: addresses, secrets, and what came last."""

from datetime import datetime
from http import HTTPStatus
from typing import Literal

import msgspec
from aiohttp import web

from server.keys import DATABASE, JOURNAL, OFFICE, SETTINGS
from server.notify.channels import outlets_of
from server.settings.settings import Settings
from server.storage.database import Transaction
from server.storage.journal.journal import JournalUnavailable
from server.storage.main import decisions, deploys, outbox, webhooks
from server.storage.main.deploys import StoredDeploy
from server.storage.main.outbox import DeliveryFilter, DeliveryState
from server.storage.main.webhooks import Outcome, Route, SourceNews
from server.web.api.simulate import simulate_incident
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.web.requests import answer, read_number
from server.web.sentry_signs import look_for_signs
from server.wording.explain import explain_decision
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
    """Incident Alerts, which come from Sentry.

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
    """The newest message by Slack, and how it went."""

    created_at: datetime
    state: DeliveryState
    error: str | None


class SlackAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """In which way Slack is told; None if it is not set up."""

    way: Literal["bot", "webhook"] | None
    channel: str | None
    last: LastMessage | None


class IntegrationsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All integrations. `only_here`: PUBLIC_URL is an address that only this machine can reach."""

    only_here: bool
    sentry: SentryAnswer
    github: GitHubAnswer
    slack: SlackAnswer


async def get_integrations(request: web.Request) -> web.Response:
    """``GET /api/integrations``."""
    signs = await _signs(request)
    async with request.app[DATABASE].read() as tx:
        found = await _integrations(request.app[SETTINGS], tx, signs)
    return answer(found)


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /integrations``."""
    return await _page(request)


async def simulate_from_page(request: web.Request) -> web.StreamResponse:
    """``POST /integrations/simulate``: does the same as the API, and redirects back to the page."""
    response = await simulate_incident(request)
    said = msgspec.json.decode(response.text or "{}", type=dict[str, object])
    if response.status != HTTPStatus.ACCEPTED:
        return await _page(request, problem=f"{said.get('error')}.")
    raise web.HTTPSeeOther(f"/integrations?simulated={said['seq']}#simulate")


async def _page(request: web.Request, problem: str | None = None) -> web.Response:
    simulated = read_number(request.query, "simulated")
    settings = request.app[SETTINGS]
    signs = await _signs(request)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
        found = await _integrations(settings, tx, signs)
        decision = None if simulated is None else await decisions.get(tx, simulated)
    return render(
        request,
        "integrations.html",
        {
            "here": "integrations",
            "chrome": chrome,
            "problem": problem,
            "found": found,
            "looked_at": signs.looked_at,
            "floor": settings.incident_notification_min_severity,
            "channels": request.app[OFFICE].channels,
            "simulated": simulated,
            "became": None if decision is None else explain_decision(decision),
            "incident_id": None if decision is None else decision.incident_id,
        },
        status=HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK,
    )


async def _signs(request: web.Request) -> SentrySigns:
    try:
        return await look_for_signs(request.app[JOURNAL])
    except JournalUnavailable:
        # The page still says what is set. /health says what is wrong with the journal.
        return SentrySigns()


async def _integrations(
    settings: Settings, tx: Transaction, signs: SentrySigns
) -> IntegrationsAnswer:
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
    told = await outbox.newest(tx, DeliveryFilter(channel="slack"), 1)
    return SlackAnswer(
        way=outlets.slack,
        channel=outlets.slack_receiver if outlets.slack == "bot" else None,
        last=LastMessage(told[0].created_at, told[0].state, told[0].last_error) if told else None,
    )


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
