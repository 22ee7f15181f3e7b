"""The pages say what happened, believe nothing that a sender wrote, and need no JavaScript."""

import re
from html.parser import HTMLParser

import pytest

from server.storage.database import Database
from server.storage.main import incident_users, incidents
from server.web.pages.incident_list import PAGE_SIZE
from server.web.pages.notifications import PAGE_SIZE as NOTIFICATIONS
from shared.event import Frame
from shared.incident import SuspectCommit
from shared.pipe import IncidentEnded
from tests.builders import at
from tests.server.web.conftest import Client, Open, incident, incident_id, record

EVIL = '"><script>alert(1)</script><img src=x onerror=alert(2)>'


class Page(HTMLParser):
    """What a page holds: its words, its links, and what could run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.scripts: list[str | None] = []
        self.attributes: set[str] = set()
        self._words: list[str] = []
        self.feed(text)
        self.words = re.sub(r"\s+", " ", " ".join(self._words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.attributes |= given.keys()
        if tag == "a":
            self.links.append(given.get("href") or "")
        if tag == "script":
            self.scripts.append(given.get("src"))

    def handle_data(self, data: str) -> None:
        self._words.append(data)


async def page(client: Client, path: str, status: int = 200) -> Page:
    response = await client.get(path)
    assert response.status == status, await response.text()
    assert response.content_type == "text/html"
    return Page(await response.text())


async def test_an_empty_installation_says_how_to_see_the_first_incident(client: Client) -> None:
    shown = await page(client, "/")
    assert "/api/webhooks/sentry" in shown.words
    assert "scripts/send-sentry-webhook" in shown.words


async def test_the_list_shows_what_where_and_who_is_suspect(
    client: Client, open_incident: Open
) -> None:
    opened = await open_incident(1)
    shown = await page(client, "/incidents")
    assert f"/incidents/{opened}" in shown.links
    for words in (
        "ValueError: price 1 is negative",
        "shop / production",
        "new issue",
        "4 events",
        "suspect a1b2c3d by Ada, 59 %",
    ):
        assert words in shown.words


async def test_the_page_of_an_incident_shows_all_that_is_known(
    client: Client, open_incident: Open
) -> None:
    opened = await open_incident(1)
    shown = await page(client, f"/incidents/{opened}")
    for words in (
        "ValueError: price 1 is negative",
        "This error has never been seen before in production.",
        "Look at commit a1b2c3d4e5f6",
        "59 % confidence",
        "it changes total in shop/cart.py, where the error was raised",
        "total shop/cart.py:12",
        "1 library frame",
        "KeyError",
        "2.5 \u00d7 usual",
        "shop@1.4.2",
        "Firefox",
        "Opened",
    ):
        assert words in shown.words
    assert "https://sentry.example/issues/1/" in shown.links
    assert "https://github.com/acme/shop/commit/a1b2c3d4e5f6" in shown.links


@pytest.mark.parametrize(
    ("users", "words"),
    [(1, "4 events · 1 user · began"), (37, "· 37 users ·"), (999, "· 999 users ·")]
    + [(number, "· 1,000+ users ·") for number in (1_000, 1_001)],
)
async def test_the_page_of_an_incident_says_how_many_users_it_affected(
    client: Client, open_incident: Open, database: Database, users: int, words: str
) -> None:
    opened = await open_incident(1)
    assert "4 events · began" in (await page(client, f"/incidents/{opened}")).words
    async with database.write() as tx:
        await incident_users.add(tx, {opened: range(users)})
    assert words in (await page(client, f"/incidents/{opened}")).words
    assert " user" not in (await page(client, "/incidents")).words


async def test_alerts_are_not_called_events(client: Client, open_incident: Open) -> None:
    opened = await open_incident(1, trigger="alert", alert_rule="p95 over 2 s")
    assert "4 alerts" in (await page(client, f"/incidents/{opened}")).words


async def test_an_incident_that_ended_says_when_and_why(
    client: Client, open_incident: Open, database: Database
) -> None:
    opened = await open_incident(1, notify=False)
    async with database.write() as tx:
        ended = IncidentEnded(opened, "it is quiet again", at(5400))
        await incidents.end(tx, ended)
        await incidents.add_change(
            tx, opened, seq=0, change="ended", at=1_741_084_200_000_000, about="it is quiet again"
        )
    shown = await page(client, f"/incidents/{opened}")
    assert "lasted 1 h 29 min" in shown.words
    assert "it is quiet again" in shown.words
    assert opened not in str((await page(client, "/incidents?state=open")).links)
    assert opened in str((await page(client, "/incidents?state=ended")).links)


async def test_what_a_sender_wrote_is_text_and_never_markup(
    client: Client, open_incident: Open
) -> None:
    opened = await open_incident(
        1,
        title=EVIL,
        service=EVIL,
        exception_type=EVIL,
        message=EVIL,
        tags={EVIL: EVIL},
        release=EVIL,
        recommended_first_actions=[EVIL],
        stacktrace=[Frame(EVIL, EVIL, EVIL, 1, True), Frame(EVIL, in_app=False)],
        suspected_causes=[SuspectCommit(EVIL, 1, 0.5, [EVIL], EVIL, EVIL, EVIL)],
        links={EVIL: EVIL},
    )
    for path in ("/incidents", f"/incidents/{opened}", "/notifications", "/notifications/panel"):
        shown = await page(client, path)
        assert "alert(1)" in shown.words
        assert all((source or "").startswith("/static/") for source in shown.scripts)
        assert not {"onerror", "onload", "style"} & shown.attributes


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "http://[", "HtTp:", "x"]
)
async def test_only_web_addresses_become_links(
    client: Client, open_incident: Open, url: str
) -> None:
    opened = await open_incident(
        1, links={"source_url": url}, suspected_causes=[SuspectCommit("abc", 1, 0.5, [], url=url)]
    )
    assert url not in (await page(client, f"/incidents/{opened}")).links


async def test_every_answer_forbids_scripts_of_others(client: Client, open_incident: Open) -> None:
    opened = await open_incident(1)
    for path in ("/", "/incidents", f"/incidents/{opened}", "/notifications", "/incidents/inc-0"):
        response = await client.get(path, allow_redirects=False)
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_paging_shows_every_incident_once(client: Client, database: Database) -> None:
    count = 2 * PAGE_SIZE + 3
    for number in range(count):
        # Some begin in the same moment: their ids keep them in order.
        await record(database, incident(number, start_time=at(number // 4)), notify=False)
    path, seen = "/incidents?environment=production", []
    while path:
        shown = await page(client, path)
        seen += [link for link in shown.links if link.startswith("/incidents/inc-")]
        path = next((link for link in shown.links if "before=" in link), "")
    assert seen == [f"/incidents/{incident_id(number)}" for number in reversed(range(count))]


async def test_the_form_of_filters_shows_what_is_asked_for_known_or_not(
    client: Client, open_incident: Open
) -> None:
    await open_incident(1, notify=False)
    response = await client.get(
        "/incidents", params={"service": "gone", "severity": "error", "text": EVIL}
    )
    text = await response.text()
    assert '<option value="gone" selected>gone</option>' in text
    assert '<option value="shop">shop</option>' in text
    assert '<option value="error" selected>error and critical</option>' in text
    assert "No incidents match these filters." in text
    assert not Page(text).attributes & {"onerror"}


async def test_filters_stay_while_one_pages_and_can_be_taken_off(
    client: Client, open_incident: Open
) -> None:
    await open_incident(1, notify=False)
    await open_incident(2, notify=False, service="billing", severity="critical")
    shown = await page(client, "/incidents?service=billing&severity=critical&state=open")
    assert incident_id(2) in str(shown.links)
    assert incident_id(1) not in str(shown.links)
    assert "/incidents?severity=critical&state=open" in shown.links
    assert "/incidents?state=open" in shown.links
    assert "/incidents?service=billing&severity=critical&state=ended" in shown.links


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("state=closed", "`state` must be one of `open`, `acknowledged`, `ended`, `all`"),
        ("trigger=x", "`new_issue`, `spike`, `regression`, `deploy`, `alert`"),
        ("severity=fatal", "`severity` must be one of `warning`, `error`, `critical`"),
        ("text=" + "x" * 201, "`text` must have at most 200 characters."),
        ("before=x", "`before` is not a place in the list of incidents."),
        ("before=1.1.1.inc-0", "`before` is not a place"),
        ("before=3.50.1.inc-0123456789abcdef", "`before` is not a place"),
        ("before=-1", "`before` is not a place"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_with_what_would_be_right(
    client: Client, query: str, rule: str
) -> None:
    assert rule in (await page(client, f"/incidents?{query}", status=400)).words


async def test_an_unknown_incident_is_not_found(client: Client) -> None:
    shown = await page(client, f"/incidents/{incident_id(9)}", status=404)
    assert f"There is no incident {incident_id(9)}." in shown.words


async def test_the_bell_and_its_list_work_by_forms(client: Client, open_incident: Open) -> None:
    await open_incident(1)
    await open_incident(2)
    assert "2 unread" in (await page(client, "/incidents")).words
    origin = f"http://127.0.0.1:{client.port}"
    response = await client.post(
        "/notifications/1/read",
        headers={"Referer": f"{origin}/incidents?state=open"},
        allow_redirects=False,
    )
    assert (response.status, response.headers["Location"]) == (303, "/incidents?state=open")
    assert "1 unread" in (await page(client, "/notifications")).words
    response = await client.post("/notifications/read-all", data={"up_to": "2"})
    assert response.status == 200
    assert "Mark all read" not in (await page(client, "/notifications")).words


@pytest.mark.parametrize(
    ("count", "has_older"), [(NOTIFICATIONS, False), (NOTIFICATIONS + 1, True)]
)
async def test_there_are_older_notifications_only_beyond_a_page(
    client: Client, open_incident: Open, count: int, has_older: bool
) -> None:
    for number in range(count):
        await open_incident(number)
    shown = await page(client, "/notifications")
    assert ("/notifications?before=" in str(shown.links)) is has_older


async def test_marking_all_read_leaves_what_the_page_did_not_show(
    client: Client, open_incident: Open
) -> None:
    await open_incident(1)
    await open_incident(2)
    await client.post("/notifications/read-all", data={"up_to": "1"})
    assert "1 unread" in (await page(client, "/incidents")).words


@pytest.mark.parametrize(
    "referer", ["https://evil.example/x", "//evil.example", "javascript:alert(1)", "", "http://["]
)
async def test_a_form_leads_nowhere_else(client: Client, open_incident: Open, referer: str) -> None:
    await open_incident(1)
    response = await client.post(
        "/notifications/1/read", headers={"Referer": referer}, allow_redirects=False
    )
    assert response.headers["Location"] == "/notifications"


async def test_a_form_leads_nowhere_else_by_two_slashes(
    client: Client, open_incident: Open
) -> None:
    await open_incident(1)
    response = await client.post(
        "/notifications/1/read",
        headers={"Referer": f"http://127.0.0.1:{client.port}//evil.example/"},
        allow_redirects=False,
    )
    assert response.headers["Location"] == "/evil.example/"


async def test_a_first_visit_is_light(client: Client, open_incident: Open) -> None:
    await open_incident(1)
    total = 0
    for path in ("/incidents", "/static/pushlog.css", "/static/pushlog.js", "/static/stream.js"):
        response = await client.get(
            path, headers={"Accept-Encoding": "gzip"}, auto_decompress=False
        )
        assert response.headers["Content-Encoding"] == "gzip"
        total += len(await response.read())
    assert total < 30_000
