"""Mail goes to a real mail server, and each kind of failure is distinguished."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.notify.channel import DeliveryFailed, Letter
from server.notify.email.channel import EmailChannel
from server.notify.email.compose import Letterhead
from server.settings.settings import Smtp
from tests.fakes.smtp import Authority, FakeSmtp
from tests.server.notify.news import ended, escalated, opened

LETTERHEAD = Letterhead(
    sender="pushlog@acme.example",
    public_url="https://pushlog.acme.example",
    unsubscribe_url=lambda address: f"https://pushlog.acme.example/unsubscribe/{len(address)}",
)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def letter(key: str = "inc-1/opened/1/email/person-1") -> Letter:
    return Letter(key=key, receiver="ada@acme.example", incident_id="inc-1", news=opened())


def channel(smtp: Smtp, timeout_s: float = 20.0) -> EmailChannel:
    return EmailChannel(
        smtp, LETTERHEAD, timeout_s=timeout_s, now=lambda: datetime(2025, 3, 4, tzinfo=UTC)
    )


async def failure(smtp: Smtp, timeout_s: float = 20.0) -> DeliveryFailed:
    with pytest.raises(DeliveryFailed) as caught:
        await channel(smtp, timeout_s).send([letter()])
    return caught.value


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_mail_arrives_over_tls_and_with_a_login(
    authority: Authority, security: str
) -> None:
    async with FakeSmtp(
        security="starttls" if security == "starttls" else "tls",
        authority=authority,
        login=("ada", "s3cret"),
    ) as server:
        await channel(server.smtp()).send([letter()])
    assert server.recipients == ["ada@acme.example"]
    assert server.mails[0]["Subject"] == "Error in shop/production: ValueError: price is negative"


async def test_a_mail_arrives_without_tls_and_login_where_that_is_set() -> None:
    async with FakeSmtp() as server:
        await channel(server.smtp()).send([letter()])
    assert len(server.mails) == 1


async def test_the_mails_of_one_incident_are_one_thread() -> None:
    async with FakeSmtp() as server:
        carrier = channel(server.smtp())
        for news, key in ((opened(), "a"), (escalated(), "b"), (ended(), "c")):
            told = Letter(key=key, receiver="ada@acme.example", incident_id="inc-1", news=news)
            await carrier.send([told])
            await carrier.send([told])
    first, again, worse, _, over, _ = server.mails
    assert first["Message-ID"] == again["Message-ID"]
    assert first["In-Reply-To"] is None
    for later in (worse, over):
        assert later["In-Reply-To"] == first["Message-ID"]
        assert later["References"] == f"{first['References']} {first['Message-ID']}"
    assert over["Subject"] == f"Re: {first['Subject']}"
    assert worse["Subject"] == "Re: Critical in shop/production: ValueError: price is negative"
    assert len({mail["Message-ID"] for mail in server.mails}) == 3


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(authority: Authority) -> None:
    async with FakeSmtp(security="tls", authority=authority) as server:
        refused = await failure(server.smtp(ca_file=None))
    assert "certificate" in str(refused)
    assert "not trusted" in str(refused)
    assert not refused.permanent
    assert server.mails == []


async def test_a_certificate_for_another_name_is_not_accepted(tmp_path: Path) -> None:
    other = Authority(tmp_path, "mail.elsewhere.example")
    async with FakeSmtp(security="starttls", authority=other) as server:
        refused = await failure(server.smtp())
    assert "not trusted" in str(refused)
    assert "localhost" in str(refused)


async def test_a_wrong_password_is_told_and_tried_again(authority: Authority) -> None:
    async with FakeSmtp(
        security="starttls", authority=authority, login=("ada", "s3cret")
    ) as server:
        refused = await failure(server.smtp(password="wrong"))
    assert str(refused).startswith("the login of ada was refused: 535")
    assert "wrong" not in str(refused)
    assert not refused.permanent


async def test_a_server_without_starttls_gets_no_mail_in_clear_text() -> None:
    async with FakeSmtp() as server:
        refused = await failure(server.smtp(security="starttls"))
    assert "does not support" in str(refused)
    assert server.mails == []


async def test_a_receiver_that_is_not_there_is_given_up() -> None:
    async with FakeSmtp(to_recipient=["550 5.1.1 no such user"]) as server:
        refused = await failure(server.smtp())
    assert str(refused) == "the receiver ada@acme.example was refused: 550 5.1.1 no such user"
    assert refused.permanent


async def test_a_receiver_that_is_not_there_now_is_tried_again_and_then_given_up() -> None:
    answers = ["450 4.2.0 greylisted, come back later", "550 5.1.1 no such user"]
    async with FakeSmtp(to_recipient=answers) as server:
        later, never = await failure(server.smtp()), await failure(server.smtp())
        assert (later.permanent, never.permanent) == (False, True)
        await channel(server.smtp()).send([letter()])
    assert len(server.mails) == 1


async def test_a_mail_that_is_refused_itself_is_given_up_unless_the_answer_is_for_now() -> None:
    async with FakeSmtp(to_data=["451 4.3.0 try again", "554 5.7.1 spam"]) as server:
        later, never = await failure(server.smtp()), await failure(server.smtp())
    assert (later.permanent, never.permanent) == (False, True)
    assert str(never) == "the mail itself was refused: 554 5.7.1 spam"


async def test_a_sender_that_is_refused_can_be_mended_within_the_day() -> None:
    async with FakeSmtp(to_sender=["550 5.7.60 not allowed to send as this"]) as server:
        refused = await failure(server.smtp())
    assert str(refused).startswith("the sender pushlog@acme.example was refused: 550")
    assert not refused.permanent


async def test_a_server_that_hangs_costs_its_time_limit_and_no_more() -> None:
    async with FakeSmtp(hangs=True) as server:
        refused = await failure(server.smtp(), timeout_s=0.3)
    assert "did not answer within 0.3 s" in str(refused)
    assert not refused.permanent


async def test_nothing_that_listens_and_a_name_that_is_unknown_are_told_apart() -> None:
    async with FakeSmtp() as server:
        gone = server.smtp()
    assert "refused the connection" in str(await failure(gone))
    unknown = server.smtp(host="mail.invalid")
    assert "the name mail.invalid cannot be looked up" in str(await failure(unknown))


async def test_tls_where_the_server_speaks_none_is_said_so() -> None:
    async with FakeSmtp() as server:
        refused = await failure(server.smtp(security="tls"))
    assert "TLS could not be negotiated" in str(refused)


async def test_what_is_no_address_is_given_up() -> None:
    async with FakeSmtp() as server:
        bad = Letter(
            key="k", receiver="ada\r\nBcc: all@acme.example", incident_id=None, news=opened()
        )
        with pytest.raises(DeliveryFailed, match="is not a mail address") as caught:
            await channel(server.smtp()).send([bad])
    assert caught.value.permanent
    assert server.mails == []
