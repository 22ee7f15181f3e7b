"""Browsers of several people at one server, and its accounts."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import hdrs
from yarl import URL

from server.keys import FIRST_CODE
from tests.server.web.conftest import Client

PASSWORD = "correct horse battery"


class Visitor:
    """A browser that starts without a cookie."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._session = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))

    async def get(self, path: str, **options: Any) -> tuple[int, str]:
        """Status and text of the page after all redirects."""
        return await self.ask(hdrs.METH_GET, path, **options)

    async def post(self, path: str, **fields: str) -> tuple[int, str]:
        """The same, of the answer to a form."""
        return await self.ask(hdrs.METH_POST, path, data=fields)

    async def ask(self, method: str, path: str, **options: Any) -> tuple[int, str]:
        """The same, of any request."""
        url = self._client.make_url(path)
        async with self._session.request(method, url, **options) as response:
            return response.status, await response.text()

    async def sign_in(self, email: str, password: str = PASSWORD) -> tuple[int, str]:
        """By the form."""
        return await self.post("/login", email=email, password=password)

    async def inside(self) -> bool:
        """Whether the server knows this browser."""
        status, _ = await self.ask(hdrs.METH_GET, "/api/incidents")
        return status == 200

    async def close(self) -> None:
        """At the end."""
        await self._session.close()


Visit = Callable[[], Visitor]


@pytest.fixture
async def visit(client: Client) -> AsyncIterator[Visit]:
    """Opens one more browser."""
    visitors: list[Visitor] = []

    def visits() -> Visitor:
        visitors.append(Visitor(client))
        return visitors[-1]

    yield visits
    for visitor in visitors:
        await visitor.close()


@pytest.fixture
def code(client: Client) -> str:
    """What the log of a new installation has."""
    client.app[FIRST_CODE].offer()
    code = client.app[FIRST_CODE].code
    assert code is not None
    return code


@pytest.fixture
async def ada(visit: Visit, code: str) -> Visitor:
    """The first account: an admin, signed in."""
    browser = visit()
    status, text = await browser.post(
        "/first-account", code=code, name="Ada", email="ada@example.org", password=PASSWORD
    )
    assert status == 200, text
    return browser


Invite = Callable[..., Awaitable[str]]


@pytest.fixture
def invite(ada: Visitor) -> Invite:
    """The path of an invitation that Ada makes."""

    async def invites(email: str, role: str = "member") -> str:
        status, text = await ada.post("/settings/people/invitations", email=email, role=role)
        assert status == 200, text
        link = re.search(r"http://\S+/invitation/[\w-]+", text)
        assert link is not None
        return URL(link[0]).path

    return invites


@pytest.fixture
async def bob(visit: Visit, invite: Invite) -> Visitor:
    """A member, signed in."""
    browser = visit()
    link = await invite("bob@example.org")
    status, text = await browser.post(link, name="Bob", password=PASSWORD)
    assert status == 200, text
    return browser
