"""Who may see and change what: people who are signed in, programs with a token, and nobody else."""

import re

import pytest
from aiohttp import hdrs, web
from yarl import URL

from server.accounts.secrets import digest
from server.keys import DATABASE, SETTINGS
from server.settings.settings import read_settings
from server.storage.main import accounts, api_tokens, sessions
from server.storage.times import micros_now
from server.web.accounts import routes as ways_in
from server.web.auth import cookie_name
from server.web.routes import routes
from tests.server.web.conftest import Client
from tests.signed_in import AS_OPERATOR, OPERATOR, SECRET, TOKEN

OPEN = {
    "/health",
    "/health/engine",
    "/static/{name}",
    "/login",
    "/first-account",
    "/forgotten",
    "/invitation/{secret}",
    "/reset/{secret}",
    # Anyone with the link from a mail may end the mails to its receiver.
    "/unsubscribe/{token}",
    # Slack's signature is its key: see test_slack_buttons.
    "/api/slack/interactions",
    # The page of the sign-in may fail too.
    "/errors",
    # On the machine itself: see the tests of it.
    "/metrics",
}
ADMINS = {"/settings/people/invitations", "/settings/people/invitations/{id}/remove"} | {
    f"/api/people/{rest}" for rest in ("invitations", "invitations/{id}", "{id}")
}
ADMINS |= {
    f"{letters}/{{seq}}/{settle}"
    for letters in ("/api/dead-letters", "/deliveries/dead-letters")
    for settle in ("replay", "discard")
}
VALUES = {
    "id": "1",
    "seq": "1",
    "incident_id": "inc-0000000000000001",
    "commit_id": "a1b2c3d4",
    "name": "pushlog.css",
    "channel": "slack",
    "secret": "s" * 43,
    "token": "0" * 40,
    "fingerprint": "f" * 32,
}


def plain(route: web.RouteDef) -> str:
    """The path as the docs have it, without the patterns."""
    return re.sub(r"\{(\w+):(?:[^{}]|\{[^{}]*\})*\}", r"{\1}", route.path)


def filled(route: web.RouteDef) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: VALUES[name[1]], plain(route))


def named(route: web.RouteDef) -> str:
    return f"{route.method} {plain(route)}"


GUARDED = [route for route in routes() if plain(route) not in OPEN]


@pytest.fixture
def stranger(client: Client) -> Client:
    """Who has no session."""
    client.session.cookie_jar.clear()
    return client


@pytest.mark.parametrize("route", GUARDED, ids=named)
async def test_a_stranger_sees_and_changes_nothing(stranger: Client, route: web.RouteDef) -> None:
    response = await stranger.request(route.method, filled(route), allow_redirects=False)
    if route.path.startswith("/api/"):
        assert response.status == 401
        assert response.headers[hdrs.WWW_AUTHENTICATE] == "Bearer"
        assert "Authorization: Bearer" in (await response.json())["error"]
    else:
        assert response.status == 303
        assert response.headers[hdrs.LOCATION].startswith("/login")


async def test_a_page_that_was_asked_for_is_shown_after_the_sign_in(stranger: Client) -> None:
    response = await stranger.get("/incidents?state=open", allow_redirects=False)
    assert response.headers[hdrs.LOCATION] == "/login?next=/incidents%3Fstate%3Dopen"


@pytest.mark.parametrize("way", ["cookie", "token"])
@pytest.mark.parametrize("secret", ["", "x", SECRET[:-1], TOKEN, "\x00", "ü" * 9, "y" * 4000])
async def test_what_is_no_secret_of_ours_lets_nobody_in(
    stranger: Client, way: str, secret: str
) -> None:
    cookie = {hdrs.COOKIE: f"pushlog-3000={secret}"}
    token = {hdrs.AUTHORIZATION: f"Bearer {'' if secret == TOKEN else secret}"}
    headers = cookie if way == "cookie" else token
    if "\x00" in secret:
        headers = {name: value.replace("\x00", "%00") for name, value in headers.items()}
    response = await stranger.get("/api/incidents", headers=headers)
    assert response.status == 401


async def test_a_program_comes_in_by_its_token(stranger: Client) -> None:
    assert (await stranger.get("/api/incidents", headers=AS_OPERATOR)).status == 200
    lower = {hdrs.AUTHORIZATION: f"bearer {TOKEN}"}
    assert (await stranger.get("/api/incidents", headers=lower)).status == 200


CHANGING = [route for route in GUARDED if route.method not in ("GET", "HEAD")]


@pytest.mark.parametrize("route", CHANGING, ids=named)
async def test_a_token_for_reading_changes_nothing(stranger: Client, route: web.RouteDef) -> None:
    async with stranger.app[DATABASE].write() as tx:
        await api_tokens.add(
            tx,
            digest=digest("only to read"),
            person_id=OPERATOR,
            name="graphs",
            ending="read",
            scope="read",
            at=micros_now(),
        )
    headers = {hdrs.AUTHORIZATION: "Bearer only to read"}
    response = await stranger.request(
        route.method, filled(route), headers=headers, allow_redirects=False
    )
    assert response.status == 403
    assert (await stranger.get("/api/incidents", headers=headers)).status == 200


