import json
from typing import Any

import pytest

from server.ingest.delivery import Delivery, InvalidPayload
from server.ingest.github import parse_github
from server.settings.environments import EnvironmentMap
from server.settings.rules import BranchRule, ServiceRule
from server.settings.services import ServiceMap
from shared.event import MAX_COMMITS, MAX_FILES, ChangeWindow
from shared.pipe import MAX_LINE_BYTES, ChangeWindowEntry, EventEntry, encode_lines
from tests.builders import START
from tests.server.ingest.github_payloads import ZEROS, encoded, push_of, pushed, sample, sha

DEFAULTS = ServiceMap((), ())
MONOREPO = ServiceMap(
    (
        ServiceRule("acme/shop", "apps/web/", "web"),
        ServiceRule("acme/shop", "packages/", "web"),
        ServiceRule("acme/shop", "apps/api/", "api"),
    ),
    (),
)


def parse(
    body: dict[str, Any], services: ServiceMap = DEFAULTS, *, announce: bool = True
) -> Delivery:
    return parse_github(
        encoded(body),
        event="push",
        delivery="guid-1",
        content_type="application/json",
        received=START,
        services=services,
        environments=EnvironmentMap((), ()),
        announce_deploys=announce,
    )


def deploy_of(delivery: Delivery) -> EventEntry:
    (entry,) = delivery.entries
    assert isinstance(entry, EventEntry)
    return entry


def window_of(delivery: Delivery) -> ChangeWindow:
    window = deploy_of(delivery).change_window
    assert window is not None
    return window


def test_a_push_to_the_default_branch_is_a_deploy_to_production() -> None:
    entry = deploy_of(parse(sample("push")))
    assert (entry.kind, entry.source) == ("deploy", "github")
    assert (entry.service, entry.environment) == ("shop", "production")
    assert (entry.exception_type, entry.severity) == ("Deploy", "warning")
    assert entry.message == "Push of 3 commits to main by ada: Drop the old importer"
    assert entry.timestamp == START
    assert entry.links["source_url"].startswith("https://github.com/acme/shop/compare/")
    assert entry.tags == {
        "repository": "acme/shop",
        "branch": "main",
        "commit": sha("three"),
        "pusher": "ada",
        "files": "6",
    }


def test_the_window_has_all_commits_with_all_their_files() -> None:
    window = window_of(parse(sample("push")))
    assert [commit.id for commit in window.commits] == [sha("one"), sha("two"), sha("three")]
    one, two, three = window.commits
    assert one.files == ["shop/price.py", "tests/test_price.py"]
    assert two.files == ["shop/cart.py", "shop/voucher.py"]
    assert three.files == ["README.md", "jobs/import_v1.py"]
    assert one.message == "Round prices half up\n\nAsked for by the tax office."
    assert one.author == "Ada"
    assert (one.author_email, one.author_login) == ("ada@acme.example", "ada")
    assert one.timestamp is not None
    assert one.timestamp.isoformat() == "2025-03-04T08:40:00+00:00"
    assert one.url == f"https://github.com/acme/shop/commit/{sha('one')}"


def test_a_deploy_is_of_the_time_of_the_push_and_not_of_its_commits() -> None:
    window = window_of(parse(push_of(pushed("old", timestamp="2009-01-01T00:00:00Z"))))
    assert window.deploy_time == START


def test_a_deploy_is_known_by_its_head_and_says_where_more_can_be_asked() -> None:
    window = window_of(parse(sample("push")))
    assert window.deploy_id == sha("three")
    assert (window.repository, window.base) == ("acme/shop", sha("zero"))
    assert window.deployed_by == "ada"


def test_a_push_is_context_alone_where_deploys_are_not_told() -> None:
    told = deploy_of(parse(sample("push")))
    (entry,) = parse(sample("push"), announce=False).entries
    assert isinstance(entry, ChangeWindowEntry)
    assert (entry.service, entry.environment) == (told.service, told.environment)
    assert told.change_window is not None
    assert entry.commits == told.change_window.commits
    assert entry.deploy_id == told.change_window.deploy_id


def test_a_push_is_known_again_by_itself_whatever_delivers_it() -> None:
    assert parse(sample("push")).identity == (
        f"github push 4711 refs/heads/main {sha('zero')} {sha('three')} 1741078800"
    )


def test_a_push_that_is_made_again_after_the_branch_was_moved_back_is_another() -> None:
    push = sample("push")
    again = push | {"repository": push["repository"] | {"pushed_at": 1741079000}}
    assert parse(push).identity != parse(again).identity


