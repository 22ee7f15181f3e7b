"""The commit with the best evidence is named first, with the evidence in words."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.suspects.rank import FLOOR, MAX_SUSPECTS, rank_suspects
from engine.suspects.score import CLOCK_SKEW, ErrorEvidence, score_commits
from engine.suspects.windows import prepare
from server.wording.reasons import say
from shared.event import ChainedException, ChangeWindow, Commit, CorrelationHints, Frame
from shared.incident import SuspectCommit
from tests.builders import at, change_window, commit, frame


def evidence(**changes: Any) -> ErrorEvidence:
    fields: dict[str, Any] = {
        "since": at(0),
        "exception_type": "ValueError",
        "message": "price is negative",
        "stacktrace": [frame("shop/cart.py", "total"), frame("shop/checkout.py", "pay")],
    }
    return ErrorEvidence(**(fields | changes))


def rank(commits: Sequence[Commit], **changes: Any) -> list[SuspectCommit]:
    return rank_suspects(evidence(**changes), [prepare(change_window(commits=list(commits)))])


def words(suspect: SuspectCommit) -> list[str]:
    return [say(each) for each in suspect.evidence]


def first(commits: Sequence[Commit], **changes: Any) -> str:
    return rank(commits, **changes)[0].commit_id


CART = commit("cart", files=["shop/cart.py"], functions=["total"])
CHECKOUT = commit("checkout", files=["shop/checkout.py"], functions=["pay"])
ELSEWHERE = commit("elsewhere", message="Send mail later", files=["mail/send.py"], functions=["go"])


def test_the_commit_that_touches_the_raising_function_is_first() -> None:
    suspects = rank([ELSEWHERE, CHECKOUT, CART])
    assert suspects[0].commit_id == "cart"
    assert suspects[0].confidence > 0.5
    assert words(suspects[0])[0].startswith(
        "it changes total in shop/cart.py, where the error was raised"
    )


def test_a_file_with_two_dots_in_its_name_is_recognized() -> None:
    trace = [frame("shop/cart.store.ts", "total")]
    store = commit("store", files=["src/shop/cart.store.ts"])
    (suspect,) = rank([store], stacktrace=trace)
    assert "cart.store.ts" in words(suspect)[0]


def test_the_nearer_place_counts_more() -> None:
    assert [each.commit_id for each in rank([CHECKOUT, CART])][:2] == ["cart", "checkout"]


def test_the_function_counts_more_than_its_file_alone() -> None:
    other = commit("other", files=["shop/cart.py"], functions=["render"])
    unknown = commit("unknown", files=["shop/cart.py"], functions=[])
    assert first([other, unknown, CART]) == "cart"


def test_a_file_that_all_commits_touch_says_less_than_one_that_one_touches() -> None:
    crowd = [
        commit(f"crowd{number}", files=["shop/cart.py"], functions=["total"]) for number in range(9)
    ]
    alone = commit("alone", files=["shop/checkout.py"], functions=["pay"])
    assert first([*crowd, alone]) == "alone"


def test_a_sweep_over_many_files_says_less() -> None:
    sweep = commit("sweep", files=["shop/cart.py", *(f"shop/part{n}.py" for n in range(60))])
    assert first([sweep, CART]) == "cart"


def test_words_that_only_one_commit_shares_with_the_error_decide() -> None:
    commits = [
        commit("mail", message="Send mail later", files=["shop/cart.py"]),
        commit("price", message="Allow a negative price for refunds", files=["shop/cart.py"]),
    ]
    suspects = rank(commits)
    assert suspects[0].commit_id == "price"
    assert any("“negative”" in line for line in words(suspects[0]))


@pytest.mark.parametrize(
    "changes",
    [
        {"message": "Fix typos"},
        {"message": "Reformat", "added": 30, "deleted": 30},
        {"files": ["shop/cart.py", "a.md"], "message": "Merge branch 'x'"},
    ],
)
def test_a_commit_that_hardly_can_break_anything_falls_back(changes: dict[str, Any]) -> None:
    idle = commit("idle", **{"files": ["shop/cart.py"], "functions": ["total"], **changes})
    real = commit("real", files=["shop/cart.py", "a.md"], functions=["total"])
    suspects = rank([idle, real])
    assert suspects[0].commit_id == "real"
    fallen = next((each for each in suspects if each.commit_id == "idle"), None)
    assert fallen is None or any(line.startswith("less likely") for line in words(fallen))


def test_size_says_less_where_commits_touch_the_trace() -> None:
    def odds(touching: bool) -> float:
        path = "shop/cart.py" if touching else "shop/elsewhere.py"
        pair = [
            commit(name, files=[path], functions=[], added=added)
            for name, added in (("big", 1_000), ("small", 10))
        ]
        scored = score_commits(evidence(), [prepare(change_window(commits=pair))])
        by_id = {each.commit.id: each.score for each in scored}
        return by_id["big"] - by_id["small"]

    assert 0 < odds(touching=True) < odds(touching=False)


@pytest.mark.parametrize(("added", "is_said"), [(99, False), (100, True)])
def test_many_lines_are_said_from_a_hundred_on(added: int, is_said: bool) -> None:
    (suspect,) = rank([commit("large", files=["shop/cart.py"], added=added, deleted=0)])
    assert (f"it adds {added} lines" in words(suspect)) is is_said


def test_tests_and_documents_of_the_same_name_are_no_suspects() -> None:
    test = commit("test", files=["tests/shop/cart.py"], functions=["total"])
    assert first([test, CART]) == "cart"


def test_a_chained_exception_adds_its_frames() -> None:
    chain = [ChainedException("RuntimeError", "no", [frame("mail/send.py", "go")])]
    assert rank([ELSEWHERE], stacktrace=[frame("shop/cart.py")], chain=chain)[0].confidence > 0.5


def test_a_bundle_without_source_map_still_has_its_function_names() -> None:
    bundle = [Frame("https://shop.example/static/js/main.3f2a9c1b.js", None, "computeTotal", 1)]
    named = commit("named", files=["src/total.ts"], functions=["computeTotal"])
    suspects = rank([ELSEWHERE, named], stacktrace=bundle)
    assert suspects[0].commit_id == "named"
    assert "a function named computeTotal" in words(suspects[0])[0]


def test_no_suspect_is_named_where_nothing_speaks_for_one() -> None:
    assert rank([ELSEWHERE]) == []
    assert rank([ELSEWHERE, CART], stacktrace=[], message="boom") == []
    assert rank([]) == []
    assert rank_suspects(evidence(), []) == []


def test_what_was_deployed_after_the_error_began_is_no_suspect() -> None:
    later = prepare(change_window(CLOCK_SKEW.total_seconds() + 1, commits=[CART]))
    during = prepare(change_window(CLOCK_SKEW.total_seconds(), commits=[CART]))
    assert rank_suspects(evidence(), [later]) == []
    assert rank_suspects(evidence(), [during])[0].commit_id == "cart"


def test_an_older_deploy_is_less_suspect_than_a_new_one() -> None:
    old = prepare(change_window(-3 * 86400, commits=[commit("old")]))
    new = prepare(change_window(-300, commits=[commit("new")]))
    suspects = rank_suspects(evidence(), [old, new])
    assert [each.commit_id for each in suspects] == ["new", "old"]
    assert any("3 days before" in line for line in words(suspects[1]))


def test_the_release_of_the_first_error_rules_out_what_came_after_it() -> None:
    brought = prepare(change_window(-7200, commits=[commit("brought")], release="1.4.0"))
    newer = prepare(change_window(-300, commits=[commit("newer")], release="1.5.0"))
    older = prepare(change_window(-9000, commits=[commit("older")], release="1.3.0"))
    suspects = rank_suspects(evidence(release="shop@1.4.0"), [older, brought, newer])
    assert suspects[0].commit_id == "brought"
    assert "newer" not in [each.commit_id for each in suspects]
    assert any("shop@1.4.0" in line for line in words(suspects[0]))


def test_a_release_that_no_deploy_is_known_of_changes_nothing() -> None:
    assert rank([CART], release="9.9.9") == rank([CART])


def test_critical_paths_weigh_more_and_others_less() -> None:
    plain = rank([CART])[0].confidence
    critical = CorrelationHints(critical_paths=["shop/"])
    minor = CorrelationHints(low_priority_paths=["shop"])
    beside = CorrelationHints(critical_paths=["sho"], low_priority_paths=["sho"])
    assert rank([CART], hints=critical)[0].confidence > plain
    assert rank([CART], hints=minor)[0].confidence < plain
    assert rank([CART], hints=beside)[0].confidence == plain


def test_a_commit_of_two_deploys_is_named_once() -> None:
    again = [prepare(change_window(seconds, commits=[CART])) for seconds in (-9000, -300)]
    assert [each.commit_id for each in rank_suspects(evidence(), again)] == ["cart"]


def test_never_more_than_a_person_reads() -> None:
    many = [commit(f"{number:08}", files=["shop/cart.py"]) for number in range(40)]
    assert len(rank(many)) <= MAX_SUSPECTS


def test_a_suspect_carries_what_a_page_shows() -> None:
    told = commit("cart", message="Round\n\nLong story", url="https://git.example/cart")
    suspect = rank([told])[0]
    assert (suspect.author, suspect.message, suspect.url, suspect.deploy_time) == (
        "Ada",
        "Round",
        "https://git.example/cart",
        at(-300),
    )


# --- whatever comes ----------------------------------------------------------------------------

texts = st.text(max_size=30)
some_files = st.sampled_from(["shop/cart.py", "shop/checkout.py", "a/b.py", "README.md", "b.py"])
commits = st.builds(
    Commit,
    id=st.text("0123456789abcdef", min_size=7, max_size=12),
    timestamp=st.sampled_from([None, at(-600), at(-900)]),
    message=st.one_of(texts, st.sampled_from(["Fix price", "Merge branch 'a'", "Revert x"])),
    files=st.lists(st.one_of(some_files, st.text(min_size=1, max_size=20)), max_size=5),
    functions=st.lists(st.one_of(st.sampled_from(["total", "pay"]), texts), max_size=4),
    added=st.one_of(st.none(), st.integers(0, 10**6)),
    deleted=st.one_of(st.none(), st.integers(0, 10**6)),
)
frames = st.builds(
    Frame,
    file=st.one_of(some_files, st.text(min_size=1, max_size=20)),
    function=st.one_of(st.none(), st.sampled_from(["total", "pay"]), texts),
    in_app=st.sampled_from([True, False, None]),
)
errors = st.builds(
    ErrorEvidence,
    since=st.integers(-1000, 10**6).map(at),
    exception_type=texts,
    message=texts,
    stacktrace=st.lists(frames, max_size=6),
    release=st.one_of(st.none(), texts),
    api_route=st.one_of(st.none(), texts),
)
unique_commits = st.lists(commits, max_size=8, unique_by=lambda each: each.id)


@settings(max_examples=150)
@given(unique_commits, errors, st.randoms(use_true_random=False))
def test_the_order_in_which_commits_come_changes_nothing(
    given_commits: list[Commit], error: ErrorEvidence, chance: Any
) -> None:
    shuffled = list(given_commits)
    chance.shuffle(shuffled)
    one, other = (
        rank_suspects(error, [prepare(change_window(commits=each))])
        for each in (given_commits, shuffled)
    )
    assert one == other


@settings(max_examples=150)
@given(unique_commits, unique_commits, errors)
def test_whatever_comes_is_ranked_and_said_in_words(
    older: list[Commit], newer: list[Commit], error: ErrorEvidence
) -> None:
    windows = [
        prepare(ChangeWindow(deploy_time=at(-90_000), commits=older)),
        prepare(ChangeWindow(deploy_time=at(-300), commits=newer)),
    ]
    scored = score_commits(error, windows)
    assert [each.score for each in scored] == sorted((s.score for s in scored), reverse=True)
    suspects = rank_suspects(error, windows)
    assert all(each.evidence and 0 <= each.confidence <= 1 for each in suspects)
    assert not suspects or suspects[0].confidence >= FLOOR - 0.001
    assert sum(each.confidence for each in suspects) <= 1 + 0.001 * len(suspects)


def test_a_prepared_window_answers_the_same_again() -> None:
    window = prepare(change_window(commits=[CART, CHECKOUT, ELSEWHERE]))
    answers = [rank_suspects(evidence(), [window]) for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0] == rank_suspects(evidence(since=at(0) + timedelta()), [window])
