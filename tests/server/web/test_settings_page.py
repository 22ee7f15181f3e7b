"""The page of settings: forms that work without JavaScript and say what they got wrong."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from server.keys import DATABASE
from server.storage.main import noise, people
from server.storage.main.noise import FilterValues
from shared.incident import Symptom
from tests.server.web.conftest import Box, Boxes, Client, Open, incident_id
from tests.signed_in import OPERATOR

PRICE = Symptom("f1", "ValueError", "price is negative", 3)

WISHES = {
    "email": "ada@acme.example",
    "email_incidents": "on",
    "min_severity": "error",
    "services": ["shop", "api"],
}


async def post(client: Client, path: str, fields: dict[str, Any]) -> tuple[int, str]:
    """Send a form as a browser does, and follow to the page that comes after."""
    async with client.post(path, data=fields) as response:
        return response.status, await response.text()


async def test_what_i_am_told_of_is_saved_and_shown_again(client: Client) -> None:
    status, page = await post(client, "/settings/notifications", WISHES)
    assert status == 200
    assert "Saved." in page
    assert 'value="ada@acme.example"' in page
    assert page.count('type="checkbox" value="shop" checked') == 1
    assert page.count('type="checkbox" value="api" checked') == 1
    async with client.app[DATABASE].read() as tx:
        person = await people.get(tx, OPERATOR)
    assert person is not None
    assert (person.email_incidents, person.min_severity) == (True, "error")
    assert (person.services, person.environments) == (["shop", "api"], None)


@pytest.mark.parametrize("way", ["email", "slack", "off"])
async def test_how_i_hear_of_suspicions_against_my_commits_is_saved(
    client: Client, way: str
) -> None:
    _, page = await post(client, "/settings/notifications", WISHES | {"my_commits": way})
    assert f'value="{way}" selected' in page
    assert "From 70 % confidence on" in page
    async with client.get("/api/settings/notifications") as response:
        assert (await response.json())["my_commits"] == way
    status, page = await post(client, "/settings/notifications", WISHES | {"my_commits": "pigeon"})
    assert status == 400


HOURS = {"begin": "08:30", "end": "17:00", "time_zone": "Europe/Berlin"}


async def test_my_working_hours_are_saved_and_without_a_day_there_are_none(client: Client) -> None:
    status, page = await post(
        client, "/settings/notifications", WISHES | HOURS | {"days": ["mon", "fri"]}
    )
    assert status == 200
    assert page.count('name="days" type="checkbox" value="mon" checked') == 1
    assert 'value="08:30"' in page
    async with client.get("/api/settings/notifications") as response:
        assert (await response.json())["working_hours"] == HOURS | {"days": ["mon", "fri"]}
    await post(client, "/settings/notifications", WISHES | HOURS)
    async with client.get("/api/settings/notifications") as response:
        assert (await response.json())["working_hours"] is None


async def test_the_time_zones_to_choose_from_are_places_and_utc(client: Client) -> None:
    async with client.get("/settings") as response:
        page = await response.text()
    assert '<option value="Europe/Berlin"><option value="Europe/' in page
    assert '<option value="UTC">' in page
    assert '<option value="EST">' not in page


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"begin": "25:00"}, "`begin` must be a time like 09:30."),
        ({"end": "5pm"}, "`end` must be a time like 09:30."),
        ({"begin": "17:00"}, "`begin` must be before `end`."),
        ({"time_zone": "Berlin"}, "`time_zone` must be a name like Europe/Berlin."),
        ({"days": ["someday"]}, "Invalid enum value"),
    ],
)
async def test_working_hours_that_make_no_sense_are_refused_and_stay_as_typed(
    client: Client, changes: dict[str, Any], said: str
) -> None:
    fields = WISHES | HOURS | {"days": ["mon"]} | changes
    status, page = await post(client, "/settings/notifications", fields)
    assert status == 400
    assert said in page.replace("&#39;", "'")
    assert f'value="{fields["time_zone"]}"' in page


@pytest.mark.parametrize("interval", ["off", "daily", "weekly"])
async def test_how_often_i_get_a_summary_is_saved_and_shown_again(
    client: Client, interval: str
) -> None:
    _, page = await post(client, "/settings/notifications", WISHES | {"summary": interval})
    assert f'value="{interval}" selected' in page.partition('id="summary"')[2]
    async with client.get("/api/settings/notifications") as response:
        assert (await response.json())["summary"] == interval
    status, _ = await post(client, "/settings/notifications", WISHES | {"summary": "hourly"})
    assert status == 400


async def test_a_summary_is_off_until_it_is_chosen_and_needs_an_address(client: Client) -> None:
    path = "/api/settings/notifications"
    async with client.get(path) as response:
        assert (await response.json())["summary"] == "off"
    async with client.put(path, json={"summary": "daily"}) as response:
        assert response.status == 400
        assert "`summary` needs an `email`" in await response.text()
    wishes = {"summary": "daily", "email": "ada@acme.example"}
    async with client.put(path, json=wishes) as response:
        assert (await response.json())["summary"] == "daily"
    async with client.put(path, json={"email_incidents": False}) as response:
        assert (await response.json())["summary"] == "daily"
    async with client.put(path, json={"email": None}) as response:
        assert response.status == 400


async def test_services_and_environments_are_chosen_from_those_that_are_known(
    client: Client, open_incident: Open
) -> None:
    await open_incident(1)
    await open_incident(2, service='"web"', environment="staging")
    async with client.get("/settings") as response:
        page = await response.text()
    offered = re.findall(r'name="(services|environments)" type="checkbox" value="([^"]+)">', page)
    assert offered == [
        ("services", "&#34;web&#34;"),
        ("services", "shop"),
        ("environments", "production"),
        ("environments", "staging"),
    ]
    await post(client, "/settings/notifications", WISHES | {"services": []})
    async with client.app[DATABASE].read() as tx:
        person = await people.get(tx, OPERATOR)
    assert person is not None
    assert person.services is None


async def test_what_is_left_unticked_is_turned_off(client: Client) -> None:
    await post(client, "/settings/notifications", WISHES)
    fields = {name: value for name, value in WISHES.items() if name != "email_incidents"}
    await post(client, "/settings/notifications", fields)
    async with client.app[DATABASE].read() as tx:
        person = await people.get(tx, OPERATOR)
    assert person is not None
    assert not person.email_incidents


async def test_a_wrong_input_is_named_and_kept(client: Client) -> None:
    status, page = await post(client, "/settings/notifications", WISHES | {"email": "<ada>"})
    assert status == 400
    assert "must be a mail address" in page
    assert 'value="&lt;ada&gt;"' in page
    assert 'value="shop" checked' in page
    status, page = await post(client, "/settings/notifications", WISHES | {"min_severity": "odd"})
    assert status == 400
    assert "min_severity" in page


async def test_i_choose_light_or_dark_for_all_my_pages(client: Client) -> None:
    scheme = '<meta name="color-scheme" content="%s">'
    async with client.get("/incidents") as response:
        assert scheme % "light dark" in await response.text()
    status, page = await post(client, "/settings/appearance", {"appearance": "dark"})
    assert (status, "Saved." in page) == (200, True)
    assert '<option value="dark" selected>' in page
    async with client.get("/incidents") as response:
        assert scheme % "dark" in await response.text()
    async with client.get("/api/settings/appearance") as response:
        assert await response.json() == {"appearance": "dark"}


async def test_a_colour_that_pages_do_not_have_is_refused(client: Client) -> None:
    status, page = await post(client, "/settings/appearance", {"appearance": "pink"})
    assert status == 400
    assert "appearance" in page
    async with client.put("/api/settings/appearance", json={"appearance": "pink"}) as response:
        assert response.status == 400
    async with client.put("/api/settings/appearance", json={"appearance": "light"}) as response:
        assert await response.json() == {"appearance": "light"}


async def test_a_noise_filter_is_added_changed_and_removed(client: Client) -> None:
    pattern = "TimeoutError: *health*"
    _, page = await post(client, "/settings/noise", {"pattern": pattern, "enabled": "on"})
    assert f"<code>{pattern}</code>" in page
    async with client.app[DATABASE].read() as tx:
        (added,) = [each for each in await noise.everything(tx) if each.pattern == pattern]
    assert added.enabled
    path = f"/settings/noise/{added.id}"
    await post(client, path, {"pattern": pattern, "about": "our own checks"})
    async with client.app[DATABASE].read() as tx:
        changed = await noise.get(tx, added.id)
    assert changed is not None
    assert (changed.about, changed.enabled) == ("our own checks", False)
    _, page = await post(client, path, {"pattern": pattern, "remove": "on"})
    assert pattern not in page
    status, _ = await post(client, path, {"pattern": pattern})
    assert status == 400


@pytest.mark.parametrize("wide", [{"pattern": "**"}, {"pattern": "", "service": " * "}, {}])
async def test_a_filter_that_would_hold_back_everything_is_refused(
    client: Client, wide: dict[str, str]
) -> None:
    status, page = await post(client, "/settings/noise", wide)
    assert status == 400
    assert "would hold back everything" in page


async def test_all_of_a_service_is_silenced_for_a_while_and_turned_off_and_on(
    client: Client,
) -> None:
    fields = {"pattern": "", "service": "shop", "environment": "staging", "minutes": "60"}
    _, page = await post(client, "/settings/noise", {**fields, "enabled": "on"})
    assert "by operator, until" in page
    async with client.app[DATABASE].read() as tx:
        (added,) = [each for each in await noise.everything(tx) if each.service == "shop"]
    assert (added.pattern, added.environment, added.made_by) == ("*", "staging", "operator")
    assert added.until is not None
    assert timedelta(minutes=59) < added.until - datetime.now(UTC) <= timedelta(minutes=60)
    # The forms of the page carry along when it ends.
    (kept,) = set(re.findall(r'name="until" value="([^"]+)"', page))
    path = f"/settings/noise/{added.id}"
    same = {"pattern": "*", "service": "shop", "environment": "staging", "until": kept}
    for on in (False, True):
        await post(client, path, same | ({"enabled": "on"} if on else {}))
        async with client.app[DATABASE].read() as tx:
            assert await noise.get(tx, added.id) == replace(added, enabled=on)


async def test_a_filter_that_is_over_is_shown_so_and_can_be_turned_on_for_good(
    client: Client,
) -> None:
    over = FilterValues(pattern="KeyError*", until=datetime.now(UTC) - timedelta(minutes=1))
    async with client.app[DATABASE].write() as tx:
        added = await noise.add(tx, over, "Ada")
    async with client.get("/settings/silences") as response:
        page = await response.text()
    assert "by Ada, ended" in page
    assert "Turn on for good" in page
    assert 'name="until"' not in page
    await post(client, f"/settings/noise/{added.id}", {"pattern": "KeyError*", "enabled": "on"})
    async with client.app[DATABASE].read() as tx:
        assert await noise.get(tx, added.id) == replace(added, until=None)


async def test_a_preview_says_what_a_filter_would_have_held_back_and_adds_nothing(
    client: Client, open_incident: Open
) -> None:
    now = datetime.now(UTC)
    days_ago = {number: now - timedelta(days=number) for number in (0, 2, 8)}
    for number, start in days_ago.items():
        await open_incident(number, start_time=start, top_symptoms=[PRICE])
    elsewhere = await open_incident(3, start_time=now, top_symptoms=[PRICE], service="web")
    async with client.app[DATABASE].read() as tx:
        before = await noise.everything(tx)
    typed = {"pattern": "valueerror: *NEGATIVE", "service": "shop", "preview": "on"}
    status, page = await post(client, "/settings/noise", typed)
    assert status == 200
    assert "of 3 incidents in the last 7 days, it would have held back 2:" in page
    held_back = page.partition("Preview:")[2].partition("</ul>")[0]
    assert re.findall(r"/incidents/(\S+)\"", held_back) == [incident_id(2), incident_id(0)]
    assert elsewhere not in held_back
    assert 'value="valueerror: *NEGATIVE"' in page
    body = {"pattern": "valueerror: *NEGATIVE", "service": "shop"}
    async with client.post("/api/noise-filters/preview", json=body) as response:
        said = await response.json()
    assert (said["days"], said["incidents"], said["held_back"]) == (7, 3, 2)
    assert [each["incident_id"] for each in said["newest"]] == [incident_id(2), incident_id(0)]
    async with client.app[DATABASE].read() as tx:
        assert await noise.everything(tx) == before
    _, page = await post(client, "/settings/noise", {"pattern": "Nothing*", "preview": "on"})
    assert "it would have held back 0." in page


async def test_a_filter_that_ended_before_it_began_is_refused(client: Client) -> None:
    body = {"pattern": "KeyError*", "until": "2025-01-01T00:00:00Z"}
    for path in ("/api/noise-filters", "/api/noise-filters/preview"):
        async with client.post(path, json=body) as response:
            assert response.status == 400
            assert "`until` is in the past" in await response.text()


async def test_a_channel_is_tried_out_and_what_goes_wrong_is_said(with_boxes: Boxes) -> None:
    slack, mail = Box("slack"), Box("email", "the name mail.example was not found")
    client = await with_boxes(slack, mail)
    status, page = await post(client, "/settings/channels/slack/test", {})
    assert status == 200
    assert "A test message was sent to Slack." in page
    assert len(slack.letters) == 1
    _, page = await post(client, "/settings/channels/email/test", {})
    assert "You have no mail address" in page
    await post(client, "/settings/notifications", WISHES)
    status, page = await post(client, "/settings/channels/email/test", {})
    assert status == 400
    assert "the name mail.example was not found" in page


async def test_a_form_of_another_site_changes_nothing(client: Client) -> None:
    async with client.post(
        "/settings/notifications", data=WISHES, headers={"Sec-Fetch-Site": "cross-site"}
    ) as response:
        assert response.status == 403
    async with client.app[DATABASE].read() as tx:
        person = await people.get(tx, OPERATOR)
    assert person is not None
    assert person.email is None


@pytest.mark.parametrize(
    ("path", "count"), [("/settings", 4), ("/settings/silences", 9), ("/settings/account", 2)]
)
async def test_every_field_has_a_label(client: Client, path: str, count: int) -> None:
    async with client.get(path) as response:
        page = await response.text()
    fields = re.findall(r"<(?:input|select)[^>]* id=\"([^\"]+)\"", page)
    labelled = re.findall(r"<label for=\"([^\"]+)\"", page)
    assert len(fields) >= count
    assert sorted(fields) == sorted(labelled)
