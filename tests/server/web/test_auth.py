"""Until there are accounts, pages and API answer only to who is on the machine itself."""

import asyncio
from unittest.mock import Mock

import pytest
from aiohttp import hdrs, web
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from server.web.auth import why_not_local
from server.web.routes import routes
from tests.server.web.conftest import Client

OPEN = {
    "/health",
    "/health/engine",
    "/static/{name}",
    # Who has the link of a mail may end the mails to its receiver.
    r"/unsubscribe/{token:[0-9a-f]{40}}",
}
GUARDED = [route for route in routes() if route.path not in OPEN]
VALUES = {
    "id": "1",
    "seq": "1",
    "incident_id": "inc-0000000000000001",
    "name": "pushlog.css",
    "channel": "slack",
}


def filled(path: str) -> str:
    for name, value in VALUES.items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:\\d{{1,18}}}}", value)
    assert "{" not in path
    return path


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
async def test_no_page_and_no_api_answers_a_request_that_was_forwarded(
    client: Client, route: web.RouteDef
) -> None:
    response = await client.request(
        route.method,
        filled(route.path),
        headers={"X-Forwarded-For": "203.0.113.9"},
        allow_redirects=False,
    )
    assert response.status == 403
    text = await response.text()
    assert "X-Forwarded-For" in text
    assert "ssh -L" in text


@pytest.mark.parametrize(
    "header",
    ["Forwarded", "Via", "X-Forwarded-Host", "x-forwarded-proto", "X-Real-IP", "CF-Connecting-IP"],
)
async def test_what_any_proxy_adds_is_refused(client: Client, header: str) -> None:
    response = await client.get("/api/incidents", headers={header: "for=203.0.113.9"})
    assert response.status == 403
    assert header.lower() in (await response.json())["error"].lower()


@pytest.mark.parametrize(
    "host", ["pushlog.example", "pushlog.example:3000", "localhost.example", "127.0.0.1.nip.io", ""]
)
async def test_a_name_that_merely_resolves_to_this_machine_is_refused(
    client: Client, host: str
) -> None:
    response = await client.get("/api/incidents", headers={hdrs.HOST: host})
    assert response.status == 403
    assert "localhost" in (await response.json())["error"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:4711", "127.0.0.1:80", "[::1]:3000"])
async def test_the_names_of_this_machine_are_welcome(client: Client, host: str) -> None:
    response = await client.get("/api/incidents", headers={hdrs.HOST: host})
    assert response.status == 200


@pytest.mark.parametrize(
    ("peer", "welcome"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("192.168.1.20", False),
        ("::ffff:192.168.1.20", False),
        ("203.0.113.9", False),
        ("2001:db8::1", False),
    ],
)
def test_only_loopback_addresses_are_welcome(peer: str, welcome: bool) -> None:
    connection = Mock(get_extra_info={"peername": (peer, 50000)}.get)
    request = make_mocked_request(
        "GET", "/", headers={"Host": "localhost:3000"}, transport=connection
    )
    assert (why_not_local(request) is None) is welcome


async def test_a_proxy_that_adds_nothing_is_known_by_its_old_protocol(client: Client) -> None:
    """nginx with `proxy_pass http://localhost:3000` and nothing else."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(b"GET /api/incidents HTTP/1.0\r\nHost: localhost:3000\r\n\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.0 403")
    assert b"proxy" in answer


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


async def test_our_own_pages_and_programs_may_change_things(client: Client) -> None:
    own = str(URL.build(scheme="http", host="127.0.0.1", port=client.port))
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": own}, {}):
        response = await client.post("/api/notifications/read-all", headers=headers)
        assert response.status == 200


async def test_probes_and_files_are_for_everybody(client: Client) -> None:
    outside = {"X-Forwarded-For": "203.0.113.9", "Host": "pushlog.example"}
    assert (await client.get("/health", headers=outside)).status == 200
    assert (await client.get("/static/pushlog.css", headers=outside)).status == 200


async def test_a_page_says_why_it_refuses_as_a_page(client: Client) -> None:
    response = await client.get("/incidents", headers={"Host": "pushlog.example"})
    assert response.status == 403
    assert response.content_type == "text/html"
    assert f"ssh -L {client.port}:localhost:{client.port}" in await response.text()
