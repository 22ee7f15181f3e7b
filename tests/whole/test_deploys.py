"""From a deploy to the commit that is named for an error after it."""

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from server.storage.database import open_database
from server.storage.main import deploys
from server.storage.main.deploys import StoredDeploy
from tests.fakes.github import FakeGitHub, rest_commit
from tests.processes import ServerProcess, running_server
from tests.repositories import announce, new_repository
from tests.server.ingest.github_payloads import push_of, pushed, sample, sha
from tests.waiting import limit

SECRET = "s3cret"
SAMPLES = Path(__file__).parents[2] / "scripts" / "samples"
CART = """\
class Cart:
    def total(self):
        return sum(self.items)

    def empty(self):
        self.items = []
"""
PAY = "def pay(cart):\n    return cart.total()\n"


def alert(number: int = 1, *, function: str = "total") -> dict[str, Any]:
    """An error in production that was raised in ``shop/cart.py``, as Sentry tells it now."""
    payload: dict[str, Any] = json.loads((SAMPLES / "python.json").read_bytes())
    event = payload["data"]["event"]
    event["event_id"] = f"{number:032x}"
    event["url"] = f"https://sentry.io/api/0/projects/acme/shop/events/{event['event_id']}/"
    event["environment"] = "production"
    event["release"] = None
    event["tags"] = [["environment", "production"], ["level", "error"]]
    for name in ("datetime", "timestamp", "received"):
        event.pop(name, None)
    raised = {
        "type": "TypeError",
        "value": "unsupported operand type(s) for +: 'int' and 'str'",
        "stacktrace": {
            "frames": [
                {"filename": "shop/pay.py", "function": "pay", "lineno": 2, "in_app": True},
                {"filename": "shop/cart.py", "function": function, "lineno": 3, "in_app": True},
            ]
        },
    }
    event["exception"] = {"values": [raised]}
    return payload


async def tell_sentry(
    http: aiohttp.ClientSession, server: ServerProcess, payload: dict[str, Any]
) -> None:
    async with http.post(
        f"{server.url}/api/webhooks/sentry",
        json=payload,
        headers={"Sentry-Hook-Resource": "event_alert"},
    ) as response:
        assert response.status == 202, await response.text()


async def tell_github(
    http: aiohttp.ClientSession,
    server: ServerProcess,
    event: str,
    body: dict[str, Any],
    *,
    delivery: str = "guid",
) -> dict[str, Any]:
    raw = json.dumps(body).encode()
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery,
        "X-Hub-Signature-256": f"sha256={hmac.digest(SECRET.encode(), raw, 'sha256').hex()}",
    }
    url = f"{server.url}/api/webhooks/github"
    async with http.post(url, data=raw, headers=headers) as response:
        assert response.status == 202, await response.text()
        return dict(await response.json())


async def incidents(http: aiohttp.ClientSession, server: ServerProcess) -> list[dict[str, Any]]:
    """All incidents, newest first, each with all that the API says of it."""
    async with http.get(f"{server.url}/api/incidents") as response:
        listed = (await response.json())["incidents"]
    found = []
    for each in listed:
        async with http.get(f"{server.url}/api/incidents/{each['incident_id']}") as response:
            found.append(dict(await response.json()))
    return found


async def deploy_list(
    http: aiohttp.ClientSession, server: ServerProcess, **wanted: str
) -> list[dict[str, Any]]:
    """The deploys that are asked for, as the API lists them."""
    async with http.get(f"{server.url}/api/deploys", params=wanted) as response:
        assert response.status == 200, await response.text()
        return list((await response.json())["deploys"])


async def wait_for(
    http: aiohttp.ClientSession,
    server: ServerProcess,
    find: Callable[[list[dict[str, Any]]], bool],
) -> list[dict[str, Any]]:
    """The incidents, as soon as `find` finds what it wants; asked whenever there is news."""
    async with limit(), http.get(f"{server.url}/api/notifications/stream") as stream:
        while True:
            found = await incidents(http, server)
            if find(found):
                return found
            async for line in stream.content:
                if line.startswith(b"event: "):
                    break
            else:
                raise AssertionError(f"the server ended the stream:\n{server.log.text()}")


