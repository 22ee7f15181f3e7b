"""One's own account, sessions and tokens, and the people."""

import re
from typing import Any

import msgspec
import pytest
from aiohttp import hdrs

from server.keys import LIVE
from server.web.api import stream as stream_module
from tests.server.web.accounts.conftest import PASSWORD, Visit, Visitor
from tests.server.web.conftest import Client
from tests.signed_in import OPERATOR
from tests.waiting import LIMIT_S, limit


async def api(visitor: Visitor, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    status, text = await visitor.ask(method, path, json=body)
    return status, msgspec.json.decode(text)


async def test_the_account_says_who_one_is_and_takes_a_new_name(ada: Visitor) -> None:
    status, answer = await api(ada, "PUT", "/api/account", {"name": " Ada  Lovelace "})
    assert (status, answer["name"]) == (200, "Ada Lovelace")
    _, text = await ada.post("/settings/account/name", name="Countess")
    assert "Saved." in text
    _, answer = await api(ada, "GET", "/api/account")
    assert answer == {
        "id": OPERATOR,
        "name": "Countess",
        "email": "ada@example.org",
        "role": "admin",
    }


async def test_a_new_password_needs_the_old_one_and_ends_other_sessions(
    ada: Visitor, visit: Visit
) -> None:
    other = visit()
    await other.sign_in("ada@example.org")
    form = {"current": "wrong", "new": "another horse battery"}
    status, text = await ada.post("/settings/account/password", **form)
    assert (status, await other.inside()) == (403, True)
    assert "The current password is wrong." in text
    _, text = await ada.post("/settings/account/password", **(form | {"current": PASSWORD}))
    assert "your other sessions have ended" in text
    assert await ada.inside()
    assert not await other.inside()
    assert (await other.sign_in("ada@example.org"))[0] == 403
    assert (await other.sign_in("ada@example.org", "another horse battery"))[0] == 200


async def test_sessions_are_listed_and_ended(ada: Visitor, visit: Visit) -> None:
    other = visit()
    await other.ask(
        "POST",
        "/login",
        data={"email": "ada@example.org", "password": PASSWORD},
        headers={hdrs.USER_AGENT: "Netscape <4>"},
    )
    _, text = await ada.get("/settings/account")
    assert "Netscape &lt;4&gt;" in text
    assert "this browser" in text
    _, answer = await api(ada, "GET", "/api/account/sessions")
    (ended,) = [each["id"] for each in answer["sessions"] if "Netscape" in each["agent"]]
    assert ended != answer["current"]
    await ada.post(f"/settings/account/sessions/{ended}/end")
    assert not await other.inside()
    assert (await api(ada, "DELETE", f"/api/account/sessions/{ended}"))[0] == 404


async def test_nobody_ends_a_session_of_somebody_else(ada: Visitor, bob: Visitor) -> None:
    _, answer = await api(ada, "GET", "/api/account/sessions")
    status, _ = await api(bob, "DELETE", f"/api/account/sessions/{answer['current']}")
    assert (status, await ada.inside()) == (404, True)


async def test_a_token_is_shown_once_works_and_is_revoked(ada: Visitor, visit: Visit) -> None:
    _, text = await ada.post("/settings/account/tokens", name="deploy script")
    token = re.search(r"pushlog_[\w-]{43}", text)
    assert token is not None
    as_program = {hdrs.AUTHORIZATION: f"Bearer {token[0]}"}
    program = visit()
    assert (await program.get("/api/account", headers=as_program))[0] == 200
    _, text = await ada.get("/settings/account")
    assert token[0] not in text
    assert token[0][-4:] in text
    _, answer = await api(ada, "GET", "/api/account/tokens")
    (made,) = [each for each in answer["tokens"] if each["name"] == "deploy script"]
    await ada.post(f"/settings/account/tokens/{made['id']}/revoke")
    assert (await program.get("/api/account", headers=as_program))[0] == 401


async def test_a_token_of_the_page_only_reads_unless_more_is_asked_for(ada: Visitor) -> None:
    await ada.post("/settings/account/tokens", name="graphs")
    await ada.post("/settings/account/tokens", name="robot", scope="write")
    await ada.post("/settings/account/tokens", name="odd", scope="root")
    _, answer = await api(ada, "GET", "/api/account/tokens")
    scopes = {each["name"]: each["scope"] for each in answer["tokens"]}
    assert (scopes["graphs"], scopes["robot"], scopes["odd"]) == ("read", "write", "read")


async def test_a_person_has_at_most_fifty_tokens(ada: Visitor) -> None:
    _, before = await api(ada, "GET", "/api/account/tokens")
    for number in range(len(before["tokens"]), 50):
        assert (await api(ada, "POST", "/api/account/tokens", {"name": f"t{number}"}))[0] == 201
    status, answer = await api(ada, "POST", "/api/account/tokens", {"name": "one more"})
    assert status == 409
    assert answer["error"] == "You have 50 tokens. Revoke one first."


async def test_a_token_needs_a_name(ada: Visitor) -> None:
    status, text = await ada.post("/settings/account/tokens", name="")
    assert status == 400
    assert "what the token is for" in text


async def test_a_member_sees_who_is_here_and_changes_nobody(ada: Visitor, bob: Visitor) -> None:
    _, text = await bob.get("/settings/people")
    assert "ada@example.org" in text
    assert "Invite someone" not in text
    status, _ = await bob.post("/settings/people/1", remove="on")
    assert (status, await ada.inside()) == (403, True)


async def test_who_is_made_an_admin_may_invite_and_who_is_removed_is_out(
    ada: Visitor, bob: Visitor
) -> None:
    _, answer = await api(bob, "GET", "/api/account")
    await ada.post(f"/settings/people/{answer['id']}", role="admin")
    status, invited = await api(
        bob, "POST", "/api/people/invitations", {"email": "eve@example.org"}
    )
    assert status == 201
    assert "/invitation/" in invited["link"]
    assert invited["mailed"] is False
    _, text = await ada.post(f"/settings/people/{answer['id']}", remove="on")
    assert "The account is removed" in text
    assert not await bob.inside()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/api/people/1", {"role": "member"}),
        ("DELETE", "/api/people/1", None),
    ],
)
async def test_the_last_admin_stays(
    ada: Visitor, bob: Visitor, method: str, path: str, body: Any
) -> None:
    status, answer = await api(ada, method, path, body)
    assert status == 409
    assert "last admin" in answer["error"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": "eve@example.org", "role": "king"}, 400),
        ({"email": "eve"}, 400),
        ({}, 400),
        ([], 400),
        ({"email": "eve@example.org", "rank": 1}, 400),
    ],
)
async def test_an_invitation_that_makes_no_sense_is_refused(
    ada: Visitor, body: Any, status: int
) -> None:
    assert (await api(ada, "POST", "/api/people/invitations", body))[0] == status


