"""The ways in: the first account, an invitation, a password, and a new one by mail."""

import re
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiohttp import hdrs
from pytest_aiohttp import AiohttpClient
from yarl import URL

from server.keys import DATABASE, FIRST_CODE
from server.storage.main import accounts
from server.web.accounts.sign_in import own_address
from tests import mails
from tests.fakes.smtp import FakeSmtp
from tests.server.web.accounts.conftest import PASSWORD, Invite, Visit, Visitor
from tests.server.web.conftest import SIGNED_IN, Client, build

WHO = {"name": "Eve", "email": "eve@example.org", "password": PASSWORD}


async def test_a_new_installation_leads_to_the_first_account(visit: Visit, code: str) -> None:
    status, text = await visit().get("/")
    assert status == 200
    assert "first account" in text.lower()
    assert code not in text


async def test_the_code_of_the_log_makes_an_admin_who_is_in(ada: Visitor) -> None:
    assert await ada.inside()
    _, text = await ada.get("/settings/people")
    assert "ada@example.org" in text
    assert "Invite someone" in text


@pytest.mark.parametrize("typed", ["", "AAAA-AAAA-AAAA", "ü"])
async def test_a_wrong_code_makes_nothing_and_keeps_what_was_typed(
    visit: Visit, code: str, typed: str
) -> None:
    browser = visit()
    status, text = await browser.post("/first-account", code=typed, **WHO)
    assert (status, await browser.inside()) == (403, False)
    assert "not the code in the log" in text
    assert 'value="eve@example.org"' in text
    assert PASSWORD not in text


async def test_the_code_may_be_typed_as_people_type(visit: Visit, code: str) -> None:
    status, _ = await visit().post(
        "/first-account", code=f" {code.lower().replace('-', ' ')} ", **WHO
    )
    assert status == 200


async def test_the_code_is_worth_nothing_once_there_is_an_account(
    ada: Visitor, visit: Visit, code: str
) -> None:
    browser = visit()
    _, text = await browser.post("/first-account", code=code, **WHO)
    assert not await browser.inside()
    assert "not the code" in text


async def test_a_code_that_is_guessed_is_waited_for(
    visit: Visit, code: str, client: Client
) -> None:
    browser = visit()
    statuses = [(await browser.post("/first-account", code="AAAA", **WHO))[0] for _ in range(11)]
    assert statuses == [403] * 10 + [429]
    assert (await browser.post("/first-account", code=code, **WHO))[0] == 429
    assert client.app[FIRST_CODE].code == code


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "short"}, "at least 10 characters"),
        ({"password": "x" * 201}, "at most 200 characters"),
        ({"password": "aaaaaaaaaaaa"}, "too easy to guess"),
        ({"password": "password1234"}, "This is a very common password."),
        ({"password": "pushlogpushlog"}, "too easy to guess"),
        ({"password": "eve@example.org"}, "too easy to guess"),
        ({"email": "eve"}, "mail address"),
        ({"email": "eve@example.org\r\nBcc: all@example.org"}, "mail address"),
        ({"name": ""}, "`name` must have"),
        ({"name": "\x1b[31m"}, "`name` must have"),
        ({"name": "e" * 101}, "`name` must have"),
    ],
)
async def test_details_that_will_not_do_are_named(
    visit: Visit, code: str, changes: dict[str, str], words: str
) -> None:
    status, text = await visit().post("/first-account", code=code, **(WHO | changes))
    assert status == 400
    assert words in text


async def test_who_has_a_password_signs_in_and_out(ada: Visitor, visit: Visit) -> None:
    browser = visit()
    status, text = await browser.sign_in("ADA@example.org")
    assert (status, await browser.inside()) == (200, True)
    _, text = await browser.post("/logout")
    assert "You are signed out." in text
    assert not await browser.inside()
    assert await ada.inside()


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada@example.org", "correct horse batterY"),
        ("ada@example.org", ""),
        ("nobody@example.org", PASSWORD),
        ("", ""),
        ("ada@example.org\x00", PASSWORD),
    ],
)
async def test_a_failure_does_not_tell_who_has_an_account(
    ada: Visitor, visit: Visit, email: str, password: str
) -> None:
    browser = visit()
    status, text = await browser.sign_in(email, password)
    assert (status, await browser.inside()) == (403, False)
    assert "Wrong mail address or password." in text


