"""What a mail says and how: pure, so that any event text can be tried."""

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from server.notify import news as kinds
from server.notify.channel import Letter
from server.notify.email.compose import Letterhead, NotAnAddress, compose
from server.notify.news import CrashNews, News
from shared.event import Frame
from shared.incident import SuspectCommit, Symptom
from tests.builders import at, commit, frame
from tests.mails import html, text
from tests.server.notify.letters import LETTERHEAD, NOW, PUBLIC_URL, letter
from tests.server.notify.news import ended, escalated, opened, push_news, trouble_news, verdict_news

CRASH = CrashNews(
    at=at(0),
    error_type="RuntimeError",
    message="the worker ended",
    traceback='Traceback (most recent call last):\n  File "/srv/post.py", line 1, in run\n',
)
PUSH = ["Push of 1 commit to main by ada", "acme/shop", "a1b2c3d4", "Round prices", "Grace Hopper"]


def mail(*news: News, letterhead: Letterhead = LETTERHEAD) -> EmailMessage:
    """The mail as it comes out of the mail server."""
    letters = [letter(each, f"key-{number}") for number, each in enumerate(news)]
    sent = bytes(compose(letters, letterhead, NOW))
    return message_from_bytes(sent, policy=default)


RICH: dict[str, Any] = {
    "trigger": "spike",
    "api_route": "POST /api/checkout",
    "request_url": "https://shop.example/checkout?session=abc123&cart=17",
    "recommended_first_actions": ["Look at a1b2c3d4"],
    "stacktrace": [
        frame("requests/adapters.py", "send", 519, in_app=False),
        frame("shop/pay.py", "charge", 88),
    ],
}


def test_a_mail_says_all_that_one_needs_to_act() -> None:
    news = opened(**RICH)
    news.why = "41 events within 2 min, 10.2 times the usual 4."
    message = mail(news)
    for form in (text(message), html(message)):
        for part in (
            "New incident",
            "ValueError: price is negative",
            "Error message",
            "41 events within 2 min, 10.2 times the usual 4",
            "POST /api/checkout",
            "shop/pay.py",
            "charge",
            "88",
            "Look at a1b2c3d4",
            "80 % confidence",
            "Ada",
            "changes total in shop/cart.py",
            "https://sentry.example/issues/1/",
            f"{PUBLIC_URL}/incidents/inc-0000000000000001",
            f"{PUBLIC_URL}/unsubscribe/",
        ):
            assert part.lower() in form.lower()


def test_incidents_with_one_title_are_two_conversations() -> None:
    letters = [
        Letter(key=each, receiver="ada@acme.example", incident_id=each, news=opened())
        for each in ("inc-1", "inc-2")
    ]
    one, other = (compose([each], LETTERHEAD, NOW) for each in letters)
    assert one["Subject"] == other["Subject"]
    # Without it, mail programs go by the subject.
    assert one["References"]
    assert one["References"] != other["References"]


# Each of them lost a blank, or had an empty encoded word, as Python folds headers.
FOLDED = [
    "réseau a délai client total dépassé montant après réseau répondu",
    "cannot export invoice for Łódź où",
    "x" * 60 + " é " + "y" * 60 + " ü",
    "данные заказа не сохранены: сервер базы данных не отвечает уже две минуты",
    "注文の合計が負です。在庫を確認してください。注文番号とお客様の名前を確認してください。",
]


@pytest.mark.parametrize("message", FOLDED)
def test_a_subject_reads_as_it_was_written(message: str) -> None:
    assert_subject_is_read(message)


@given(st.text(st.sampled_from("aé ü本🎁.,:-_?="), max_size=120))
def test_any_subject_reads_as_it_was_written(message: str) -> None:
    assert_subject_is_read(message)


def assert_subject_is_read(message: str) -> None:
    made = compose([letter(opened(title=message))], LETTERHEAD, NOW)
    (raw,) = re.findall(rb"(?ms)^Subject: (.*?)\r\n(?! )", bytes(made))
    assert all(len(line) <= 76 for line in b"Subject: ".join([b"", raw]).split(b"\r\n"))
    assert b"?utf-8?q??=" not in raw.lower()
    assert b"?utf-8?b??=" not in raw.lower()
    read = str(make_header(decode_header(raw.decode())))
    assert read == str(made["Subject"])
    assert message_from_bytes(bytes(made), policy=default)["Subject"] == made["Subject"]


def test_our_own_code_comes_first_in_the_stack_trace_and_says_where() -> None:
    said = text(mail(opened(**RICH)))
    trace = said.partition("Stack trace")[2]
    assert trace.index("charge") < trace.index("In libraries:") < trace.index("send")
    assert "File:         shop/pay.py" in said


