"""What people read of deploys: what each did, what ran before it, and who suspects it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from server.storage.database import Database
from server.storage.main import deploys, incidents
from shared.event import ChangeWindow
from shared.incident import ErrorRate, SuspectCommit
from shared.pipe import DeployVerdict, IncidentEnded
from tests.builders import at, change_window, commit
from tests.server.web.conftest import Client, incident

SHA = "a1b2c3d4" * 5
OLDER = "0123abcd" * 5


async def announce(
    database: Database,
    window: ChangeWindow,
    service: str = "shop",
    environment: str = "production",
) -> None:
    async with database.write() as tx:
        await deploys.store(tx, service, environment, window)


async def judge(database: Database, window: ChangeWindow, **changes: Any) -> None:
    fields: dict[str, Any] = {
        "service": "shop",
        "environment": "production",
        "deploy_time": window.deploy_time,
        "deploy_id": window.deploy_id,
        "verdict": "faulty",
        "reasons": ["TypeError in shop/cart.py: 9 in 2 minutes, never seen before this deploy"],
        "before": ErrorRate(3, 30.0),
        "after": ErrorRate(9, 1.5),
    }
    async with database.write() as tx:
        assert await deploys.set_verdict(tx, DeployVerdict(**(fields | changes)))


async def suspect(database: Database, number: int, deploy_id: str, confidence: float) -> str:
    cause = SuspectCommit("c1", 1.0, confidence, [], deploy_time=at(0), deploy_id=deploy_id)
    found = incident(number, suspected_causes=[cause])
    async with database.write() as tx:
        await incidents.put(tx, found)
    return found.incident_id


async def read(client: Client, query: str = "") -> dict[str, Any]:
    response = await client.get(f"/api/deploys{query}")
    assert response.status == 200, await response.text()
    return dict(await response.json())


async def page(client: Client, path: str = "/deploys") -> str:
    response = await client.get(path)
    assert response.status == 200
    return await response.text()


async def test_a_deploy_is_shown_with_what_it_did(client: Client, database: Database) -> None:
    older = change_window(-600, deploy_id=OLDER, repository="acme/shop")
    window = change_window(
        0,
        deploy_id=SHA,
        repository="acme/shop",
        release="shop@2",
        deployed_by="ada",
        commits=[commit("b0"), commit(SHA, message="Read items\n\nAs asked.", author="Grace")],
        cut=3,
    )
    await announce(database, older)
    await announce(database, window)
    await judge(database, window)
    incident_id = await suspect(database, 1, SHA, 0.87)
    (deploy, _) = (await read(client))["deploys"]
    assert deploy == {
        "id": 2,
        "service": "shop",
        "environment": "production",
        "deploy_id": SHA,
        "deployed_at": "2025-03-04T09:00:00Z",
        "deployed_by": "ada",
        "release": "shop@2",
        "repository": "acme/shop",
        "ran_since": None,
        "commits": 5,
        "newest_commit": {
            "id": SHA,
            "author": "Grace",
            "message": "Read items\n\nAs asked.",
            "url": None,
        },
        "commit_url": f"https://github.com/acme/shop/commit/{SHA}",
        "compare_url": f"https://github.com/acme/shop/compare/{OLDER}...{SHA}",
        "verdict": "faulty",
        "verdict_reasons": [
            "TypeError in shop/cart.py: 9 in 2 minutes, never seen before this deploy"
        ],
        "watched_until": None,
        "before": {"events": 3, "minutes": 30.0, "per_minute": 0.1},
        "after": {"events": 9, "minutes": 1.5, "per_minute": 6.0},
        "suspected_by": 1,
        "incidents": [
            {
                "incident_id": incident_id,
                "title": "ValueError: price 1 is negative",
                "ended_at": None,
                "confidence": 0.87,
                "url": f"http://localhost:3000/incidents/{incident_id}",
            }
        ],
        "url": "http://localhost:3000/deploys/2",
    }
    shown = await page(client)
    for words in (
        ">faulty</span>",
        f'<a href="https://github.com/acme/shop/commit/{SHA}" rel="noopener noreferrer">',
        f'<a href="https://github.com/acme/shop/compare/{OLDER}...{SHA}"',
        "Read items</span>",
        "by ada",
        "5 commits",
        "<strong>0.1</strong> a minute",
        "3 errors in 30 min",
        "<strong>6</strong> a minute",
        "9 errors in 1.5 min",
        f'<a href="/incidents/{incident_id}">ValueError: price 1 is negative</a>',
        "87 %",
    ):
        assert words in shown, words


async def test_a_deploy_without_a_verdict_is_watched_until_a_time(
    client: Client, database: Database
) -> None:
    await announce(database, change_window(0))
    (deploy,) = (await read(client, "?verdict=watching"))["deploys"]
    assert (deploy["verdict"], deploy["watched_until"]) == ("watching", "2025-03-04T09:30:00Z")
    assert (deploy["before"], deploy["after"]) == (None, None)
    assert (await read(client, "?verdict=clean"))["deploys"] == []
    shown = await page(client)
    assert ">watching</span>" in shown
    assert "The engine has no verdict yet." in shown


async def test_deploys_are_narrowed_and_paged_newest_first(
    client: Client, database: Database
) -> None:
    windows = [change_window(10 * number, deploy_id=f"d{number}") for number in range(60)]
    for window in windows:
        await announce(database, window)
    await announce(database, change_window(5, deploy_id="s"), environment="staging")
    await announce(database, change_window(5, deploy_id="a"), service="api")
    await judge(database, windows[0], verdict="suspect")

    async def ids(query: str) -> tuple[list[str], str | None]:
        answered = await read(client, query)
        return [each["deploy_id"] for each in answered["deploys"]], answered["next"]

    first, before = await ids("?limit=40")
    rest, end = await ids(f"?limit=40&before={before}")
    assert [*first, *rest] == [f"d{number}" for number in range(59, 0, -1)] + ["a", "s", "d0"]
    assert end is None
    assert await ids("?environment=staging") == (["s"], None)
    assert await ids("?service=api&verdict=watching") == (["a"], None)
    assert await ids("?verdict=suspect") == (["d0"], None)
    newest = await page(client)
    assert newest.count('<li class="deploy ') == 50
    assert 'rel="next" href="/deploys?before=' in newest
    assert "No deploys found." in await page(client, "/deploys?service=gone")
    shown = await page(client, "/deploys?service=api")
    assert shown.count('<li class="deploy ') == 1
    assert '<option value="api" selected>' in shown


async def test_a_deploy_has_a_page_with_its_commits_and_what_began_after_it(
    client: Client, database: Database
) -> None:
    window = change_window(
        0,
        deploy_id=SHA,
        deployed_by="ada",
        commits=[
            commit("c1", message="Read items", author="Grace", files=["shop/items.py"]),
            commit("c2", message="Round\n\nprices", url="https://github.com/acme/shop/commit/c2"),
        ],
        cut=3,
    )
    await announce(database, window)
    await judge(database, window)
    suspecting = await suspect(database, 1, SHA, 0.87)
    before, late, elsewhere = 2, 3, 4
    async with database.write() as tx:
        await incidents.put(tx, incident(before, start_time=at(-1)))
        await incidents.put(tx, incident(late, start_time=at(1801)))
        await incidents.put(tx, incident(elsewhere, start_time=at(5), environment="staging"))
    (listed,) = (await read(client))["deploys"]
    response = await client.get(f"/api/deploys/{listed['id']}")
    found = await response.json()
    assert {name: found[name] for name in listed} == listed
    assert [each["id"] for each in found["all_commits"]] == ["c2", "c1"]
    assert found["cut"] == 3
    assert [each["incident_id"] for each in found["began"]] == [suspecting]
    shown = await page(client, f"/deploys/{listed['id']}")
    for words in (
        ">faulty</span>",
        "Grace",
        "<code>shop/items.py</code>",
        '<a href="https://github.com/acme/shop/commit/c2"',
        "3 more commits and files were left out.",
        "<strong>6</strong> a minute",
        'width="1.7"',
        "never seen before this deploy",
        "87 %",
    ):
        assert words in shown, words
    assert shown.count(f'href="/incidents/{suspecting}"') == 2
    assert f'href="/deploys/{listed["id"]}"' in await page(client, f"/incidents/{suspecting}")


async def test_a_deploy_that_goes_back_says_what_it_takes_away(
    client: Client, database: Database
) -> None:
    for seconds, name in ((0, "old"), (60, "new")):
        commits = [commit(name, message=f"Change the {name} <b>price</b>")]
        await announce(database, change_window(seconds, deploy_id=name, commits=commits))
    await announce(database, ChangeWindow(deploy_time=at(600), deploy_id="old"))
    back, other = (await read(client))["deploys"]
    assert (back["deploy_id"], back["ran_since"]) == ("old", "2025-03-04T09:00:00Z")
    assert other["ran_since"] is None
    whole = await (await client.get(f"/api/deploys/{back['id']}")).json()
    assert [each["id"] for each in whole["taken_away"]] == ["new"]
    shown = await page(client, f"/deploys/{back['id']}")
    assert "goes back to what first ran" in shown
    taken = shown.partition("Taken away")[2]
    assert "Change the new &lt;b&gt;price" in taken
    assert "Change the old" not in taken
    assert "goes back to" in await page(client, "/deploys")


async def test_a_deploy_that_is_not_known_is_not_found(client: Client) -> None:
    for path in ("/deploys/7", "/api/deploys/7"):
        async with client.get(path) as response:
            assert response.status == 404
            assert "There is no deploy 7." in await response.text()


async def test_a_deploy_without_commits_or_verdict_has_a_page_too(
    client: Client, database: Database
) -> None:
    await announce(database, change_window(0, deploy_id="d", commits=[]))
    shown = await page(client, "/deploys/1")
    for words in ("named no commits", "comes with the verdict", "No incident suspects it."):
        assert words in shown, words


async def test_the_surest_incidents_stand_beside_a_deploy_and_the_others_are_counted(
    client: Client, database: Database
) -> None:
    await announce(database, change_window(0, deploy_id="d"))
    await announce(database, change_window(0, deploy_id="d"), environment="staging")
    for number in range(1, 9):
        await suspect(database, number, "d", number / 10)
    (staging, production) = (await read(client))["deploys"]
    assert (staging["environment"], staging["suspected_by"]) == ("staging", 0)
    assert production["suspected_by"] == 8
    assert [each["confidence"] for each in production["incidents"]] == [0.8, 0.7, 0.6, 0.5, 0.4]
    assert "and 3 more incidents" in await page(client)


async def test_an_incident_that_suspects_another_deploy_by_now_leaves_the_first(
    client: Client, database: Database
) -> None:
    await announce(database, change_window(0, deploy_id="d"))
    await announce(database, change_window(1, deploy_id="e"))
    await suspect(database, 1, "d", 0.5)
    await suspect(database, 1, "e", 0.6)
    e, d = (await read(client))["deploys"]
    assert (e["suspected_by"], d["suspected_by"]) == (1, 0)


async def test_deploys_of_other_repositories_are_not_compared(
    client: Client, database: Database
) -> None:
    await announce(database, change_window(0, deploy_id=OLDER, repository="acme/old"))
    moved = change_window(10, deploy_id=SHA, repository="acme/shop", base="ba5e" * 10)
    await announce(database, moved)
    (deploy, first) = (await read(client))["deploys"]
    assert deploy["compare_url"] == f"https://github.com/acme/shop/compare/{'ba5e' * 10}...{SHA}"
    assert first["compare_url"] is None


async def test_nothing_that_senders_say_becomes_a_page_or_a_link(
    client: Client, database: Database
) -> None:
    evil = "<script>alert(1)</script>"
    window = change_window(
        0,
        deploy_id=evil,
        release=evil,
        repository=f"../{evil}",
        deployed_by=evil,
        commits=[commit(evil, message=evil, author=evil, url="javascript:alert(1)")],
    )
    await announce(database, window, service=evil, environment=evil)
    (deploy,) = (await read(client))["deploys"]
    assert (deploy["commit_url"], deploy["compare_url"]) == (None, None)
    shown = await page(client)
    assert evil not in shown
    assert "javascript:alert" not in shown


async def test_a_page_without_deploys_says_how_to_have_some(client: Client) -> None:
    assert "scripts/announce-deploy --url http://localhost:3000" in await page(client)


async def put_recent_deploys(database: Database) -> None:
    """Three deploys of an hour ago: one was restored after 10 minutes, one is not, one is clean."""
    hour_ago = (datetime.now(UTC) - at(0)).total_seconds() - 3600
    windows = [change_window(hour_ago + n, deploy_id=f"d{n}") for n in range(3)]
    for window in windows:
        await announce(database, window)
    for window, verdict in zip(windows, ("faulty", "faulty", "clean"), strict=True):
        await judge(database, window, verdict=verdict)
    restored = await suspect(database, 1, "d0", 0.9)
    await suspect(database, 2, "d1", 0.9)
    async with database.write() as tx:
        await incidents.end(tx, IncidentEnded(restored, "it is quiet", at(hour_ago + 600)))
    await announce(database, change_window(hour_ago, deploy_id="a"), service="api")


async def test_the_api_says_how_many_deploys_failed_and_for_how_long(
    client: Client, database: Database
) -> None:
    await put_recent_deploys(database)
    assert await read(client, "/figures?service=shop&environment=production") == {
        "days": 30,
        "judged": 3,
        "failed": 2,
        "change_failure_rate": 2 / 3,
        "restored": 1,
        "not_restored": 1,
        "median_restore_s": 600.0,
    }
    assert await read(client, "/figures?service=api") == {
        "days": 30,
        "judged": 0,
        "failed": 0,
        "change_failure_rate": None,
        "restored": 0,
        "not_restored": 0,
        "median_restore_s": None,
    }
    assert (await client.get("/api/deploys/figures?verdict=clean")).status == 400


async def test_the_page_says_how_many_of_the_chosen_deploys_failed(
    client: Client, database: Database
) -> None:
    assert "Last 30 days" not in await page(client)
    await put_recent_deploys(database)
    failed = "Last 30 days: 2 of 3 deploys failed (67 %)."
    restored = "Median time to restore: 10 min; 1 not restored yet."
    assert f"{failed} {restored}" in await page(client)
    # A verdict narrows the list, and not what the failed ones are a share of.
    assert failed in await page(client, "/deploys?service=shop&verdict=clean")
    shown = await page(client, "/deploys?service=api")
    assert "No deploy of the last 30 days has been judged.</p>" in shown


@pytest.mark.parametrize("query", ["verdict=good", "before=1", "before=x.y", "limit=999"])
async def test_a_question_that_breaks_a_rule_is_refused(client: Client, query: str) -> None:
    for path in ("/api/deploys", "/deploys"):
        if query.startswith("limit") and path == "/deploys":
            continue
        assert (await client.get(f"{path}?{query}")).status == 400
