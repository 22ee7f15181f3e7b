"""The link in a mail ends the mails of its receiver, without signing in, and of nobody else."""

import os
from pathlib import Path

import aiohttp
from aiohttp import web

from server.keys import DATABASE, MAIL_KEY, SETTINGS
from server.notify.email.unsubscribing import token_for, unsubscribe_url
from server.storage.files.key_file import read_or_make_key
from server.storage.main import people
from server.storage.main.people import Person
from tests.processes import ServerProcess
from tests.server.web.conftest import Client
from tests.signed_in import wish

AFAR = {"Host": "pushlog.acme.example", "X-Forwarded-For": "203.0.113.9"}


async def operator_with_mail(app: web.Application) -> str:
    """The path of the operator's link, with incident mails on."""
    async with app[DATABASE].write() as tx:
        await wish(tx, min_severity="error", services=["shop"])
    key = app[MAIL_KEY]
    assert key is not None
    return unsubscribe_url("ada@acme.example", key, "")


async def operator(app: web.Application) -> Person:
    async with app[DATABASE].read() as tx:
        person = await people.get(tx, 1)
    assert person is not None
    return person


async def test_the_page_asks_and_changes_nothing(client: Client) -> None:
    path = await operator_with_mail(client.app)
    response = await client.get(path, headers=AFAR)
    page = await response.text()
    assert response.status == 200
    assert "a…@acme.example" in page
    assert "ada@acme.example" not in page
    assert (await operator(client.app)).email_incidents


async def test_one_click_of_a_mail_reader_ends_the_mails_and_only_them(client: Client) -> None:
    path = await operator_with_mail(client.app)
    before = await operator(client.app)
    for _ in range(2):
        body = {"List-Unsubscribe": "One-Click"}
        response = await client.post(path, data=body, headers=AFAR)
        assert response.status == 200
        assert "Unsubscribed" in await response.text()
    after = await operator(client.app)
    assert before.email_incidents
    assert not after.email_incidents
    assert (before.my_commits, after.my_commits) == ("email", "off")
    assert (after.email, after.min_severity, after.services) == (
        before.email,
        before.min_severity,
        before.services,
    )


async def test_one_click_ends_the_summaries_too(client: Client) -> None:
    path = await operator_with_mail(client.app)
    async with client.app[DATABASE].write() as tx:
        await wish(tx, email_incidents=False, my_commits="slack", summary="weekly")
    response = await client.get(path, headers=AFAR)
    assert "Unsubscribe?" in await response.text()
    response = await client.post(path, headers=AFAR)
    assert response.status == 200
    after = await operator(client.app)
    assert (after.summary, after.my_commits) == ("off", "slack")
    response = await client.get(path, headers=AFAR)
    assert "Unsubscribed" in await response.text()


async def test_a_link_that_was_made_up_or_of_an_address_of_before_ends_nothing(
    client: Client,
) -> None:
    await operator_with_mail(client.app)
    key = read_or_make_key(client.app[SETTINGS].mail_key_path)
    for token in ("0" * 40, token_for("bob@acme.example", key), token_for("ada@acme.example", b"")):
        for answer in (client.get, client.post):
            response = await answer(f"/unsubscribe/{token}", headers=AFAR)
            assert response.status == 404
    assert (await operator(client.app)).email_incidents


async def test_the_key_is_for_the_eyes_of_its_owner_and_stays(client: Client) -> None:
    path = client.app[SETTINGS].mail_key_path
    key = read_or_make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_or_make_key(path) == key
    assert len(key) == 32


async def test_who_asks_a_server_without_mail_makes_no_key(
    server: ServerProcess, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    for ask in (http.get, http.post):
        response = await ask(f"{server.url}/unsubscribe/{'0' * 40}", headers=AFAR)
        assert response.status == 404
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".key")]