def test_a_push_that_does_not_say_what_it_was_is_known_by_its_delivery() -> None:
    assert parse(sample("push", before=None)).identity == "github guid-1"


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        ({"ref": "refs/heads/fix/deep/branch"}, "Push to fix/deep/branch of acme/shop, which is"),
        ({"ref": "refs/heads/x/main"}, "Push to x/main of acme/shop, which is not watched"),
        ({"ref": "refs/tags/v1.0"}, "Tag v1.0 of acme/shop pushed"),
        ({"ref": "refs/heads/main", "deleted": True}, "Branch main of acme/shop deleted"),
        (
            {"ref": "refs/heads/main", "after": ZEROS, "head_commit": None, "commits": []},
            "Branch main of acme/shop deleted",
        ),
        ({"ref": "refs/tags/v1.0", "deleted": True, "after": ZEROS}, "Tag v1.0 of acme/shop del"),
    ],
)
def test_what_deploys_nothing_is_no_entry(changes: dict[str, Any], about: str) -> None:
    delivery = parse(sample("push", **changes))
    assert delivery.entries == ()
    assert delivery.about.startswith(about)


def test_a_watched_branch_may_have_slashes_and_its_own_environment() -> None:
    services = ServiceMap((), (BranchRule("main", "Prod"), BranchRule("release/*", "staging")))
    assert deploy_of(parse(sample("push"), services)).environment == "production"
    push = sample("push", ref="refs/heads/release/2025/03")
    assert deploy_of(parse(push, services)).environment == "staging"


def test_a_new_branch_is_a_deploy_of_its_head() -> None:
    head = pushed("head")
    push = push_of(created=True, before=ZEROS, after=head["id"], head_commit=head)
    entry = deploy_of(parse(push))
    assert entry.message == "New branch: Push of 1 commit to main by ada: Change head"
    assert entry.change_window is not None
    assert [commit.id for commit in entry.change_window.commits] == [head["id"]]
    assert entry.change_window.base is None


def test_a_forced_push_is_a_deploy_and_says_that_it_was_forced() -> None:
    entry = deploy_of(parse(push_of(pushed("amended"), forced=True)))
    assert entry.message == "Forced: Push of 1 commit to main by ada: Change amended"


def test_a_branch_that_is_forced_back_brings_no_commits() -> None:
    old = pushed("old")
    entry = deploy_of(parse(push_of(forced=True, after=old["id"], head_commit=old)))
    assert entry.message == "Forced: Push without new commits to main by ada"
    assert entry.change_window is not None
    assert entry.change_window.commits == []
    assert entry.change_window.deploy_id == old["id"]


def test_merged_commits_of_another_branch_are_new_to_this_one() -> None:
    merge = pushed("merge", message="Merge pull request #7", modified=[])
    push = push_of(pushed("a", distinct=False), pushed("b", distinct=False), merge)
    assert [commit.id for commit in window_of(parse(push)).commits] == [
        sha("a"),
        sha("b"),
        sha("merge"),
    ]


def test_of_too_many_commits_the_newest_are_kept_and_the_cut_is_marked() -> None:
    commits = [pushed(str(number)) for number in range(MAX_COMMITS + 7)]
    entry = deploy_of(parse(push_of(*commits)))
    window = entry.change_window
    assert window is not None
    assert [commit.id for commit in window.commits] == [each["id"] for each in commits[7:]]
    assert window.cut == 7
    assert entry.message.startswith(f"Push of more than {MAX_COMMITS} commits to main")


def test_a_service_that_none_of_the_listed_commits_touches_is_not_told_of_0_commits() -> None:
    services = ServiceMap((ServiceRule("acme/shop", "jobs/", "jobs"),), ())
    commits = [pushed(str(number)) for number in range(MAX_COMMITS + 7)]
    entry = deploy_of(parse(push_of(*commits), services))
    assert entry.message == "Push of unknown commits to main by ada"


def test_of_too_many_files_as_many_are_kept_as_fit_and_the_cut_is_marked() -> None:
    files = [f"shop/{number}.py" for number in range(MAX_FILES + 3)]
    window = window_of(parse(push_of(pushed("big", modified=files))))
    assert window.commits[0].files == files[:MAX_FILES]
    assert window.cut == 3


