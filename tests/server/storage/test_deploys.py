from typing import Any

import msgspec

from server.storage.database import Database
from server.storage.main import deploy_list, deploys
from server.storage.main.deploy_list import DeployFilter
from server.storage.main.deploys import StoredDeploy
from server.storage.times import to_micros
from shared.event import ChangeWindow
from shared.incident import ErrorRate
from shared.pipe import DeployVerdict
from tests.builders import at, change_window, commit


async def stored(database: Database, *windows: ChangeWindow, **place: Any) -> list[StoredDeploy]:
    """All deploys, newest first, after `windows` were announced one after the other."""
    async with database.write() as tx:
        for window in windows:
            await deploys.store(
                tx, place.get("service", "shop"), place.get("environment", "production"), window
            )
        return await deploys.recent(tx, 100)


def verdict(seconds: float, **changes: Any) -> DeployVerdict:
    fields = {"service": "shop", "environment": "production", "reasons": ["3 times as many"]}
    return DeployVerdict(deploy_time=at(seconds), verdict="faulty", **(fields | changes))


async def test_a_deploy_is_kept_with_all_that_was_announced(database: Database) -> None:
    window = change_window(
        10,
        release="v1",
        cut=3,
        repository="acme/shop",
        base="ba5e",
        commits=[commit(), commit("b")],
    )
    (deploy,) = await stored(database, window)
    assert (deploy.service, deploy.environment) == ("shop", "production")
    assert (
        ChangeWindow(
            deploy_time=deploy.deployed_at,
            commits=deploy.commits,
            deploy_id=deploy.deploy_id,
            release=deploy.release,
            cut=deploy.cut,
            repository=deploy.repository,
            base=deploy.base,
        )
        == window
    )
    assert (deploy.verdict, deploy.verdict_reasons) == (None, [])


async def test_a_push_and_its_deployment_are_one_deploy_of_the_later_time(
    database: Database,
) -> None:
    push = change_window(10, deploy_id="head", base="ba5e", repository="acme/shop", pending=True)
    success = ChangeWindow(deploy_time=at(300), deploy_id="head", release="v1")
    (deploy,) = await stored(database, push, success)
    assert deploy.deployed_at == at(300)
    assert deploy.commits == push.commits
    assert (deploy.release, deploy.base, deploy.repository) == ("v1", "ba5e", "acme/shop")


async def test_what_runs_already_is_no_new_deploy_when_it_is_announced_again(
    database: Database,
) -> None:
    push = change_window(10, deploy_id="head", pending=True)
    success, again = (ChangeWindow(deploy_time=at(each), deploy_id="head") for each in (300, 900))
    (deploy,) = await stored(database, push, success, again)
    assert (deploy.deployed_at, deploy.ran_since) == (at(300), None)


async def test_a_deploy_that_goes_back_names_what_it_takes_away(database: Database) -> None:
    commits = {name: commit(name, message=f"Change {name}") for name in ("a", "b", "c", "d")}
    for n, name in enumerate(("a", "b", "c")):
        await stored(database, change_window(10 * n, deploy_id=name, commits=[commits[name]]))
    there = change_window(15, deploy_id="d", commits=[commits["d"]])
    await stored(database, there, environment="staging")
    back = ChangeWindow(deploy_time=at(100), deploy_id="a")
    found = {each.deploy_id: each for each in await stored(database, back)}
    assert (found["a"].deployed_at, found["a"].ran_since) == (at(100), at(0))
    async with database.read() as tx:
        whole = await deploy_list.get(tx, found["a"].id)
        other = await deploy_list.get(tx, found["b"].id)
    assert whole is not None
    assert other is not None
    assert [each.id for each in whole.taken_away] == ["c", "b"]
    assert (other.ran_since, other.taken_away) == (None, [])


async def test_one_commit_is_another_deploy_in_another_place(database: Database) -> None:
    await stored(database, change_window(10))
    await stored(database, change_window(20), environment="staging")
    assert len(await stored(database, change_window(30), service="api")) == 3


