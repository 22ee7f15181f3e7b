"""Who is told of several things that happened in one batch of entries."""

from typing import Any

from msgspec import structs

from server.notify.audience import Audience
from server.notify.batch import Happened, Over, plan_all
from server.notify.outlets import Outlets
from server.notify.planning.plan import Heard
from server.storage.main.incidents import StoredIncident, summary_of
from server.storage.main.people import Person
from shared.incident import Symptom
from shared.pipe import Incident
from tests.builders import at
from tests.server.incidents.test_record import incident
from tests.server.notify.test_noise import noise_filter

ADA = Person(1, "Ada", "ada@acme.example", True, "all")
AUDIENCE = Audience(
    people=[ADA],
    filters=[noise_filter("ValueError*")],
    routes=[],
    floor="all",
    outlets=Outlets(email=True, slack="bot", slack_receiver="#alerts"),
)
UNFILTERED = structs.replace(AUDIENCE, filters=[])
MIXED = [Symptom("f1", "ValueError", "price", 5), Symptom("f2", "KeyError", "id", 1)]


def over(incident: Incident, by: str | None = None) -> Over:
    stored = StoredIncident(
        opened_seq=incident.seq,
        changed_seq=incident.seq,
        ended_at=at(60),
        end_reason="quiet",
        acknowledged_at=None,
        acknowledged_by=None,
        summary=summary_of(incident),
    )
    return Over(stored, by)


def told(happened: list[Happened], audience: Audience = UNFILTERED, **heard: Any) -> list[Any]:
    """Each planned change, with whose bells ring and how many messages are sent."""
    plans = plan_all(happened, audience, {incident().incident_id: Heard(**heard)}, {}, {})
    return [(plan.of and plan.of.change, plan.people, len(plan.deliveries)) for plan in plans]


def test_the_end_is_told_to_whom_the_same_batch_told_of_the_beginning() -> None:
    assert told([incident(), over(incident())]) == [("opened", [1], 2), ("ended", [1], 2)]


def test_the_end_of_what_nobody_heard_of_is_told_nobody() -> None:
    assert told([incident(), over(incident())], AUDIENCE) == [("opened", [], 0), ("ended", [], 0)]


def test_ones_own_action_does_not_ring_but_ends_the_threads_outside() -> None:
    for by, rung in (("Ada", []), ("Bob", [1]), (None, [1])):
        assert told([incident(), over(incident(), by)]) == [("opened", [1], 2), ("ended", rung, 2)]


def test_what_was_heard_before_the_batch_counts() -> None:
    assert told([over(incident())], people=frozenset([1])) == [("ended", [1], 0)]
    joined = incident(6, "joined", top_symptoms=MIXED)
    assert told([joined], AUDIENCE, people=frozenset([1])) == []
    assert told([joined], AUDIENCE, outside=frozenset([("slack", "#alerts")])) == []


def test_what_was_noise_so_far_is_told_once_when_it_is_more() -> None:
    first, again = (incident(seq, "joined", top_symptoms=MIXED) for seq in (6, 7))
    assert told([incident(), first, again], AUDIENCE) == [("opened", [], 0), ("opened", [1], 2)]


def test_an_issue_that_joins_is_no_news_where_nothing_was_noise() -> None:
    assert told([incident(), incident(6, "joined", top_symptoms=MIXED)]) == [("opened", [1], 2)]


def test_the_filter_that_held_it_back_is_named() -> None:
    (plan,) = plan_all([incident()], AUDIENCE, {}, {}, {})
    assert plan.held_back_by == AUDIENCE.filters[0]
    assert [(each.reason, each.detail) for each in plan.not_told] == [
        ("noise_filter", "ValueError*")
    ]


def test_incidents_of_one_batch_are_kept_apart() -> None:
    other = incident(6, incident_id="inc-ffffffffffffffff")
    assert told([incident(), over(other)]) == [("opened", [1], 2), ("ended", [], 0)]