def test_the_largest_payload_is_no_longer_than_a_line_on_the_pipe() -> None:
    paths = [f"{number:04d}/{'☃' * 110}.py" for number in range(120)]
    commits = [
        pushed(str(number), modified=paths, message="☃" * 9000) for number in range(MAX_COMMITS)
    ]
    body = push_of(*commits)
    assert len(json.dumps(body, ensure_ascii=False).encode()) > MAX_LINE_BYTES
    delivery = parse(body)
    assert len(encode_lines(delivery.entries)) < MAX_LINE_BYTES // 1.5
    window = window_of(delivery)
    kept = [len(commit.files) for commit in window.commits]
    assert min(kept) == max(kept) > 30
    assert window.cut == MAX_COMMITS * len(paths) - sum(kept)


def test_a_push_of_more_commits_than_a_payload_carries_is_marked() -> None:
    head = pushed("head")
    window = window_of(parse(push_of(pushed("a"), after=head["id"], head_commit=head)))
    assert [commit.id for commit in window.commits] == [sha("a"), head["id"]]
    assert window.cut == 1


def test_a_push_without_a_head_commit_is_a_deploy_of_what_the_branch_is_at_now() -> None:
    window = window_of(parse(sample("push", head_commit=None)))
    assert window.deploy_id == sha("three")
    assert [commit.id for commit in window.commits] == [sha("one"), sha("two"), sha("three")]
    # If that is not one of the commits, it stays unknown; nothing is made up.
    elsewhere = window_of(parse(sample("push", head_commit=None, after=sha("four"))))
    assert (elsewhere.deploy_id, elsewhere.cut) == (sha("four"), 0)
    assert [commit.id for commit in elsewhere.commits] == [sha("one"), sha("two"), sha("three")]
    nothing = deploy_of(parse(sample("push", head_commit=None, commits=[])))
    assert nothing.message == "Push without new commits to main by ada"
    assert nothing.change_window is not None
    assert (nothing.change_window.deploy_id, nothing.change_window.commits) == (sha("three"), [])


def test_a_push_deploys_its_head_commit_also_where_that_is_not_what_the_branch_is_at() -> None:
    head = pushed("head")
    for after in (sha("other"), None):
        assert window_of(parse(push_of(head, after=after))).deploy_id == head["id"]
    # A commit without an id counts as none.
    unnamed = push_of(head, after=sha("other"), head_commit=head | {"id": ""})
    assert window_of(parse(unnamed)).deploy_id == sha("other")


def test_a_push_deploys_the_services_whose_folders_it_touches() -> None:
    web = pushed("web", modified=["apps/web/cart.ts"])
    both = pushed("both", modified=["apps/api/cart.py"], added=["packages/money/index.ts"])
    docs = pushed("docs", modified=["README.md", "apps/web.md"])
    delivery = parse(push_of(web, both, docs), MONOREPO, announce=False)
    shown = {
        entry.service: [commit.id for commit in entry.commits]
        for entry in delivery.entries
        if isinstance(entry, ChangeWindowEntry)
    }
    assert shown == {"web": [sha("web"), sha("both")], "api": [sha("both")]}
    assert delivery.about.endswith("deploy of web, api to production")


def test_a_push_that_touches_no_service_is_no_deploy() -> None:
    delivery = parse(push_of(pushed("docs", modified=["README.md"])), MONOREPO)
    assert delivery.entries == ()
    assert delivery.about == "Push to main of acme/shop touches no service"


def test_a_branch_that_was_made_or_moved_deploys_every_service() -> None:
    docs = pushed("docs", modified=["README.md"])
    for manner in ({"created": True}, {"forced": True}):
        assert len(parse(push_of(docs, **manner), MONOREPO).entries) == 2


def test_a_part_of_the_wrong_type_loses_only_itself_and_is_noted() -> None:
    odd = pushed("odd", timestamp="yesterday", author=7, added="all", modified=[1, "a.py", None])
    entry = deploy_of(parse(push_of("?", pushed("a"), odd, pusher=[])))
    assert entry.change_window is not None
    a, b = entry.change_window.commits
    assert (a.id, b.id) == (sha("a"), sha("odd"))
    assert (b.timestamp, b.author, b.files) == (None, None, ["a.py"])
    assert any(note.startswith("commits[2].author: ") for note in entry.notes)
    assert entry.message.startswith("Push of 2 commits to main by somebody")


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"repository": None}, "repository.full_name"),
        ({"repository": {"full_name": "acme/"}}, "repository.full_name"),
        ({"ref": None}, "ref"),
        ({"after": None, "head_commit": None}, "after"),
    ],
)
def test_what_no_deploy_can_be_read_from_is_refused_with_the_path(
    changes: dict[str, Any], path: str
) -> None:
    with pytest.raises(InvalidPayload) as raised:
        parse(sample("push", **changes))
    assert [fault.path for fault in raised.value.faults] == [path]
