from typing import Any

from server.github.history import Found, commits_between
from server.storage.main.deploys import StoredDeploy
from tests.builders import at, commit


def known(head: str, base: str | None, *ids: str, **changes: Any) -> StoredDeploy:
    """A push from `base` to `head`, of the commits `ids` or else of `head` alone."""
    fields: dict[str, Any] = {
        "id": 1,
        "service": "shop",
        "environment": "staging",
        "deployed_at": at(0),
        "release": None,
        "commits": [commit(each) for each in ids or (head,)],
        "cut": 0,
        "repository": "acme/shop",
        "deployed_by": None,
        "pending": False,
        "ran_since": None,
        "verdict": None,
        "verdict_reasons": [],
    }
    return StoredDeploy(deploy_id=head, base=base, **(fields | changes))


def between(base: str | None, head: str, *deploys: StoredDeploy) -> tuple[list[str], int]:
    found: Found = commits_between(deploys, "shop", base, head)
    return [each.id for each in found.commits], found.cut


def test_the_pushes_between_two_deployments_are_their_commits() -> None:
    pushes = [known("d", "c"), known("c", "a", "b", "c"), known("a", "z")]
    assert between("a", "d", *pushes) == (["b", "c", "d"], 0)


def test_a_deployment_within_a_push_has_what_came_after_it() -> None:
    assert between("b", "d", known("d", "a", "b", "c", "d")) == (["c", "d"], 0)


def test_the_first_deployment_has_the_push_of_its_commit() -> None:
    assert between(None, "d", known("d", "c", "c2", "d"), known("c", "b")) == (["c2", "d"], 0)


def test_a_deployment_of_what_runs_already_has_no_commits() -> None:
    assert between("d", "d", known("d", "c")) == ([], 0)


def test_where_a_push_is_missing_it_is_said_that_there_is_more() -> None:
    assert between("a", "d", known("d", "c")) == (["d"], 1)
    assert between("a", "d") == ([], 1)
    assert between(None, "d") == ([], 1)
    assert between("a", "d", known("d", None)) == (["d"], 1)


def test_a_push_that_was_cut_ends_what_is_known() -> None:
    assert between("a", "d", known("d", "c", cut=3), known("c", "a")) == (["d"], 1)


def test_a_push_of_other_services_is_only_a_link() -> None:
    pushes = [known("d", "c"), known("c", "b", service="api"), known("b", "a")]
    assert between("a", "d", *pushes) == (["b", "d"], 0)


def test_of_what_leads_to_one_commit_the_push_of_the_service_counts() -> None:
    deployment = known("d", None, environment="production", commits=[])
    other = known("d", "a", "b", "c", "d", service="api")
    assert between("a", "d", deployment, other, known("d", "a")) == (["d"], 0)


def test_a_circle_of_pushes_ends() -> None:
    assert between("x", "a", known("a", "b"), known("b", "a")) == (["b", "a"], 1)