def errors(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [incident for incident in found if incident["trigger"] != "deploy"]


async def stored_deploys(folder: Path) -> list[StoredDeploy]:
    async with open_database(folder / "pushlog.db") as database, database.read() as tx:
        return await deploys.recent(tx, 100)


async def test_the_commit_of_an_announced_deploy_is_named_for_the_error_after_it(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    repository = await new_repository(tmp_path / "shop")
    await repository.commit("Begin", {"shop/cart.py": CART, "shop/pay.py": PAY})
    await repository.commit("Say how to start", {"README.md": "Run it.\n"})
    culprit = await repository.commit(
        "Read items from the form", {"shop/cart.py": CART.replace("self.items)", "form.items)")}
    )
    await repository.commit("Add a page", {"shop/page.py": "def page():\n    return 1\n"})
    async with running_server(tmp_path) as server:
        done = await announce(repository, server.url, "--since", "HEAD~3")
        assert done.code == 0, done.errors
        await server.log.wait_for(r"\[webhooks/incidents\] Ingested: Deploy in shop/production")
        await tell_sentry(http, server, alert())
        found = await wait_for(http, server, lambda found: bool(errors(found)))
        (incident,) = errors(found)
        suspects = incident["suspected_causes"]
        assert suspects[0]["commit_id"] == culprit
        assert suspects[0]["confidence"] > 0.5
        assert any("cart.py" in said for said in suspects[0]["evidence"])
        assert any("total" in said for said in suspects[0]["evidence"])
        async with http.get(f"{server.url}/api/notifications") as response:
            bell = (await response.json())["notifications"]
        assert {told["incident_id"] for told in bell} == {each["incident_id"] for each in found}
        async with http.get(f"{server.url}/incidents/{incident['incident_id']}") as response:
            assert culprit[:7] in await response.text()


async def test_the_verdict_on_a_deploy_that_brought_an_error_is_faulty(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    repository = await new_repository(tmp_path / "shop")
    await repository.commit("Begin", {"shop/cart.py": CART, "shop/pay.py": PAY})
    culprit = await repository.commit(
        "Read items from the form", {"shop/cart.py": CART.replace("self.items)", "form.items)")}
    )
    async with running_server(tmp_path) as server:
        assert (await announce(repository, server.url, "--since", "HEAD~1")).code == 0
        for number in range(30):
            await tell_sentry(http, server, alert(number))
        found = await wait_for(
            http,
            server,
            lambda found: any("faulty" in (each["end_reason"] or "") for each in found),
        )
        (told,) = [each for each in found if each["trigger"] == "deploy"]
        assert told["end_reason"] == "the deploy has its verdict: faulty"
        (listed,) = await deploy_list(http, server, verdict="faulty")
        assert listed["after"]["events"] >= 3
        assert [named["title"] for named in listed["incidents"]] == [errors(found)[0]["title"]]
        async with http.get(f"{server.url}/deploys") as response:
            page = await response.text()
        assert f"<code>{culprit[:10]}</code>" in page
        assert ">faulty</span>" in page
        assert "never seen before this deploy" in page
        assert f'href="/incidents/{errors(found)[0]["incident_id"]}"' in page
        assert await server.interrupt() == 0
    (deploy,) = await stored_deploys(tmp_path)
    assert (deploy.deploy_id, deploy.verdict) == (culprit, "faulty")
    issue, cause = deploy.verdict_reasons
    assert issue.startswith("TypeError in shop/cart.py: ")
    assert "never seen before this deploy" in issue
    assert cause.startswith(f"probably caused by commit {culprit[:12]} (")


def two_changes_of_the_cart() -> dict[str, Any]:
    older = pushed("older", message="Tidy up")
    newer = pushed("newer", message="Tidy up more")
    return push_of(older, newer)


async def test_functions_that_github_knows_rank_an_open_incident_anew(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    env = {"GITHUB_WEBHOOK_SECRET": SECRET, "GITHUB_TOKEN": "the-token"}
    async with FakeGitHub() as github:
        github.token = "the-token"
        # While GitHub does not say, both commits look alike.
        github.answers.append(web.Response(status=429, headers={"Retry-After": "3"}))
        hunk = "@@ -2,2 +2,2 @@ def {}(self):\n-        a\n+        b"
        github.add(
            "acme/shop",
            rest_commit(sha("older"), {"shop/cart.py": hunk.format("total")}),
            rest_commit(sha("newer"), {"shop/cart.py": hunk.format("empty")}),
        )
        async with running_server(tmp_path, env={**env, "GITHUB_API_URL": github.url}) as server:
            await tell_github(http, server, "push", two_changes_of_the_cart())
            await tell_sentry(http, server, alert())
            await wait_for(http, server, lambda found: bool(errors(found)))
            await server.log.wait_for(r"GitHub is asked nothing for 3 s: the rate limit")
            await server.log.wait_for(r"looked up deploy .* of shop/production: 2 commits, 2 func")
            found = await wait_for(
                http,
                server,
                lambda found: any("total" in said for said in evidence(errors(found)[0])),
            )
            (incident,) = errors(found)
            assert incident["suspected_causes"][0]["commit_id"] == sha("older")


def evidence(incident: dict[str, Any]) -> list[str]:
    """What is said of the first suspect."""
    suspects = incident["suspected_causes"]
    return list(suspects[0]["evidence"]) if suspects else []


async def test_a_push_and_its_deployment_are_one_deploy_and_one_incident(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    async with running_server(tmp_path, env={"GITHUB_WEBHOOK_SECRET": SECRET}) as server:
        await tell_github(http, server, "push", sample("push"), delivery="a")
        again = await tell_github(http, server, "push", sample("push"), delivery="b")
        assert again["duplicate"] is True
        await tell_github(
            http, server, "deployment_status", sample("deployment_status"), delivery="c"
        )
        await tell_sentry(http, server, alert())
        found = await wait_for(http, server, lambda found: bool(errors(found)))
        assert [incident["trigger"] for incident in found].count("deploy") == 1
        (incident,) = errors(found)
        # The push touches shop/cart.py with its second commit.
        assert incident["suspected_causes"][0]["commit_id"] == sha("two")
        (listed,) = await deploy_list(http, server, service="shop")
        assert (listed["verdict"], listed["deployed_by"]) == ("watching", "ada")
        assert listed["commit_url"] == f"https://github.com/acme/shop/commit/{sha('three')}"
        assert [named["incident_id"] for named in listed["incidents"]] == [incident["incident_id"]]
        async with http.get(f"{server.url}/incidents/{incident['incident_id']}") as response:
            page = await response.text()
        assert f'href="/deploys/{listed["id"]}">deployed ' in page
        async with http.get(f"{server.url}/deploys/{listed['id']}") as response:
            assert "Began after it" in await response.text()
        assert await server.interrupt() == 0
    (deploy,) = await stored_deploys(tmp_path)
    assert (deploy.deploy_id, deploy.environment) == (sha("three"), "production")
    assert [commit.id for commit in deploy.commits] == [sha("one"), sha("two"), sha("three")]


async def test_pushes_that_are_not_told_still_explain_errors(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    env = {"GITHUB_WEBHOOK_SECRET": SECRET, "DISABLE_DEPLOY_INCIDENTS": "true"}
    async with running_server(tmp_path, env=env) as server:
        await tell_github(http, server, "push", sample("push"))
        await tell_sentry(http, server, alert())
        (incident,) = await wait_for(http, server, bool)
        assert incident["trigger"] != "deploy"
        assert incident["suspected_causes"][0]["commit_id"] == sha("two")


async def test_a_deployment_has_the_commits_of_pushes_to_another_environment(
    http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    env = {"GITHUB_WEBHOOK_SECRET": SECRET, "GITHUB_BRANCHES": "main=staging"}
    async with running_server(tmp_path, env=env) as server:
        await tell_github(http, server, "push", sample("push"), delivery="a")
        status = sample("deployment_status")
        await tell_github(http, server, "deployment_status", status, delivery="b")
        await server.log.wait_for(r"looked up deploy .* of shop/production: 3 commits")
        await tell_sentry(http, server, alert())
        found = await wait_for(http, server, lambda found: bool(errors(found)))
        (incident,) = errors(found)
        assert incident["suspected_causes"][0]["commit_id"] == sha("two")


async def test_what_is_not_signed_is_refused(http: aiohttp.ClientSession, tmp_path: Path) -> None:
    async with running_server(tmp_path, env={"GITHUB_WEBHOOK_SECRET": SECRET}) as server:
        raw = json.dumps(sample("push")).encode()
        wrong = hmac.new(b"0ther", raw, hashlib.sha256).hexdigest()
        for headers in ({}, {"X-Hub-Signature-256": f"sha256={wrong}"}):
            async with http.post(
                f"{server.url}/api/webhooks/github",
                data=raw,
                headers={"X-GitHub-Event": "push", **headers},
            ) as response:
                assert response.status == 401
        assert await incidents(http, server) == []
