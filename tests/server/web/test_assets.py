"""Static files are kept by browsers for good, and a new version is a new address."""

import re

from tests.server.web.conftest import Client


async def test_pages_name_files_by_their_content_and_those_are_kept(client: Client) -> None:
    text = await (await client.get("/incidents")).text()
    addresses = re.findall(r'"(/static/[^"]+)"', text)
    assert len(addresses) == 3
    for address in addresses:
        response = await client.get(address)
        assert response.status == 200
        assert "immutable" in response.headers["Cache-Control"]


async def test_without_its_hash_a_file_is_asked_for_again_each_time(client: Client) -> None:
    first = await client.get("/static/pushlog.css")
    assert first.headers["Cache-Control"] == "no-cache"
    again = await client.get(
        "/static/pushlog.css", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status, await again.read()) == (304, b"")
    stale = await client.get("/static/pushlog.css", headers={"If-None-Match": '"old"'})
    assert stale.status == 200


async def test_a_reader_that_takes_no_gzip_gets_none(client: Client) -> None:
    packed = await client.get("/static/pushlog.js")
    plain = await client.get("/static/pushlog.js", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers
    assert await plain.read() == await packed.read()


async def test_nothing_else_is_served(client: Client) -> None:
    for name in ("nope.css", "..%2Fauth.py", "%2e%2e/auth.py", ""):
        assert (await client.get(f"/static/{name}")).status == 404