async def test_what_was_found_out_of_a_commit_is_not_lost_when_it_is_told_again(
    database: Database,
) -> None:
    known = change_window(10, commits=[commit(functions=["total"], added=4, deleted=1)])
    told = change_window(10, commits=[commit(functions=[], added=None, deleted=None)])
    (deploy,) = await stored(database, known, told)
    assert deploy.commits == known.commits


async def test_a_deploy_without_a_name_is_known_by_its_newest_commit_or_its_time(
    database: Database,
) -> None:
    by_commit = change_window(10, deploy_id=None, commits=[commit("old"), commit("new")])
    by_time = ChangeWindow(deploy_time=at(20))
    both = await stored(database, by_commit, by_time, by_commit, by_time)
    assert [deploy.deploy_id for deploy in both] == [at(20).isoformat(), "new"]


async def test_a_verdict_is_of_the_deploy_of_that_time(database: Database) -> None:
    await stored(database, change_window(10, deploy_id="a"), change_window(20, deploy_id="b"))
    async with database.write() as tx:
        assert await deploys.set_verdict(tx, verdict(10))
        assert not await deploys.set_verdict(tx, verdict(11))
        assert not await deploys.set_verdict(tx, verdict(10, environment="staging"))
    b, a = await stored(database)
    assert (a.verdict, a.verdict_reasons) == ("faulty", ["3 times as many"])
    assert b.verdict is None


async def test_of_two_deploys_of_one_moment_the_one_that_is_named_has_the_verdict(
    database: Database,
) -> None:
    await stored(database, change_window(10, deploy_id="a"), change_window(10, deploy_id="b"))
    async with database.write() as tx:
        assert not await deploys.set_verdict(tx, verdict(10))
        assert await deploys.set_verdict(tx, verdict(10, deploy_id="a"))
        assert not await deploys.set_verdict(tx, verdict(10, deploy_id="c"))
    b, a = await stored(database)
    assert (a.deploy_id, a.verdict) == ("a", "faulty")
    assert b.verdict is None


async def test_a_deploy_that_moves_in_time_is_judged_anew(database: Database) -> None:
    await stored(database, change_window(10, pending=True))
    async with database.write() as tx:
        await deploys.set_verdict(tx, verdict(10))
    functions = change_window(10, commits=[commit(functions=["total", "pay"])])
    (same,) = await stored(database, functions)
    assert same.verdict == "faulty"
    (moved,) = await stored(database, change_window(20, commits=[], deploy_id="a1b2c3d4"))
    assert (moved.verdict, moved.verdict_reasons) == (None, [])


async def test_deploys_are_listed_by_pages_newest_first_and_by_place(database: Database) -> None:
    windows = [change_window(seconds, deploy_id=str(seconds)) for seconds in (20, 10, 30, 20.5)]
    await stored(database, *windows)
    await stored(database, change_window(40), service="api", environment="staging")
    async with database.read() as tx:
        first = await deploys.recent(tx, 3)
        rest = await deploys.recent(tx, 3, after=deploys.place_of(first[-1]))
        assert [d.deploy_id for d in (*first, *rest)] == ["a1b2c3d4", "30", "20.5", "20", "10"]
        (api,) = await deploys.recent(tx, 9, service="api")
        assert await deploys.recent(tx, 9, environment="staging") == [api]
        assert await deploys.get(tx, api.id) == api
        assert await deploys.get(tx, 99) is None


async def test_what_ran_before_is_the_deploy_before_in_the_same_place(database: Database) -> None:
    await stored(database, *(change_window(s, deploy_id=str(s)) for s in (10, 20, 30)))
    await stored(database, change_window(25), environment="staging")
    async with database.read() as tx:
        newest, *_, oldest = await deploys.recent(tx, 9, environment="production")
        earlier = await deploys.before(tx, newest)
        assert earlier is not None
        assert earlier.deploy_id == "20"
        assert await deploys.before(tx, oldest) is None