async def test_each_person_has_a_bell_and_wishes_of_their_own(ada: Visitor, bob: Visitor) -> None:
    _, answer = await api(bob, "PUT", "/api/settings/notifications", {"min_severity": "critical"})
    assert answer["email"] == "bob@example.org"
    assert answer["email_incidents"] is True
    _, answer = await api(ada, "GET", "/api/settings/notifications")
    assert (answer["name"], answer["min_severity"]) == ("Ada", "all")


async def test_who_signs_in_keeps_a_mail_address(ada: Visitor) -> None:
    status, answer = await api(ada, "PUT", "/api/settings/notifications", {"email": None})
    assert status == 400
    assert "sign in" in answer["error"]


async def test_a_stream_ends_with_the_session(
    ada: Visitor, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It ends when there is news, not at the next check.
    monkeypatch.setattr(stream_module, "KEEP_ALIVE_S", 10 * LIMIT_S)
    form = {"email": "ada@example.org", "password": PASSWORD}
    client.session.cookie_jar.clear()
    await client.post("/login", data=form)
    async with (
        limit(),
        client.get("/api/notifications/stream") as response,
    ):
        assert await response.content.readuntil(b"\r\n\r\n")
        await client.post("/logout")
        client.app[LIVE].publish(OPERATOR)
        await response.read()


async def test_nobody_takes_the_mail_address_of_another(ada: Visitor, bob: Visitor) -> None:
    for address in ("ada@example.org", "ADA@example.org"):
        status, answer = await api(bob, "PUT", "/api/settings/notifications", {"email": address})
        assert status == 409, answer
    _, answer = await api(bob, "GET", "/api/settings/notifications")
    assert answer["email"] == "bob@example.org"
    status, _ = await api(bob, "PUT", "/api/settings/notifications", {"email": "b@example.org"})
    assert status == 200
