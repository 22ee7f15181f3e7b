"""The API of the deploys: what each did to the errors of its service, and how many failed."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

import msgspec
from aiohttp import web
from msgspec import Meta

from server.keys import DATABASE, SETTINGS
from server.storage.main import deploy_figures, deploy_list
from server.storage.main.deploy_figures import FiguresFilter
from server.storage.main.deploy_list import (
    Began,
    CommitHead,
    DeployFilter,
    ListedDeploy,
    Standing,
    WholeDeploy,
    place_of,
)
from server.storage.main.deploys import DeployPlace
from server.storage.times import micros_now
from server.web.repository_links import commit_address, compare_address, web_address
from server.web.requests import answer, read_limit, read_query
from server.wording.deploys import per_minute, watched_until
from server.wording.formats import web_url
from shared.event import Commit
from shared.incident import ErrorRate
from shared.structs import made_of

_PLACE = r"([0-9]{1,18})\.([0-9]{1,18})"
PlaceInDeploys = Annotated[str, Meta(pattern=f"^{_PLACE}$")]


class RateAnswer(msgspec.Struct):
    """A number of errors in a number of minutes."""

    events: int
    minutes: float
    per_minute: float


class SuspicionAnswer(msgspec.Struct):
    """An incident that suspects the deploy, with this `confidence` (0-1)."""

    incident_id: str
    title: str
    ended_at: datetime | None
    confidence: float
    url: str


class DeployAnswer(msgspec.Struct, kw_only=True):
    """A deploy; `incidents` are the surest suspicions, and `suspected_by` counts all of them.

    `ran_since` is when it first ran, if it goes back to what ran before others.

    `watched_until` is the latest time of the verdict, while there is none yet.
    """

    id: int
    service: str
    environment: str
    deploy_id: str
    deployed_at: datetime
    deployed_by: str | None
    ran_since: datetime | None
    release: str | None
    repository: str | None
    commits: int
    newest_commit: CommitHead | None
    commit_url: str | None
    compare_url: str | None
    verdict: Standing
    verdict_reasons: list[str]
    watched_until: datetime | None
    before: RateAnswer | None
    after: RateAnswer | None
    suspected_by: int
    incidents: list[SuspicionAnswer]
    url: str


class WholeDeployAnswer(DeployAnswer, kw_only=True):
    """A deploy with all its commits, newest first, and `began`: what began while it was watched.

    `cut` counts commits and files that were left out. `taken_away` are the newest commits that it
    went back behind.
    """

    all_commits: list[Commit]
    cut: int
    began: list[Began]
    taken_away: list[CommitHead]


class DeployPage(msgspec.Struct):
    """Some deploys, newest first; `next` is the ``before`` of the next page."""

    deploys: list[DeployAnswer]
    next: str | None


async def list_deploys(request: web.Request) -> web.Response:
    """``GET /api/deploys``: lists deploys, newest first.

    ``service``, ``environment``, ``verdict``, ``limit`` and ``before`` narrow the list.
    """
    wanted, after = read_query(request.query, DeployFilter), read_place(request.query)
    limit = read_limit(request.query)
    async with request.app[DATABASE].read() as tx:
        found = await deploy_list.newest(tx, wanted, limit + 1, after)
    shown = found[:limit]
    more = _write_place(place_of(shown[-1])) if len(found) > limit else None
    return answer(DeployPage([_answered(request, each) for each in shown], more))


async def get_figures(request: web.Request) -> web.Response:
    """``GET /api/deploys/figures``: how many of the last deploys failed, and for how long.

    ``service`` and ``environment`` say which deploys count.
    """
    wanted = read_query(request.query, FiguresFilter)
    async with request.app[DATABASE].read() as tx:
        return answer(await deploy_figures.measure(tx, wanted, micros_now()))


async def get_deploy(request: web.Request) -> web.Response:
    """``GET /api/deploys/{id}``: the deploy with its commits, and what began after it."""
    deploy = await find_deploy(request)
    whole = made_of(
        _answered(request, deploy),
        WholeDeployAnswer,
        all_commits=deploy.whole,
        cut=deploy.cut,
        began=deploy.began,
        taken_away=deploy.taken_away,
    )
    return answer(whole)


async def find_deploy(request: web.Request) -> WholeDeploy:
    """Return the deploy that the address names, or answer 404."""
    deploy_id = int(request.match_info["id"])
    async with request.app[DATABASE].read() as tx:
        deploy = await deploy_list.get(tx, deploy_id)
    if deploy is None:
        raise web.HTTPNotFound(text=f"There is no deploy {deploy_id}.")
    return deploy


def page_of(deploy_id: int) -> str:
    """Return the address of the page of this deploy."""
    return f"/deploys/{deploy_id}"


def read_place(query: Mapping[str, str]) -> DeployPlace | None:
    """Return after which deploy the list goes on, if that is asked; raise 400 for no such place."""
    text = query.get("before")
    if not text:
        return None
    found = re.fullmatch(_PLACE, text)
    if found is None:
        raise web.HTTPBadRequest(text="`before` is not a place in the list of deploys.")
    return DeployPlace(int(found[1]), int(found[2]))


def _write_place(place: DeployPlace) -> str:
    return f"{place.deployed_at}.{place.id}"


def address(wanted: DeployFilter, before: DeployPlace | None = None) -> str:
    """Return the page of these deploys, from `before` on."""
    query = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value}
    if before is not None:
        query["before"] = _write_place(before)
    return f"/deploys?{urlencode(query)}" if query else "/deploys"


def links(request: web.Request, deploy: ListedDeploy) -> tuple[str | None, str | None]:
    """Return the addresses of its commit, and of the comparison with what ran before."""
    github = web_address(request.app[SETTINGS].github_api_url)
    commit = commit_address(github, deploy.repository, deploy.deploy_id)
    if commit is None and deploy.newest is not None and deploy.newest.id == deploy.deploy_id:
        commit = web_url(deploy.newest.url)
    ran_before = deploy.previous or deploy.base
    return commit, compare_address(github, deploy.repository, ran_before, deploy.deploy_id)


def _answered(request: web.Request, deploy: ListedDeploy) -> DeployAnswer:
    base = request.app[SETTINGS].public_url
    commit_url, compare_url = links(request, deploy)
    suspicions = [
        made_of(each, SuspicionAnswer, url=f"{base}/incidents/{each.incident_id}")
        for each in deploy.suspicions
    ]
    return made_of(
        deploy,
        DeployAnswer,
        newest_commit=deploy.newest,
        commit_url=commit_url,
        compare_url=compare_url,
        watched_until=watched_until(deploy.deployed_at) if deploy.verdict == "watching" else None,
        before=_rate(deploy.before),
        after=_rate(deploy.after),
        incidents=suspicions,
        url=base + page_of(deploy.id),
    )


def _rate(rate: ErrorRate | None) -> RateAnswer | None:
    return None if rate is None else RateAnswer(rate.events, rate.minutes, per_minute(rate))