async def test_a_token_makes_no_other_and_ends_no_session(stranger: Client) -> None:
    for method, path in (
        ("POST", "/api/account/tokens"),
        ("DELETE", "/api/account/tokens/1"),
        ("DELETE", "/api/account/sessions/1"),
        ("PUT", "/api/account/password"),
    ):
        response = await stranger.request(method, path, json={"name": "x"}, headers=AS_OPERATOR)
        assert response.status == 403
        assert "Sign in to do this" in (await response.json())["error"]


async def test_a_member_does_nothing_that_is_for_admins(client: Client) -> None:
    database = client.app[DATABASE]
    async with database.write() as tx:
        member = await accounts.add(
            tx, name="Bob", email="bob@example.org", role="member", hashed="-"
        )
        await sessions.add(
            tx, digest=digest("bob"), person_id=member, address="", agent="", at=micros_now()
        )
    as_bob = {hdrs.COOKIE: f"{cookie_name(client.app[SETTINGS])}=bob"}
    client.session.cookie_jar.clear()
    asked = 0
    for route in routes():
        response = (
            await client.request(route.method, filled(route), headers=as_bob, allow_redirects=False)
            if plain(route) in ADMINS or route.path == r"/settings/people/{id:\d{1,18}}"
            else None
        )
        if response is not None:
            asked += 1
            assert response.status == 403, named(route)
            assert "admins" in await response.text()
    assert asked == len(ADMINS) + 2


async def test_a_session_that_nobody_used_for_a_month_is_over(client: Client) -> None:
    database = client.app[DATABASE]
    async with database.write() as tx:
        await sessions.touch(tx, 1, micros_now() - sessions.LIFE_US - 1_000_000)
    assert (await client.get("/api/incidents")).status == 401


async def test_what_is_used_says_when_it_was_used(client: Client) -> None:
    database = client.app[DATABASE]
    before = micros_now()
    async with database.write() as tx:
        await sessions.touch(tx, 1, before - 2 * sessions.SEEN_EVERY_US)
    await client.get("/api/incidents")
    await client.get("/api/incidents", headers=AS_OPERATOR)
    async with database.read() as tx:
        ((session,), (token,)) = (
            await sessions.of_person(tx, OPERATOR, micros_now()),
            await api_tokens.of_person(tx, OPERATOR),
        )
    assert session.seen_at.timestamp() * 1e6 >= before
    assert token.used_at is not None


@pytest.mark.parametrize("path", ["/api/notifications/read-all", "/notifications/read-all"])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:8080"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_a_page_of_another_site_changes_nothing(
    client: Client, path: str, headers: dict[str, str]
) -> None:
    response = await client.post(path, headers=headers, data={"up_to": "1"}, allow_redirects=False)
    assert response.status == 403
    assert "another site" in await response.text()


@pytest.mark.parametrize(
    "route",
    [route for route in ways_in.routes() if route.method == "POST" and plain(route) in OPEN],
    ids=named,
)
async def test_a_page_of_another_site_signs_nobody_in(
    stranger: Client, route: web.RouteDef
) -> None:
    response = await stranger.post(filled(route), headers={"Sec-Fetch-Site": "cross-site"})
    assert response.status == 403


async def test_our_own_pages_and_programs_may_change_things(client: Client) -> None:
    own = str(URL.build(scheme="http", host="127.0.0.1", port=client.port))
    # Behind a proxy the Host may be another than the name that people know.
    public = "http://localhost:3000"
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": own}, {"Origin": public}, {}):
        response = await client.post("/api/notifications/read-all", headers=headers)
        assert response.status == 200


async def test_probes_and_files_are_for_everybody(stranger: Client) -> None:
    assert (await stranger.get("/health")).status == 200
    assert (await stranger.get("/static/pushlog.css")).status == 200


async def test_metrics_are_for_who_has_a_token_also_on_the_machine_itself(stranger: Client) -> None:
    # What nginx sends if only proxy_pass is set: it looks like somebody on the machine.
    assert (await stranger.get("/metrics")).status == 401
    assert (await stranger.get("/metrics", headers=AS_OPERATOR)).status == 200


def test_the_cookie_is_bound_to_https_where_we_are_on_it() -> None:
    assert cookie_name(read_settings({})) == "pushlog-3000"
    secure = read_settings({"PUBLIC_URL": "https://pushlog.example"})
    assert cookie_name(secure) == "__Host-pushlog-3000"


async def test_who_is_removed_is_out_at_once(client: Client) -> None:
    async with client.app[DATABASE].write() as tx:
        await accounts.add_first(tx, name="Ada", email="ada@example.org", hashed="-")
        await accounts.add(tx, name="Eve", email="eve@example.org", role="admin", hashed="-")
        assert await accounts.remove(tx, OPERATOR)
    assert (await client.get("/api/incidents")).status == 401
    assert (await client.get("/api/incidents", headers=AS_OPERATOR)).status == 401
