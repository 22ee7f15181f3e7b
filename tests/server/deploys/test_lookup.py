import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from aiohttp import web

from server.github.api import GitHubApi, Unanswerable
from server.github.inquiries import MAX_ASKED_COMMITS, MAX_TRIES
from server.github.lookup import FIRST_BACKOFF_S, POLL_S, DeployLookup
from server.storage.database import Database
from server.storage.journal.journal import Journal, open_journal
from server.storage.main import deploys
from server.storage.main.deploys import StoredDeploy
from shared.event import ChangeWindow, Commit
from shared.pipe import ChangeWindowEntry, decode_inbound
from tests.builders import START, at, change_window, commit
from tests.fakes.github import FakeGitHub, rest_commit

PATCH = "@@ -12 +12,2 @@ def total(self, items):\n-    return 1\n+    return 2"


class Place:
    """A database and a journal, recorded as the server does it, and GitHub beside them."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        github: FakeGitHub,
        session: aiohttp.ClientSession,
    ) -> None:
        self.github = github
        self.api = GitHubApi(session, github.url, github.token, now_s=lambda: self.now_s)
        self.now_s = 0.0
        self._database = database
        self._journal = journal
        self._recorded = 0

    def lookup(self, **changes: Any) -> DeployLookup:
        fields: dict[str, Any] = {"api": self.api, "is_touched": lambda _service, _commit: True}
        fields |= {"now": lambda: START, "draw": lambda: 1.0}
        return DeployLookup(self._database, self._journal, **(fields | changes))

    async def announce(self, window: ChangeWindow, environment: str = "production") -> None:
        """As the recorder does with an entry that announces a deploy."""
        async with self._database.write() as tx:
            await deploys.store(tx, "shop", environment, window)

    async def told(self) -> list[ChangeWindowEntry]:
        """What was appended since the last time, recorded now."""
        entries = await self._journal.read(self._recorded, 100, 10**9)
        self._recorded += len(entries)
        windows = [decode_inbound(entry.body) for entry in entries]
        told = [window for window in windows if isinstance(window, ChangeWindowEntry)]
        for window in told:
            await self.announce(window, window.environment)
        return told

    async def stored(self, environment: str = "production") -> StoredDeploy:
        async with self._database.read() as tx:
            return (await deploys.recent(tx, 1, environment=environment))[0]

    async def waiting(self) -> int:
        async with self._database.read() as tx:
            return len(await deploys.to_look_up(tx, at(-999_999), 99))


@pytest.fixture
async def place(tmp_path: Path, database: Database) -> AsyncIterator[Place]:
    async with (
        open_journal(tmp_path / "journal.db") as journal,
        FakeGitHub() as github,
        aiohttp.ClientSession() as session,
    ):
        yield Place(database, journal, github, session)


def push(*commits: Commit, **changes: Any) -> ChangeWindow:
    """A push of commits without functions, as GitHub tells it."""
    fields: dict[str, Any] = {
        "commits": list(commits),
        "deploy_id": commits[-1].id if commits else "head",
        "repository": "acme/shop",
        "base": "base",
        "pending": True,
    }
    window = change_window(-60, **fields)
    return msgspec.structs.replace(window, **changes)


def pushed(commit_id: str, *files: str) -> Commit:
    return commit(
        commit_id,
        functions=[],
        added=None,
        deleted=None,
        files=list(files) or ["shop/cart.py"],
        url=f"https://github.com/acme/shop/commit/{commit_id}",
    )


# --- functions -------------------------------------------------------------------------------


async def test_the_functions_of_a_push_come_from_its_patches(place: Place) -> None:
    place.github.add("acme/shop", rest_commit("c1", {"shop/cart.py": PATCH}))
    await place.announce(push(pushed("c1")))
    assert await place.lookup().turn() == POLL_S
    (entry,) = await place.told()
    assert (entry.service, entry.environment, entry.deploy_id) == ("shop", "production", "c1")
    assert (entry.deploy_time, entry.repository, entry.base) == (at(-60), "acme/shop", "base")
    (found,) = entry.commits
    assert (found.functions, found.added, found.deleted) == (["total"], 3, 1)
    assert found.message == pushed("c1").message
    assert (await place.stored()).commits == entry.commits


async def test_each_commit_is_asked_for_once(place: Place) -> None:
    place.github.add("acme/shop", rest_commit("c1", {"shop/cart.py": PATCH}))
    lookup = place.lookup()
    await place.announce(push(pushed("c1")))
    await lookup.turn()
    await place.told()
    await place.announce(push(pushed("c1")), "staging")
    await lookup.turn()
    await lookup.turn()
    assert [entry.environment for entry in await place.told()] == ["staging"]
    assert place.github.asked == ["/repos/acme/shop/commits/c1"]
    assert await place.waiting() == 0


async def test_a_commit_without_code_is_not_worth_a_request(place: Place) -> None:
    await place.announce(push(pushed("c1", "README.md", "poetry.lock")))
    await place.lookup().turn()
    assert (place.github.asked, await place.told()) == ([], [])
    assert await place.waiting() == 0


async def test_of_many_commits_only_the_newest_are_asked_for(place: Place) -> None:
    ids = [f"c{number}" for number in range(MAX_ASKED_COMMITS + 5)]
    place.github.add("acme/shop", *(rest_commit(each, {"a.py": PATCH}) for each in ids))
    await place.announce(push(*map(pushed, ids)))
    await place.lookup().turn()
    (entry,) = await place.told()
    assert [each.id for each in entry.commits] == ids
    assert [each.id for each in entry.commits if each.functions] == ids[5:]


async def test_a_merge_has_no_functions_of_its_own(place: Place) -> None:
    place.github.add("acme/shop", rest_commit("m", {"a.py": PATCH}, parents=2))
    await place.announce(push(pushed("m")))
    await place.lookup().turn()
    assert await place.told() == []
    assert await place.waiting() == 0


async def test_what_was_found_is_told_once_when_the_lookup_is_killed_in_between(
    place: Place,
) -> None:
    place.github.add("acme/shop", rest_commit("c1", {"shop/cart.py": PATCH}))
    await place.announce(push(pushed("c1")))
    for _ in range(2):
        await place.lookup().turn()
        # Killed before it was recorded, and the table says that it was not looked up.
        await place.announce(push(pushed("other"), deploy_id="c1"))
        await place.announce(push(pushed("c1")))
    assert len(await place.told()) == 1


async def test_without_a_token_nothing_is_asked(place: Place) -> None:
    await place.announce(push(pushed("c1")))
    await place.lookup(api=None).turn()
    assert (place.github.asked, await place.told(), await place.waiting()) == ([], [], 0)


async def test_a_deploy_that_moved_in_time_meanwhile_is_not_moved_back(place: Place) -> None:
    place.github.add("acme/shop", rest_commit("c1", {"shop/cart.py": PATCH}))
    await place.announce(push(pushed("c1")))
    # Between the question and the answer the deployment succeeds.
    moved = push(deploy_id="c1", deploy_time=at(-5), pending=False)

    class Slow(GitHubApi):
        async def commit(self, repository: str, name: str) -> Commit:
            await place.announce(moved)
            return await place.api.commit(repository, name)

    async with aiohttp.ClientSession() as session:
        await place.lookup(api=Slow(session, "", "")).turn()
    (entry,) = await place.told()
    assert entry.deploy_time == at(-5)


# --- commits ---------------------------------------------------------------------------------


async def test_a_deployment_has_the_commits_of_the_pushes_since_the_last_one(place: Place) -> None:
    c1, c2, c3 = map(pushed, ("c1", "c2", "c3"))
    for window in (push(c1), push(c2, base="c1"), push(c3, base="c2")):
        await place.announce(window, "staging")
    deployed = ChangeWindow(deploy_time=at(-50), deploy_id="c1", repository="acme/shop")
    await place.announce(deployed)
    await place.announce(msgspec.structs.replace(deployed, deploy_time=at(-10), deploy_id="c3"))
    await place.lookup(api=None).turn()
    entry = next(each for each in await place.told() if each.deploy_id == "c3")
    assert (entry.environment, entry.deploy_time) == ("production", at(-10))
    assert (entry.commits, entry.base, entry.cut) == ([c2, c3], "c1", 0)


async def test_what_no_push_tells_is_found_by_comparing(place: Place) -> None:
    names = ("c1", "c2", "c3")
    place.github.add("acme/shop", *(rest_commit(each, {"shop/cart.py": PATCH}) for each in names))
    deployed = ChangeWindow(deploy_time=at(-50), deploy_id="c1", repository="acme/shop")
    await place.announce(push(pushed("c1"), deploy_time=at(-50)))
    await place.announce(msgspec.structs.replace(deployed, deploy_time=at(-10), deploy_id="c3"))
    await place.lookup().turn()
    entry = next(each for each in await place.told() if each.deploy_id == "c3")
    assert [each.id for each in entry.commits] == ["c2", "c3"]
    assert [each.files for each in entry.commits] == [["shop/cart.py"]] * 2
    assert entry.commits[0].functions == ["total"]
    assert "/repos/acme/shop/compare/c1...c3" in place.github.asked


async def test_the_first_deployment_of_all_is_at_least_its_own_commit(place: Place) -> None:
    place.github.add("acme/shop", rest_commit("c1", {"shop/cart.py": PATCH}))
    await place.announce(ChangeWindow(deploy_time=at(-10), deploy_id="c1", repository="acme/shop"))
    await place.lookup().turn()
    (entry,) = await place.told()
    assert ([each.id for each in entry.commits], entry.cut) == (["c1"], 1)


async def test_a_push_that_was_cut_is_made_whole_by_comparing(place: Place) -> None:
    names = ["base", *(f"c{number}" for number in range(250))]
    place.github.add("acme/shop", *(rest_commit(each, {"a.py": PATCH}) for each in names))
    known = pushed("c249", "shop/cart.py", "shop/pay.py")
    await place.announce(push(known, cut=1))
    lookup = place.lookup()
    await lookup.turn()
    (entry,) = await place.told()
    assert [each.id for each in entry.commits] == names[1:]
    assert (entry.cut, entry.commits[-1].files) == (0, ["shop/cart.py", "shop/pay.py"])
    assert await lookup.turn() == POLL_S
    assert await place.told() == []


async def test_of_a_comparison_that_is_too_long_the_newest_are_taken(place: Place) -> None:
    names = ["base", *(f"c{number}" for number in range(730))]
    place.github.add("acme/shop", *(rest_commit(each, {"a.py": PATCH}) for each in names))
    comparison = await place.api.compare("acme/shop", "base", "c729")
    assert [each.id for each in comparison.commits] == names[-430:]
    assert comparison.cut == 300


async def test_of_a_repository_of_many_services_each_gets_its_own(place: Place) -> None:
    ours = rest_commit("c1", {"apps/web/a.ts": None})
    theirs = rest_commit("c2", {"apps/api/a.py": None})
    place.github.add("acme/shop", rest_commit("base", {}), ours, theirs)
    await place.announce(push(deploy_id="c2"))

    def is_touched(_service: str, commit: Commit) -> bool:
        return any(file.startswith("apps/web/") for file in commit.files)

    await place.lookup(is_touched=is_touched).turn()
    (entry,) = await place.told()
    assert [each.id for each in entry.commits] == ["c1"]


async def test_a_deploy_that_went_back_has_no_commits(place: Place) -> None:
    place.github.add("acme/shop", rest_commit("old", {}), rest_commit("base", {}))
    await place.announce(push(deploy_id="old"))
    lookup = place.lookup()
    assert await lookup.turn() == POLL_S
    assert (await place.told(), await place.waiting()) == ([], 0)


# --- limits and failures ---------------------------------------------------------------------


async def test_a_used_up_limit_is_waited_for_and_what_is_known_is_told(place: Place) -> None:
    place.github.add("acme/shop", *(rest_commit(c, {"a.py": PATCH}) for c in ("c1", "c2")))
    place.github.remaining = 1
    place.github.reset_s = 1000
    lookup = place.lookup()
    await place.announce(push(pushed("c1"), pushed("c2")))
    assert await lookup.turn() == 1000
    (entry,) = await place.told()
    assert [each.functions for each in entry.commits] == [[], ["total"]]
    place.now_s = 999
    assert await lookup.turn() == 1
    assert len(place.github.asked) == 1
    place.now_s = 1001
    place.github.remaining = 5000
    assert await lookup.turn() == POLL_S
    (entry,) = await place.told()
    assert [each.functions for each in entry.commits] == [["total"], ["total"]]
    assert len(place.github.asked) == 2


async def test_retry_after_is_obeyed(place: Place) -> None:
    place.github.add("acme/shop", rest_commit("c1", {"shop/cart.py": PATCH}))
    place.github.answers.append(web.Response(status=429, headers={"Retry-After": "42"}))
    await place.announce(push(pushed("c1")))
    lookup = place.lookup()
    assert await lookup.turn() == 42
    place.now_s = 43
    assert await lookup.turn() == POLL_S
    assert len(await place.told()) == 1


async def test_a_wrong_token_is_not_tried_again_and_again(place: Place) -> None:
    place.github.token = "another"
    await place.announce(push(pushed("c1")))
    assert await place.lookup().turn() == 600
    assert await place.waiting() == 1


async def test_a_question_that_github_fails_at_does_not_hold_up_the_others(place: Place) -> None:
    place.github.add("acme/shop", rest_commit("c1", {"shop/cart.py": PATCH}))
    place.github.answers += [web.Response(status=502) for _ in range(MAX_TRIES)]
    await place.announce(push(pushed("c1"), pushed("c2")))
    lookup = place.lookup()
    pauses = [await lookup.turn() for _ in range(MAX_TRIES)]
    assert pauses == [FIRST_BACKOFF_S, 2 * FIRST_BACKOFF_S, POLL_S]
    (entry,) = await place.told()
    assert [each.functions for each in entry.commits] == [["total"], []]


async def test_a_commit_that_github_does_not_know_is_left_as_it_is(place: Place) -> None:
    place.github.add("acme/shop", rest_commit("other", {}))
    await place.announce(push(pushed("c1")))
    lookup = place.lookup()
    assert await lookup.turn() == POLL_S
    assert (await place.told(), await place.waiting()) == ([], 0)


async def test_github_that_is_not_there_is_tried_again_for_as_long_as_it_takes(
    place: Place,
) -> None:
    await place.announce(push(pushed("c1")))
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        gone = await stack.enter_async_context(FakeGitHub())
        url = gone.url
        await gone.__aexit__(None, None, None)
        lookup = place.lookup(api=GitHubApi(session, url, "t"), first_backoff_s=1.0)
        pauses = [await lookup.turn() for _ in range(12)]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert await place.waiting() == 1


@pytest.mark.parametrize("name", ["..", "../..", "a/..", "../a", "acme", "a/b/c", "a/b?x=1", ""])
async def test_only_a_repository_is_ever_asked_for(place: Place, name: str) -> None:
    await place.announce(push(pushed("c1"), repository=name))
    await place.lookup().turn()
    assert place.github.asked == []
    assert await place.waiting() == 0


async def test_a_name_of_a_commit_stays_within_its_place(place: Place) -> None:
    place.github.add("acme/shop", rest_commit("c1", {}))
    await place.announce(push(pushed("../../user?x#"), base=None))
    await place.lookup().turn()
    assert place.github.asked == ["/repos/acme/shop/commits/..%2F..%2Fuser%3Fx%23"]


async def test_an_answer_that_cannot_be_read_is_none(place: Place) -> None:
    place.github.answers.append(web.Response(text="<html>"))
    await place.announce(push(pushed("c1")))
    assert await place.lookup().turn() == POLL_S
    assert (await place.told(), await place.waiting()) == ([], 0)


async def test_a_repository_that_was_renamed_is_asked_for_where_it_is_now(place: Place) -> None:
    place.github.add("acme/shop", rest_commit("c1", {"shop/cart.py": PATCH}))
    moved = web.Response(status=301, headers={"Location": "/repos/acme/shop/commits/c1"})
    place.github.answers = [moved]
    commit = await place.api.commit("acme/former", "c1")
    assert commit.files == ["shop/cart.py"]
    assert place.github.asked == ["/repos/acme/former/commits/c1", "/repos/acme/shop/commits/c1"]


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:1/x", "https://example.com/", "//example.com/x"]
)
async def test_no_redirect_leads_to_another_server(place: Place, location: str) -> None:
    place.github.answers = [web.Response(status=302, headers={"Location": location})]
    with pytest.raises(Unanswerable, match="GitHub redirects to another server"):
        await place.api.commit("acme/shop", "c1")
    assert len(place.github.asked) == 1


async def test_redirects_that_never_end_are_given_up(place: Place) -> None:
    here = "/repos/acme/shop/commits/c1"
    place.github.answers = [web.Response(status=302, headers={"Location": here}) for _ in range(10)]
    with pytest.raises(Unanswerable, match="GitHub answers 302"):
        await place.api.commit("acme/shop", "c1")
    assert len(place.github.asked) == 4