async def test_guessing_is_slowed_down_and_keeps_nobody_else_out(
    ada: Visitor, visit: Visit
) -> None:
    browser = visit()
    statuses = [(await browser.sign_in("bob@example.org", "guess"))[0] for _ in range(11)]
    assert statuses == [403] * 10 + [429]
    assert (await browser.sign_in("ada@example.org"))[0] == 200


async def test_who_gets_it_right_may_get_it_wrong_again(ada: Visitor, visit: Visit) -> None:
    browser = visit()
    for _ in range(2):
        for _ in range(9):
            assert (await browser.sign_in("ada@example.org", "guess"))[0] == 403
        assert (await browser.sign_in("ada@example.org"))[0] == 200


@pytest.mark.parametrize(("trusted", "last"), [("127.0.0.1", 403), ("192.0.2.1", 429), ("", 429)])
async def test_addresses_are_counted_apart_behind_a_proxy_that_is_trusted(
    tmp_path: Path, aiohttp_client: AiohttpClient, trusted: str, last: int
) -> None:
    app = build(tmp_path, environ={"TRUSTED_PROXIES": trusted})
    browser = Visitor(await aiohttp_client(app))
    form = {"email": "ada@example.org", "password": "guess"}
    statuses = []
    for number in range(11):
        headers = {"X-Forwarded-For": f"203.0.113.{number}"}
        statuses.append((await browser.ask("POST", "/login", data=form, headers=headers))[0])
    await browser.close()
    assert statuses == [403] * 10 + [last]


