"""A deploy announced twice is one deploy: the later news counts, and nothing known is lost."""

from engine.memory.state import State
from shared.pipe import Incident
from tests.builders import change_window_entry, commit, event_entry
from tests.engine.drive import of_type, run

WITH_FUNCTIONS = commit("c1", functions=["total"], added=8)
FILES_ONLY = commit("c1", functions=[], added=None, deleted=None)


def test_a_push_that_comes_after_the_announcement_leaves_its_functions_known() -> None:
    state = State()
    run([change_window_entry(1, 0, commits=[WITH_FUNCTIONS], release="shop@2")], state)
    run([change_window_entry(2, 60, commits=[FILES_ONLY])], state)
    (deploy,) = state.deploys.values()
    assert deploy.window.commits == [WITH_FUNCTIONS]
    assert deploy.window.release == "shop@2"


def test_news_without_commits_moves_the_time_and_keeps_the_commits() -> None:
    state = State()
    run([change_window_entry(1, 0), change_window_entry(2, 600, commits=[])], state)
    (deploy,) = state.deploys.values()
    assert len(deploy.window.commits) == 1
    (incident, *_) = of_type(run([event_entry(3, 900)], state), Incident)
    assert incident.suspected_causes[0].commit_id == "a1b2c3d4"
