"""`scripts/announce-deploy` tells PushLog what git knows of a deploy, and remembers that it did."""

import ast
import asyncio
import json
import os
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from scripts.commands import announce_deploy
from scripts.commits import git, hunk_headers
from server.ingest.generic import parse_generic
from server.settings.settings import read_settings
from shared.pipe import ChangeWindowEntry
from tests.builders import START
from tests.processes import clean_environment
from tests.repositories import SCRIPT, Repository, announce, new_repository


class Sent(NamedTuple):
    """A request that PushLog got."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def announcement(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def commits(self) -> list[dict[str, Any]]:
        return list(self.announcement["change_window"]["commits"])


class Receiver:
    """Stands in for PushLog; `answers` are given one for each request, then 202."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.answers: list[web.Response] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        self.sent.append(Sent(request.path, dict(request.headers), await request.read()))
        if self.answers:
            return self.answers.pop(0)
        return web.json_response({"accepted": True}, status=HTTPStatus.ACCEPTED)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application(client_max_size=10**8)
    app.router.add_route("*", "/{path:.*}", receiver.take)
    async with TestServer(app) as server:
        receiver.url = str(server.make_url("")).rstrip("/")
        yield receiver


@pytest.fixture
async def repository(tmp_path: Path) -> Repository:
    return await new_repository(tmp_path / "shop")


CART = """\
class Cart:
    def total(self):
        return 1

    def empty(self):
        return 0
"""


# --- what is told ----------------------------------------------------------------------------


async def test_the_commits_since_the_last_announcement_are_told(
    repository: Repository, receiver: Receiver
) -> None:
    first = await repository.commit("Begin", {"shop/cart.py": CART})
    done = await announce(repository, receiver.url)
    assert done == (
        0,
        f"Announced {first[:12]} of shop to production: 1 commit, 1 file, 3 functions\n",
        "",
    )
    second = await repository.commit("Round up\n\nAs the law wants.", {"shop/cart.py": CART + "\n"})
    third = await repository.commit("Count twice", {"shop/cart.py": CART.replace("1", "2")})
    assert (await announce(repository, receiver.url)).code == 0
    sent = receiver.sent[1]
    assert sent.path == "/api/webhooks/incidents"
    assert sent.announcement["service"] == "shop"
    assert sent.announcement["environment"] == "production"
    assert sent.announcement["change_window"]["deploy_id"] == third
    assert [commit["id"] for commit in sent.commits] == [second, third]
    assert sent.commits[0]["message"] == "Round up\n\nAs the law wants."
    assert sent.commits[1] == {
        "id": third,
        "timestamp": "2025-03-04T10:03:00+01:00",
        "author": "Ada",
        "author_email": "ada@acme.example",
        "message": "Count twice",
        "files": ["shop/cart.py"],
        "functions": ["total"],
        "added": 1,
        "deleted": 2,
    }


async def test_the_server_reads_what_is_told(repository: Repository, receiver: Receiver) -> None:
    head = await repository.commit("Begin ☃", {"shop/cart.py": CART})
    await announce(repository, receiver.url, "--release", "shop@1.4")
    delivery = parse_generic(receiver.sent[0].body, None, START, announce_deploys=False)
    (entry,) = delivery.entries
    assert isinstance(entry, ChangeWindowEntry)
    assert (entry.deploy_id, entry.release, entry.cut) == (head, "shop@1.4", 0)
    assert entry.commits[0].functions == ["Cart", "total", "empty"]
    assert entry.commits[0].message == "Begin ☃"


async def test_a_deploy_of_what_runs_already_has_no_commits(
    repository: Repository, receiver: Receiver
) -> None:
    await repository.commit("Begin", {"shop/cart.py": CART})
    await announce(repository, receiver.url)
    assert (await announce(repository, receiver.url)).code == 0
    assert receiver.sent[1].commits == []


async def test_the_first_time_the_newest_commits_are_told(
    repository: Repository, receiver: Receiver
) -> None:
    made = [await repository.commit(f"Number {number}") for number in range(23)]
    await announce(repository, receiver.url)
    assert [commit["id"] for commit in receiver.sent[0].commits] == made[3:]
    assert receiver.sent[0].announcement["change_window"]["cut"] == 0


