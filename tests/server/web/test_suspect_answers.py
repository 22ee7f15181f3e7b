"""Beside each suspect people say whether it is the cause, and see what others said."""

import re
from typing import Any

from server.keys import ACTIONS, DATABASE, METRICS
from server.storage.main import incidents
from shared.pipe import IncidentEnded
from tests.builders import at
from tests.server.web.conftest import Client, Open, incident_id

COMMIT = "a1b2c3d4e5f6"


async def page(client: Client, path: str) -> str:
    """The text of the page, without tags, with single blanks."""
    async with client.get(path) as response:
        assert response.status == 200
        return " ".join(re.sub(r"<[^>]+>", "", await response.text()).split())


async def press(client: Client, path: str, **form: str) -> tuple[int, str | None]:
    data = {"commit": COMMIT, "answer": "right"} | form
    response = await client.post(f"{path}/suspects", data=data, allow_redirects=False)
    return response.status, response.headers.get("Location")


async def test_a_click_answers_and_another_changes_the_answer(
    client: Client, open_incident: Open
) -> None:
    path = f"/incidents/{await open_incident(1)}"
    before = await page(client, path)
    assert "Right: a1b2c3d4e5 is the cause" in before
    assert "Wrong: a1b2c3d4e5 is not the cause" in before
    assert ", says " not in before
    assert await press(client, path) == (303, f"{path}#suspects-head")
    assert "Right, says operator" in await page(client, path)
    await press(client, path, answer="wrong")
    after = await page(client, path)
    assert "Wrong, says operator" in after
    assert "Right, says operator" not in after


async def test_everybodys_answer_is_shown(client: Client, open_incident: Open) -> None:
    opened = await open_incident(1)
    for by, is_right in (("<ada>", True), ("bob", False)):
        await client.app[ACTIONS].judge_suspect(opened, COMMIT, by, is_right=is_right)
    shown = await page(client, f"/incidents/{opened}")
    assert "Right, says &lt;ada&gt;" in shown
    assert "Wrong, says bob" in shown


async def test_the_cause_can_be_named_when_the_incident_has_ended(
    client: Client, open_incident: Open
) -> None:
    opened = await open_incident(1)
    async with client.app[DATABASE].write() as tx:
        await incidents.end(tx, IncidentEnded(opened, "it is quiet again", at(60)))
    assert (await press(client, f"/incidents/{opened}"))[0] == 303
    assert "Right, says operator" in await page(client, f"/incidents/{opened}")


async def test_a_form_with_anything_else_in_it_is_refused(
    client: Client, open_incident: Open
) -> None:
    path = f"/incidents/{await open_incident(1)}"
    assert (await press(client, path, answer="maybe"))[0] == 400
    assert (await press(client, path, commit="b2"))[0] == 404
    assert (await press(client, f"/incidents/{incident_id(9)}"))[0] == 404


async def answer(client: Client, incident: str, commit: str, body: Any) -> tuple[int, Any]:
    path = f"/api/incidents/{incident}/suspects/{commit}/answer"
    async with client.post(path, json=body) as response:
        return response.status, await response.json()


async def test_programs_answer_too_and_read_all_answers(
    client: Client, open_incident: Open
) -> None:
    opened = await open_incident(1)
    await client.app[ACTIONS].judge_suspect(opened, COMMIT, "ada", is_right=True)
    status, answered = await answer(client, opened, COMMIT, {"right": False})
    assert (status, answered["incident_id"]) == (200, opened)
    assert [(each["by"], each["right"]) for each in answered["answers"]] == [
        ("ada", True),
        ("operator", False),
    ]
    async with client.get(f"/api/incidents/{opened}") as response:
        shown = (await response.json())["suspect_answers"]
    assert shown == answered["answers"]
    assert shown[0].keys() == {"commit_id", "by", "right", "at"}


async def test_an_answer_about_anything_else_is_refused_with_the_reason(
    client: Client, open_incident: Open
) -> None:
    opened = await open_incident(1)
    assert await answer(client, opened, "b2", {"right": True}) == (
        404,
        {"error": f"{opened} never suspected commit b2."},
    )
    missing = incident_id(9)
    assert await answer(client, missing, COMMIT, {"right": True}) == (
        404,
        {"error": f"There is no incident {missing}."},
    )
    for body in ({}, {"right": "yes"}, {"right": True, "by": "bob"}):
        assert (await answer(client, opened, COMMIT, body))[0] == 400


async def test_answers_are_counted(client: Client, open_incident: Open) -> None:
    opened = await open_incident(1)
    for right in (True, True, False):
        await answer(client, opened, COMMIT, {"right": right})
    count = client.app[METRICS].registry.get_sample_value
    for name in ("right", "wrong"):
        assert count("pushlog_suspect_answers_total", {"answer": name}) == 1
