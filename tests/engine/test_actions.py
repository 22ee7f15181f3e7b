""" "What to do first" names the subject of this incident."""

from typing import Any

import pytest

from server.wording.reasons import say_first_actions
from shared.pipe import Inbound, Incident
from tests import builders
from tests.engine.drive import of_type, run

HOUR = 3_600.0


def actions(*entries: Inbound) -> str:
    """The first actions of the last reported incident, as one text."""
    return "\n".join(say_first_actions(of_type(run(entries), Incident)[-1]))


def test_a_likely_commit_is_named_with_its_author_and_evidence() -> None:
    said = actions(builders.change_window_entry(1, 0), builders.event_entry(2, 60))
    assert "commit a1b2c3d4 “Round prices half up” by Ada" in said
    assert "shop/cart.py" in said


def test_where_it_was_raised_is_named_with_its_line() -> None:
    assert "Open shop/cart.py:12 (total)" in actions(builders.event_entry(1, 0))


def test_where_no_deploy_is_known_that_is_said() -> None:
    assert "Announce deploys of shop to production" in actions(builders.event_entry(1, 0))


def test_a_regression_says_since_when_and_in_which_release() -> None:
    said = actions(
        builders.event_entry(1, 0, issue_id="7"),
        builders.resolve(2, HOUR, issue_id="7"),
        builders.event_entry(3, 4 * HOUR, issue_id="7", release="shop@2.0.0"),
    )
    assert "came back after 3 hours in release shop@2.0.0" in said


def test_a_spike_says_when_it_began_and_how_much_it_is() -> None:
    known = [builders.event_entry(n + 1, n * 600.0) for n in range(300)]
    burst = [builders.event_entry(301 + n, 300 * 600.0 + n) for n in range(100)]
    said = actions(*known, *burst)
    assert "a minute instead of 0.1" in said


@pytest.mark.parametrize(("errors", "are_many"), [(4, False), (5, True), (6, True)])
def test_many_errors_at_once_send_people_to_one_cause(errors: int, are_many: bool) -> None:
    entries = [
        builders.event_entry(n + 1, n, stacktrace=[builders.frame(function=f"f{n}")])
        for n in range(errors)
    ]
    assert (f"{errors} different errors of shop" in actions(*entries)) is are_many


@pytest.mark.parametrize(
    ("fields", "advice"),
    [
        ({"message": "connect ECONNREFUSED 10.0.0.1:5432"}, "is up and responds"),
        ({"exception_type": "ReadTimeout"}, "is up and responds"),
        ({"message": "OSError: [Errno 28] No space left on device"}, "free disk space"),
        ({"exception_type": "java.lang.OutOfMemoryError"}, "memory of shop"),
        ({"message": "certificate has expired"}, "certificate"),
        ({"message": "QueuePool limit of size 5 reached, connection pool timeout"}, "keeps open"),
        ({"message": "deadlock detected"}, "wait for each other"),
        ({"message": "status code 429"}, "rate limit"),
        ({"message": "403 Forbidden"}, "credentials"),
    ],
)
def test_the_words_of_an_error_say_where_to_look(fields: dict[str, Any], advice: str) -> None:
    assert advice in actions(builders.event_entry(1, 0, **fields))


def test_a_deploy_names_its_riskiest_commit() -> None:
    commits = [
        builders.commit("small"),
        builders.commit("large", message="Rewrite the cart", added=900, deleted=20),
    ]
    said = actions(
        builders.deploy_entry(1, 0, change_window=builders.change_window(commits=commits))
    )
    assert "commit large “Rewrite the cart” first: +900 -20 lines" in said


def test_the_only_commit_of_a_deploy_is_not_called_its_riskiest() -> None:
    assert "lines" not in actions(builders.deploy_entry(1, 0))


def test_an_alert_names_its_rule() -> None:
    said = actions(
        builders.event_entry(1, 0), builders.event_entry(2, 5 * HOUR, alert_rule="Many errors")
    )
    assert "“Many errors” of Sentry" in said