async def test_each_service_and_environment_has_its_own_last_time(
    repository: Repository, receiver: Receiver
) -> None:
    await repository.commit("Begin", {"shop/cart.py": CART})
    await announce(repository, receiver.url, "--service", "a b..c~^:?*[.lock")
    await announce(repository, receiver.url, "--environment", "staging/eu")
    head = await repository.commit("More")
    await announce(repository, receiver.url, "--service", "a b..c~^:?*[.lock")
    await announce(repository, receiver.url, "--environment", "staging/eu")
    await announce(repository, receiver.url)
    assert [len(sent.commits) for sent in receiver.sent] == [1, 1, 1, 1, 2]
    assert receiver.sent[2].announcement["service"] == "a b..c~^:?*[.lock"
    assert receiver.sent[3].announcement["environment"] == "staging/eu"
    assert {sent.commits[-1]["id"] for sent in receiver.sent[2:]} == {head}


async def test_since_says_what_ran_before(repository: Repository, receiver: Receiver) -> None:
    made = [await repository.commit(f"Number {number}") for number in range(3)]
    await announce(repository, receiver.url)
    await announce(repository, receiver.url, "--since", made[0])
    await announce(repository, receiver.url, "--since", "0" * 40)
    assert [[each["id"] for each in sent.commits] for sent in receiver.sent] == [
        made,
        made[1:],
        [],
    ]


async def test_merges_are_told_by_their_commits(repository: Repository, receiver: Receiver) -> None:
    await repository.commit("Begin", {"shop/cart.py": CART})
    await announce(repository, receiver.url)
    await repository.git("switch", "--quiet", "--create", "topic")
    topic = await repository.commit("On the side", {"shop/pay.py": "def pay():\n    return 1\n"})
    await repository.git("switch", "--quiet", "main")
    main = await repository.commit("Meanwhile", {"shop/cart.py": CART + "\n"})
    await repository.git("merge", "--quiet", "--no-edit", "topic")
    await announce(repository, receiver.url)
    assert {commit["id"] for commit in receiver.sent[1].commits} == {topic, main}
    merge = await repository.git("rev-parse", "HEAD")
    assert receiver.sent[1].announcement["change_window"]["deploy_id"] == merge


async def test_renamed_and_removed_files_are_told_with_what_they_were(
    repository: Repository, receiver: Receiver
) -> None:
    pay = "def pay():\n    return 1\n"
    await repository.commit("Begin", {"shop/cart.py": CART, "shop/pay.py": pay})
    await announce(repository, receiver.url)
    await repository.commit(
        "Move it",
        {"shop/cart.py": None, "shop/basket.py": CART.replace("0", "3"), "shop/pay.py": None},
    )
    await announce(repository, receiver.url)
    (commit,) = receiver.sent[1].commits
    assert sorted(commit["files"]) == ["shop/basket.py", "shop/cart.py", "shop/pay.py"]
    assert sorted(commit["functions"]) == ["empty", "pay"]
    assert (commit["added"], commit["deleted"]) == (1, 3)


async def test_odd_names_of_files_and_binary_files_are_told(
    repository: Repository, receiver: Receiver
) -> None:
    odd = repository.folder / 'q"uo\tte ☃.py'
    odd.write_text("def snow():\n    return 1\n")
    (repository.folder / "logo.png").write_bytes(bytes(range(256)))
    await repository.commit("Odd")
    await announce(repository, receiver.url)
    (commit,) = receiver.sent[0].commits
    assert sorted(commit["files"]) == ["logo.png", 'q"uo\tte ☃.py']
    assert (commit["functions"], commit["added"]) == (["snow"], 2)


async def test_the_function_of_a_hunk_is_named_in_every_language(
    repository: Repository, receiver: Receiver
) -> None:
    # The function that begins in each file and gets one more line.
    begun = {
        "a.cpp": ("cpp", "int A::cpp() {\n    a();\n"),
        "a.cs": ("Cs", "class A {\n    int Cs(int x)\n    {\n        A();\n"),
        "a.ex": ("elixir", "defmodule A do\n  def elixir(x) do\n    a()\n"),
        "a.go": ("Go", "func (a *A) Go() int {\n\ta()\n"),
        "a.java": ("java", "class A {\n    int java(int x) {\n        a();\n"),
        "a.js": ("js", "const js = async (x) => {\n  a();\n"),
        "a.jsx": ("Jsx", "export default function Jsx() {\n  a();\n"),
        "a.kt": ("kotlin", "class A {\n    fun kotlin(): Int {\n        a()\n"),
        "a.php": ("php", "class A {\n    public function php() {\n        a();\n"),
        "a.py": ("python", "class A:\n    def python(self):\n        a()\n"),
        "a.rb": ("ruby", "class A\n  def ruby\n    a\n"),
        "a.rs": ("rust", "impl A {\n    fn rust(&self) {\n        a();\n"),
        "a.scala": ("scala", "object A {\n  def scala(x: Int): Int = {\n    a()\n"),
        "a.swift": ("swift", "class A {\n    func swift() -> Int {\n        a()\n"),
        "a.ts": ("ts", "class A {\n  ts(x) {\n    if (x) {\n      a();\n"),
    }
    await repository.commit("Begin", {path: text for path, (_, text) in begun.items()})
    await announce(repository, receiver.url)
    line = "            b();\n"
    await repository.commit("Go on", {path: text + line for path, (_, text) in begun.items()})
    await announce(repository, receiver.url)
    (commit,) = receiver.sent[1].commits
    assert commit["files"] == list(begun)
    assert commit["functions"] == [function for function, _ in begun.values()]


