"""The page of the deploys: how many failed, the verdict on each, and who suspects it."""

from aiohttp import web

from server.keys import DATABASE, SETTINGS
from server.storage.main import deploy_figures, deploy_list
from server.storage.main.deploy_figures import FiguresFilter
from server.storage.main.deploy_list import DeployFilter, place_of
from server.storage.times import micros_now
from server.web.api.deploys import address, find_deploy, links, read_place
from server.web.forms import offered
from server.web.pages.chrome import read_chrome
from server.web.pages.rendering import render
from server.web.requests import read_query
from server.wording.deploys import STANDINGS, per_minute, say_failed, say_restored
from shared.structs import made_of

PAGE_SIZE = 50


async def show_one(request: web.Request) -> web.StreamResponse:
    """``GET /deploys/{id}``."""
    deploy = await find_deploy(request)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
    commit_url, compare_url = links(request, deploy)
    rates = [each for each in (deploy.before, deploy.after) if each is not None]
    return render(
        request,
        "deploy.html",
        {
            "here": "deploys",
            "chrome": chrome,
            "deploy": deploy,
            "commit_url": commit_url,
            "compare_url": compare_url,
            "standings": STANDINGS,
            "highest": max(map(per_minute, rates), default=0.0) or 1.0,
        },
    )


async def show(request: web.Request) -> web.StreamResponse:
    """``GET /deploys``: shows the same as a page."""
    wanted, after = read_query(request.query, DeployFilter), read_place(request.query)
    async with request.app[DATABASE].read() as tx:
        chrome = await read_chrome(request, tx)
        services, environments = await deploy_list.places(tx)
        # One more than is shown tells whether there is an older page.
        found = await deploy_list.newest(tx, wanted, PAGE_SIZE + 1, after)
        counting = made_of(wanted, FiguresFilter)
        figures = await deploy_figures.measure(tx, counting, micros_now())
    shown = found[:PAGE_SIZE]
    older = place_of(shown[-1]) if len(found) > PAGE_SIZE else None
    return render(
        request,
        "deploys.html",
        {
            "here": "deploys",
            "chrome": chrome,
            "deploys": [(each, *links(request, each)) for each in shown],
            "failed": say_failed(figures),
            "restored": say_restored(figures),
            "wanted": wanted,
            "services": offered(services, wanted.service),
            "environments": offered(environments, wanted.environment),
            "standings": STANDINGS,
            "older_url": None if older is None else address(wanted, older),
            "newest_url": None if after is None else address(wanted),
            "base_url": request.app[SETTINGS].public_url,
        },
    )