async def test_of_two_deploys_at_one_time_neither_ran_before_the_other(database: Database) -> None:
    await stored(database, *(change_window(10, deploy_id=name) for name in ("a", "b")))
    async with database.read() as tx:
        for deploy in await deploys.recent(tx, 9):
            assert await deploys.before(tx, deploy) is None


async def test_a_deploy_is_looked_up_once_and_again_when_it_has_other_commits(
    database: Database,
) -> None:
    window = change_window(10, repository="acme/shop")
    await stored(database, window, change_window(20, deploy_id="told by hand"))

    async def waiting() -> list[StoredDeploy]:
        async with database.read() as tx:
            return await deploys.to_look_up(tx, at(0), 9)

    (deploy,) = await waiting()
    assert deploy.repository == "acme/shop"
    async with database.write() as tx:
        await deploys.set_looked_up(tx, deploy, at(60))
    assert await waiting() == []
    await stored(database, window, ChangeWindow(deploy_time=at(90), deploy_id=window.deploy_id))
    assert await waiting() == []
    await stored(database, msgspec.structs.replace(window, commits=[commit("other")]))
    (deploy,) = await waiting()
    await stored(database, msgspec.structs.replace(window, commits=[commit("again")]))
    async with database.write() as tx:
        await deploys.set_looked_up(tx, deploy, at(60))
    assert len(await waiting()) == 1


async def test_old_deploys_are_not_looked_up(database: Database) -> None:
    await stored(database, change_window(10, repository="acme/shop"))
    async with database.read() as tx:
        assert await deploys.to_look_up(tx, at(10), 9) == []


async def test_the_errors_of_a_verdict_go_with_it_when_the_deploy_moves(database: Database) -> None:
    await stored(database, change_window(10, pending=True))
    async with database.write() as tx:
        rates = {"before": ErrorRate(3, 30.0), "after": ErrorRate(9, 1.5)}
        await deploys.set_verdict(tx, verdict(10, **rates))
        (judged,) = await deploy_list.newest(tx, DeployFilter(), 9)
        assert (judged.before, judged.after) == (ErrorRate(3, 30.0), ErrorRate(9, 1.5))
    await stored(database, change_window(20, commits=[], deploy_id="a1b2c3d4"))
    async with database.read() as tx:
        (moved,) = await deploy_list.newest(tx, DeployFilter(), 9)
    assert (moved.verdict, moved.before, moved.after) == ("watching", None, None)


async def test_errors_in_no_time_are_no_rate(database: Database) -> None:
    await stored(database, change_window(10))
    async with database.write() as tx:
        await deploys.set_verdict(tx, verdict(10, after=ErrorRate(3, 0.0)))
        (judged,) = await deploy_list.newest(tx, DeployFilter(), 9)
    assert judged.after is None


async def test_who_deployed_is_still_known_when_a_bot_tells_that_it_succeeded(
    database: Database,
) -> None:
    pushed = change_window(10, deployed_by="ada")
    (deploy,) = await stored(database, pushed, change_window(20, deployed_by=None))
    assert deploy.deployed_by == "ada"


async def test_deploys_of_a_time_are_those_from_its_beginning_to_its_end(
    database: Database,
) -> None:
    async with database.write() as tx:
        for second in (99, 100, 150, 200, 201):
            window = change_window(second, deploy_id=f"d{second}")
            await deploys.store(tx, "shop", "production", window)
        marks = await deploys.marks(tx, "shop", "production", since=at(100), until=at(200), limit=9)
    assert [mark.at for mark in marks] == [at(100), at(150), at(200)]


async def test_of_deploys_of_one_moment_none_is_older_than_the_other(database: Database) -> None:
    async with database.write() as tx:
        for name in ("d1", "d2"):
            await deploys.store(tx, "shop", "production", change_window(100, deploy_id=name))
        assert await deploys.remove_old(tx, to_micros(at(101)), 10) == 0
        await deploys.store(tx, "shop", "production", change_window(200, deploy_id="d3"))
        assert await deploys.remove_old(tx, to_micros(at(100)), 10) == 0
        assert await deploys.remove_old(tx, to_micros(at(101)), 10) == 2