async def test_a_commit_at_the_end_of_a_shallow_clone_has_no_files(
    repository: Repository, receiver: Receiver, tmp_path: Path
) -> None:
    await repository.commit("Begin", {"shop/cart.py": CART})
    await repository.commit("Middle", {"shop/pay.py": "def pay():\n    return 1\n"})
    await repository.commit("End", {"shop/pay.py": "def pay():\n    return 2\n"})
    clone = tmp_path / "clone"
    source = repository.folder.as_uri()
    await repository.git("clone", "--quiet", "--depth=2", source, str(clone), folder=tmp_path)
    assert (await announce(repository, receiver.url, folder=clone)).code == 0
    middle, end = receiver.sent[0].commits
    assert (middle["message"], middle["files"], "added" in middle) == ("Middle", [], False)
    assert (end["files"], end["functions"]) == (["shop/pay.py"], ["pay"])
    assert receiver.sent[0].announcement["service"] == "clone"


# --- what is kept, and what goes wrong -------------------------------------------------------


async def test_a_dry_run_shows_what_would_be_sent_and_changes_nothing(
    repository: Repository, receiver: Receiver
) -> None:
    head = await repository.commit("Begin", {"shop/cart.py": CART})
    shown = await announce(repository, receiver.url, "--dry-run")
    assert json.loads(shown.output)["change_window"]["deploy_id"] == head
    assert receiver.sent == []
    assert await repository.git("for-each-ref", "refs/pushlog") == ""


async def test_the_secret_goes_in_its_header(repository: Repository, receiver: Receiver) -> None:
    await repository.commit("Begin")
    await announce(repository, receiver.url, INCIDENT_WEBHOOK_SECRET="s3cret")
    await announce(repository, receiver.url, "--secret", "0ther")
    await announce(repository, receiver.url)
    header = "X-Incident-Webhook-Secret"
    assert [sent.headers.get(header) for sent in receiver.sent] == ["s3cret", "0ther", None]


async def test_what_was_refused_is_told_again_the_next_time(
    repository: Repository, receiver: Receiver
) -> None:
    await repository.commit("Begin", {"shop/cart.py": CART})
    await announce(repository, receiver.url)
    second = await repository.commit("Second")
    receiver.answers = [web.json_response({"error": "the secret is wrong"}, status=401)]
    refused = await announce(repository, receiver.url)
    assert refused.code == 1
    assert "answered 401: the secret is wrong" in refused.errors
    assert "INCIDENT_WEBHOOK_SECRET" in refused.errors
    third = await repository.commit("Third")
    assert (await announce(repository, receiver.url)).code == 0
    assert [commit["id"] for commit in receiver.sent[2].commits] == [second, third]


async def test_a_server_that_is_busy_is_asked_again_with_the_same_key(
    repository: Repository, receiver: Receiver
) -> None:
    await repository.commit("Begin")
    receiver.answers = [web.Response(status=503, headers={"Retry-After": "0"}) for _ in range(2)]
    assert (await announce(repository, receiver.url)).code == 0
    assert len(receiver.sent) == 3
    assert len({sent.headers["Idempotency-Key"] for sent in receiver.sent}) == 1
    await announce(repository, receiver.url)
    assert len({sent.headers["Idempotency-Key"] for sent in receiver.sent}) == 2