@pytest.mark.parametrize(("frames", "left_out"), [(20, 0), (21, 1), (30, 10)])
def test_of_a_long_stack_trace_the_mail_says_how_much_it_leaves_out(
    frames: int, left_out: int
) -> None:
    trace = [frame(function=f"f{number}") for number in range(frames)]
    said = text(mail(opened(stacktrace=trace)))
    assert f"f{frames - left_out - 1}" in said
    assert ("more on the incident page" in said) is bool(left_out)
    assert not left_out or f"and {left_out} more on the incident page." in said


def test_what_follows_says_at_once_what_has_changed() -> None:
    assert text(mail(escalated())).startswith("GOT WORSE: critical / shop / production")
    over = text(mail(ended()))
    assert over.startswith("ENDED: shop / production")
    assert "The rate is back at its usual" in over
    assert "1 h" in over


@pytest.mark.parametrize(
    ("news", "parts"),
    [
        (push_news(commits=[commit(author="Grace Hopper")]), PUSH),
        (verdict_news(), ["faulty", "2 issues that were never seen before"]),
        (CRASH, ["PushLog itself failed", "Error message", "the worker ended", "/srv/post.py"]),
        (
            trouble_news(),
            ["PushLog needs help", "Mails are not delivered", "no", "What to do", "Correct the"],
        ),
        (trouble_news(over=True), ["PushLog is well again", "What was wrong", "1 h"]),
        (kinds.TestNews(at(0)), ["Mail from PushLog arrives here", "4 Mar 2025"]),
    ],
    ids=["push", "verdict", "crash", "trouble", "trouble over", "test"],
)
def test_every_kind_of_news_can_be_mailed(news: News, parts: list[str]) -> None:
    message = mail(news)
    for form in (text(message), html(message)):
        assert all(part.lower() in form.lower() for part in parts)


def test_a_digest_leaves_no_incident_out_and_tells_the_worst_first() -> None:
    count = 60
    news: list[News] = [opened(number, title=f"E{number}") for number in range(1, count + 1)]
    message = mail(*news, escalated(7), ended(8), CRASH)
    said = text(message)
    for number in range(1, count + 1):
        assert said.count(f"/incidents/inc-{number:016x}\n") == 1
    assert message["Subject"] == "[PushLog] 60 incidents in shop, and 1 more"
    assert "60 opened, 1 got worse, 1 ended" in said
    assert "This error has never been seen before in production.\n" in said
    assert said.index(f"inc-{7:016x}") < said.index(f"inc-{1:016x}")
    assert re.search(rf"\(ended, 1 event\)\n *{PUBLIC_URL}/incidents/inc-{8:016x}\n", said)
    assert "RuntimeError: the worker ended" in said


@pytest.mark.parametrize("count", [10, 11])
def test_a_digest_describes_ten_incidents_in_full(count: int) -> None:
    news: list[News] = [opened(number, message=f"m{number}") for number in range(1, count + 1)]
    said = text(mail(*news))
    assert said.count("This error has never been seen before in production.") == 10


def test_a_digest_of_500_incidents_is_short_enough_to_be_read_whole() -> None:
    services = [f"service-{number % 7}" for number in range(1, 501)]
    news: list[News] = [
        opened(number, service=service, message=f"{number} failed: {'x' * 400}")
        for number, service in enumerate(services, 1)
    ]
    message = mail(*news, ended(7, service=services[6]))
    # Gmail cuts off HTML over 102 kB.
    assert len(html(message).encode()) < 102_000
    for form in (text(message), html(message)):
        assert all(f"/incidents/inc-{number:016x}" in form for number in range(1, 501))
    assert "more in service-3 in production" in text(message)


def test_the_same_letters_have_the_same_id_and_others_another() -> None:
    ids = [
        str(compose([letter(CRASH, key)], LETTERHEAD, NOW)["Message-ID"]) for key in ("a", "a", "b")
    ]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0].endswith("@acme.example>")


def test_two_people_are_told_of_one_incident_in_threads_of_their_own() -> None:
    ids = set()
    for receiver in ("ada@acme.example", "bob@acme.example"):
        told = Letter(key=receiver, receiver=receiver, incident_id="inc-1", news=opened())
        ids.add(str(compose([told], LETTERHEAD, NOW)["Message-ID"]))
    assert len(ids) == 2


def test_a_click_to_unsubscribe_is_promised_only_where_https_keeps_it() -> None:
    message = mail(opened())
    assert message["List-Unsubscribe"] == f"<{PUBLIC_URL}/unsubscribe/{'5' * 40}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    plain = Letterhead(
        sender="pushlog@acme.example",
        public_url="http://localhost:3000",
        unsubscribe_url=lambda _: "http://localhost:3000/unsubscribe/5",
    )
    message = mail(opened(), letterhead=plain)
    assert message["List-Unsubscribe"] == "<http://localhost:3000/unsubscribe/5>"
    assert message["List-Unsubscribe-Post"] is None


