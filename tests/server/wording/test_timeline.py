"""An incident's past is told in order, once each, and with who was told of it and who was not."""

from datetime import timedelta

from server.storage.main.incidents import IncidentChange, RecordedChange
from server.storage.main.not_told import KeptFrom
from server.storage.main.notifications import Bell
from server.wording.timeline import fold_joined, timeline
from tests.builders import at


def change(what: RecordedChange, seconds: float, about: str = "") -> IncidentChange:
    return IncidentChange(seq=1, change=what, at=at(seconds), about=about)


def test_what_happened_comes_before_who_was_told_and_who_was_not() -> None:
    kept = KeptFrom(
        at=at(5), change="opened", person="Bob", way="any", reason="service_not_chosen", detail=None
    )
    bell = Bell(name="Ada", change="opened", created_at=at(5))
    said = timeline([change("opened", 5)], [bell], [], [kept])
    assert [(each.kind, each.words) for each in said] == [
        ("opened", "Opened"),
        ("told", "Bell"),
        ("not_told", "Not notified"),
    ]
    assert said[-1].about == (
        "Opened: Bob was not notified, because they did not choose this service."
    )


def test_what_a_person_did_comes_before_what_the_engine_made_of_it() -> None:
    silenced = change("silenced", 5)
    silenced = IncidentChange(
        seq=2, change="silenced", at=silenced.at + timedelta(microseconds=400), about="By Ada."
    )
    said = timeline([silenced, change("ended", 5, "silenced by Ada")], [], [], [])
    assert [each.kind for each in said] == ["silenced", "ended"]


def test_issues_that_joined_one_after_the_other_are_one_item_that_says_all_of_them() -> None:
    said = timeline(
        [
            change("opened", 0),
            *(change("joined", number, f"Now {number + 1} issues.") for number in (1, 2, 3)),
            change("escalated", 4),
            change("joined", 5, "Now 5 issues."),
        ],
        [],
        [],
        [],
    )
    assert [(each.words, each.about) for each in fold_joined(said)] == [
        ("Opened", ""),
        ("3 more issues joined", "Now 4 issues."),
        ("Got worse", ""),
        ("Another issue joined", "Now 5 issues."),
    ]
    assert fold_joined([]) == []