async def test_a_server_that_stays_busy_is_given_up(
    repository: Repository, receiver: Receiver
) -> None:
    await repository.commit("Begin")
    receiver.answers = [web.Response(status=503, headers={"Retry-After": "0"}) for _ in range(3)]
    done = await announce(repository, receiver.url)
    assert (done.code, len(receiver.sent)) == (1, 3)
    assert await repository.git("for-each-ref", "refs/pushlog") == ""


async def test_what_is_not_pushlog_has_not_taken_it(
    repository: Repository, receiver: Receiver
) -> None:
    await repository.commit("Begin")
    receiver.answers = [web.Response(text="Welcome to nginx")]
    done = await announce(repository, receiver.url)
    assert (done.code, done.output) == (1, "")
    assert "answered 200, so it is not PushLog" in done.errors
    assert (await announce(repository, "pushlog.example")).code == 1


async def test_where_nothing_listens_is_said(repository: Repository) -> None:
    await repository.commit("Begin")
    url = f"http://127.0.0.1:{unused_port()}"
    process = await announce(repository, url, "--dry-run")
    assert process.code == 0
    done = await announce(repository, url)
    assert done.code == 1
    assert "cannot be reached" in done.errors


async def test_outside_of_a_checkout_and_before_the_first_commit_git_says_why(
    repository: Repository, tmp_path: Path
) -> None:
    no_commit = await announce(repository, "http://localhost:1")
    assert (no_commit.code, no_commit.output) == (2, "")
    outside = await announce(repository, "http://localhost:1", folder=tmp_path)
    assert outside.code == 2
    assert "not a git repository" in outside.errors


async def test_a_commit_that_is_not_in_the_checkout_is_named_with_the_remedy(
    repository: Repository,
) -> None:
    await repository.commit("Begin")
    done = await announce(repository, "http://localhost:1", "--since", "a" * 40)
    assert done.code == 2
    assert f"{'a' * 40} is not in this checkout" in done.errors
    assert "fetch-depth: 0" in done.errors


async def test_a_package_of_the_checkout_does_not_stand_in_for_ours(
    repository: Repository, receiver: Receiver
) -> None:
    trap = "raise SystemExit('the wrong one')\n"
    await repository.commit(
        "Trap", {"server/__init__.py": trap, "scripts/__init__.py": trap, "json.py": trap}
    )
    assert (await announce(repository, receiver.url)).code == 0


async def test_it_runs_through_a_link(repository: Repository, receiver: Receiver) -> None:
    await repository.commit("Begin")
    link = repository.folder.parent / "announce"
    link.symlink_to(SCRIPT)
    process = await asyncio.create_subprocess_exec(
        link,
        cwd=repository.folder,
        env={**clean_environment(repository.folder), "PUSHLOG_URL": receiver.url},
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert await process.wait() == 0
    assert len(receiver.sent) == 1


async def test_of_too_many_commits_the_newest_are_told_and_the_cut_is_marked(
    repository: Repository, receiver: Receiver
) -> None:
    first = await repository.commit("Begin")
    stream = "".join(
        f"commit refs/heads/main\ncommitter Ada <ada@acme.example> {1_741_100_000 + number} +0000\n"
        f"data <<END\nNumber {number}\nEND\n" + ("" if number else f"from {first}\n")
        for number in range(507)
    )
    await repository.git("fast-import", "--quiet", given=stream.encode())
    await announce(repository, receiver.url, "--since", first)
    told = [commit["message"] for commit in receiver.sent[0].commits]
    assert told == [f"Number {number}" for number in range(7, 507)]
    assert receiver.sent[0].announcement["change_window"]["cut"] == 7


def test_more_than_pushlog_reads_is_cut_from_the_oldest() -> None:
    told = [{"id": str(number), "message": "x" * 80} for number in range(100)]
    kept = announce_deploy.fitting(told, 5000)
    assert kept
    assert kept == told[-len(kept) :]
    assert len(json.dumps(kept)) <= 5000
    assert announce_deploy.fitting(told, 50_000) == told


@pytest.mark.parametrize("module", [announce_deploy, git, hunk_headers])
def test_it_needs_no_new_python(module: object) -> None:
    path = getattr(module, "__file__", None)
    assert path is not None
    ast.parse(Path(path).read_text(), feature_version=(3, 8))


def test_the_secret_is_the_servers_own_setting() -> None:
    settings = read_settings({announce_deploy.SECRET_VARIABLE: "s3cret"})
    assert settings.incident_webhook_secret == "s3cret"
    assert os.access(SCRIPT, os.X_OK)