def test_a_test_mail_has_nothing_to_unsubscribe_from() -> None:
    message = mail(kinds.TestNews(at(0)))
    assert message["List-Unsubscribe"] is None
    assert "unsubscribe" not in html(message)


def test_only_links_to_the_web_become_links() -> None:
    evil = "javascript:alert(document.domain)"
    commit = SuspectCommit("a1b2c3d4", 0.9, 0.8, [], "Ada", "Round", url=evil)
    message = mail(opened(links={"source_url": evil}, suspected_causes=[commit]))
    assert "javascript:" not in html(message)
    assert "javascript:" not in text(message)


def test_markup_in_an_event_stays_text() -> None:
    message = mail(opened(title="<img src=x>", message="</pre><script>alert(1)</script>"))
    assert "<script>" not in html(message)
    assert "<img" not in html(message)
    assert "</pre><script>" in text(message)


def test_secrets_in_an_event_are_masked_in_every_part() -> None:
    secret = "hunter2hunter2"
    message = mail(
        opened(
            title=f"Login failed: password={secret}",
            message=f"Authorization: Bearer {secret}",
            request_url=f"https://ada:{secret}@shop.example/pay?token={secret}#{secret}",
            recommended_first_actions=[f"curl -H 'X-Api-Key: {secret}'"],
        )
    )
    assert secret not in "".join(f"{name}: {value}" for name, value in message.items())
    assert secret not in text(message)
    assert secret not in html(message)
    assert "https://shop.example/pay?token=***" in text(message)


@pytest.mark.parametrize(
    "receiver",
    [
        "",
        "ada",
        "@acme.example",
        "ada@",
        "a@b\nBcc: c@d",
        "a@b, c@d",
        "ada@acme.example\r\n",
        "a b@c",
    ],
)
def test_no_mail_is_made_for_what_is_no_address(receiver: str) -> None:
    told = Letter(key="k", receiver=receiver, incident_id=None, news=CRASH)
    with pytest.raises(NotAnAddress):
        compose([told], LETTERHEAD, NOW)


anything = st.text(min_size=1, max_size=300)
nasty = st.one_of(
    anything,
    st.sampled_from(
        [
            "x\r\nBcc: everybody@acme.example",
            "x\n\n<html>",
            "=?utf-8?q?=0D=0ABcc:_a?=",
            "\u202emoc.elpmaxe",
            "\x00\x1b[31m",
            "\u2028\u2029\x85\x0b\x0c",
            "é" * 300,
            "💥" * 200,
            "W" * 300,
            ".\r\n.",
            "From someone",
            "--=_boundary",
        ]
    ),
)
FORBIDDEN = {chr(number) for number in (*range(32), 127, 0x85, 0x2028, 0x2029, 0x202E)}
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "MIME-Version",
    "Content-Type",
]


@settings(max_examples=40, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    title=nasty, message=nasty, service=nasty, name=nasty, url=nasty, tag=nasty, why=nasty,
    is_escalated=st.booleans(),
)  # fmt: skip
def test_any_event_text_makes_a_whole_mail_with_just_the_headers_that_are_meant(
    title: str, message: str, service: str, name: str, url: str, tag: str, why: str,
    is_escalated: bool,
) -> None:  # fmt: skip
    news = (escalated if is_escalated else opened)(
        title=title,
        message=message,
        service=service,
        environment=name,
        exception_type=tag,
        request_url=url,
        api_route=name,
        links={"source_url": url},
        stacktrace=[Frame(file=name, function=tag, line=1)],
        top_symptoms=[Symptom("1", tag, message, 3), Symptom("2", name, title, 4)],
        suspected_causes=[SuspectCommit(name, 1, 0.5, [message], tag, title, url)],
        recommended_first_actions=[message],
    )
    news.why = why
    made = compose([letter(news)], LETTERHEAD, NOW)
    sent = bytes(made)
    assert all(len(line) <= 998 for line in sent.split(b"\r\n"))
    assert sent.isascii()
    read = message_from_bytes(sent, policy=default)
    answers = ["In-Reply-To", "References"] if is_escalated else ["References"]
    wanted = [*HEADERS[:5], *answers, *HEADERS[5:]]
    assert read.keys() == wanted
    assert not read.defects
    assert [part.get_content_type() for part in read.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert read["To"] == "ada@acme.example"
    assert set(str(read["Subject"])) & FORBIDDEN == set()
    for part in read.walk():
        assert not part.defects
    assert set(text(read)) & (FORBIDDEN - {"\n"}) == set()
    assert f"{PUBLIC_URL}/incidents/inc-0000000000000001" in html(read)