async def test_one_sender_has_many_addresses_of_ipv6(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    app = build(tmp_path, environ={"TRUSTED_PROXIES": "127.0.0.1"})
    browser = Visitor(await aiohttp_client(app))
    form = {"email": "ada@example.org", "password": "guess"}

    async def guess(address: str) -> int:
        headers = {"X-Forwarded-For": address}
        return (await browser.ask("POST", "/login", data=form, headers=headers))[0]

    statuses = [await guess(f"2001:db8:0:1::{number}") for number in range(11)]
    assert statuses == [403] * 10 + [429]
    assert await guess("2001:db8:0:2::1") == 403
    await browser.close()


@pytest.mark.parametrize(
    ("asked", "address"),
    [
        ("/incidents/inc-1?x=1", "/incidents/inc-1?x=1"),
        ("", "/incidents"),
        ("https://evil.example/", "/incidents"),
        ("//evil.example/", "/incidents"),
        ("/\\evil.example/", "/incidents"),
        ("/\t/evil.example", "/incidents"),
        ("javascript:alert(1)", "/incidents"),
        ("/login?next=/login", "/incidents"),
        ("//[", "/incidents"),
    ],
)
def test_a_sign_in_leads_nowhere_but_to_our_pages(asked: str, address: str) -> None:
    assert own_address(asked) == address


async def test_an_invitation_works_once_for_its_address(
    invite: Invite, visit: Visit, client: Client
) -> None:
    link = await invite("bob@example.org")
    browser = visit()
    _, text = await browser.get(link)
    assert "bob@example.org" in text
    await browser.post(link, name="Bob", email="mallory@example.org", password=PASSWORD)
    assert await browser.inside()
    async with client.app[DATABASE].read() as tx:
        bob = await accounts.by_email(tx, "bob@example.org")
    assert bob is not None
    assert bob.role == "member"
    status, text = await visit().post(link, name="Mallory", password=PASSWORD)
    assert status == 404
    assert "was used" in text


async def test_a_mistake_uses_no_invitation_up(invite: Invite, visit: Visit) -> None:
    link = await invite("bob@example.org", "admin")
    browser = visit()
    status, text = await browser.post(link, name="Bob", password="short")
    assert status == 400
    assert 'value="Bob"' in text
    status, _ = await browser.post(link, name="Bob", password=PASSWORD)
    assert status == 200


async def test_an_invitation_can_be_taken_back(ada: Visitor, invite: Invite, visit: Visit) -> None:
    link = await invite("bob@example.org")
    _, text = await ada.get("/settings/people")
    found = re.search(r"/settings/people/invitations/\d+/remove", text)
    assert found is not None
    await ada.post(found[0])
    assert (await visit().get(link))[0] == 404


async def test_a_second_invitation_ends_the_first(invite: Invite, visit: Visit) -> None:
    first, second = await invite("bob@example.org"), await invite("bob@example.org")
    assert (await visit().get(first))[0] == 404
    assert (await visit().get(second))[0] == 200


async def test_who_has_an_account_is_not_invited(ada: Visitor) -> None:
    status, text = await ada.post("/settings/people/invitations", email="ADA@example.org")
    assert status == 409
    assert "already has an account" in text


def reset_link(mail: EmailMessage) -> str:
    link = re.search(r"http://\S+/reset/[\w-]+", mails.text(mail))
    assert link is not None
    return URL(link[0]).path


@pytest.fixture
async def with_mail(
    tmp_path: Path, aiohttp_client: AiohttpClient
) -> AsyncIterator[tuple[FakeSmtp, Client, Visitor]]:
    """A server that can send mail, and Eve, who made the first account there."""
    async with FakeSmtp() as smtp:
        given = smtp.smtp()
        environ = {
            "SMTP_HOST": given.host,
            "SMTP_PORT": str(given.port),
            "SMTP_FROM": given.sender,
            "SMTP_SECURITY": "none",
        }
        client = await aiohttp_client(build(tmp_path, environ=environ), cookies=SIGNED_IN)
        client.app[FIRST_CODE].offer()
        eve = Visitor(client)
        try:
            await eve.post("/first-account", code=client.app[FIRST_CODE].code or "", **WHO)
            yield smtp, client, eve
        finally:
            await eve.close()


async def test_a_forgotten_password_is_set_anew_by_mail(
    with_mail: tuple[FakeSmtp, Client, Visitor],
) -> None:
    smtp, client, eve = with_mail
    forgetful = Visitor(client)
    try:
        _, text = await forgetful.post("/forgotten", email="Eve@example.org")
        assert "a mail with a link is on its way" in text
        link = reset_link(await smtp.wait_for("password"))
        assert (await forgetful.get(link))[0] == 200
        assert (await forgetful.post(link, password="short"))[0] == 400
        _, text = await forgetful.post(link, password="another horse battery")
        assert "Your new password is set" in text
        assert not await eve.inside()
        assert (await forgetful.sign_in("eve@example.org"))[0] == 403
        assert (await forgetful.sign_in("eve@example.org", "another horse battery"))[0] == 200
        assert (await forgetful.get(link))[0] == 404
        # Their session ended with the old password.
        _, text = await eve.post("/forgotten", email="nobody@example.org")
        assert "a mail with a link is on its way" in text
        assert len(smtp.mails) == 1
    finally:
        await forgetful.close()


async def test_an_invitation_by_mail_says_who_invites(
    with_mail: tuple[FakeSmtp, Client, Visitor],
) -> None:
    smtp, _, eve = with_mail
    await eve.post("/settings/people/invitations", email="bob@example.org", role="member")
    mail = await smtp.wait_for("invite")
    assert mail["To"] == "bob@example.org"
    assert "Eve invites you" in mails.text(mail)


async def test_without_a_mail_server_the_page_says_who_can_help(visit: Visit) -> None:
    for _, text in (await visit().get("/forgotten"), await visit().post("/forgotten", email="x")):
        assert "scripts/people reset" in text


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(
    ada: Visitor, client: Client
) -> None:
    client.session.cookie_jar.clear()
    form = {"email": "ada@example.org", "password": PASSWORD}
    response = await client.post("/login", data=form, allow_redirects=False)
    cookie = response.headers[hdrs.SET_COOKIE]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
