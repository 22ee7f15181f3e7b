"""Whatever an event says, Slack shows it and obeys none of it, within its limits."""

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.notify.channel import Letter
from server.notify.masking import printable
from server.notify.news import IncidentNews, News, NewsChange, SuspectNews
from server.notify.slack.blocks import render, render_digest, reply_to
from server.notify.slack.text import code, escaped, link, plain
from server.storage.main.fixes import Fix, NamedCommit
from shared.incident import SuspectCommit, Symptom
from tests.builders import at, commit, frame
from tests.fakes.slack import fault_of
from tests.server.notify.news import incident, opened, push_news, verdict_news

URL = "https://pushlog.example"
nasty = st.text(
    alphabet=st.sampled_from("<>&|`*_~!@# \n\r\t\0aä漢🙂%\"'"), max_size=4000
) | st.sampled_from(["<!channel> & <https://evil|x>" * 300, "&" * 5000, "```" * 2000])


@given(nasty, st.integers(1, 200))
def test_escaping_keeps_the_limit_and_cuts_no_entity(text: str, limit: int) -> None:
    shown = escaped(text, limit)
    assert len(shown) <= limit
    assert not re.search("[<>]", shown)
    assert not re.search("&(?!(?:amp|lt|gt);)", shown)
    if not shown.endswith("…"):
        whole = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        assert whole == printable(text)


def test_what_just_fits_is_not_cut() -> None:
    for cut in (plain, escaped):
        assert (cut("x" * 10, 10), cut("x" * 11, 10)) == ("x" * 10, "x" * 9 + "…")


@given(nasty)
def test_nothing_ends_a_block_of_code_before_its_end(text: str) -> None:
    shown = code(text, 500)
    assert len(shown) <= 500
    assert "```" not in shown[3:-3]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.example/?a=1&b=2", "<https://a.example/?a=1&amp;b=2|x>"),
        ("https://a.example/|<x>", "<https://a.example/%7C%3Cx%3E|x>"),
        ("javascript:alert(1)", "x"),
        ("https://[", "x"),
        ("https://a.example/" + "ä" * 400, "x"),
        (None, "x"),
    ],
)
def test_only_addresses_of_the_web_become_links(url: str | None, shown: str) -> None:
    assert link(url, "x", 10) == shown


@st.composite
def odd_news(draw: st.DrawFn) -> list[News]:
    text = draw(nasty)
    kind = draw(st.sampled_from(["incident", "push", "suspect"]))
    if kind == "push":
        commits = [
            commit(f"{text[:30]}{number}", message=text, author=text[:500], url=f"https://x/{text}")
            for number in range(draw(st.integers(0, 20)))
        ]
        told = push_news(
            title=text[:500], branch=text[:500], commits=commits, services=[text[:128] or "s"] * 100
        )
        return [told, *[verdict_news(reasons=[text] * 5)] * draw(st.integers(0, 20))]
    suspect = SuspectCommit(text[:64], 1, 1, [text] * 9, text, text, f"https://x/{text}")
    if kind == "suspect":
        told_of = incident(
            title=text,
            message=text or "-",
            service=text[:128],
            recommended_first_actions=[text] * 9,
        )
        return [SuspectNews(incident=told_of, suspect=suspect)]
    named = NamedCommit(text[:64], text, text, f"https://x/{text}")
    fix = Fix(deploy_id=text[:256], deploy_time=at(0), suspect=named, reverted_by=named)
    return [
        IncidentNews(
            change=draw(st.sampled_from(get_args(NewsChange))),
            joined=[text] * 11,
            incident=incident(
                title=text,
                message=text or "-",
                exception_type=text[:512],
                service=text[:128],
                api_route=text,
                stacktrace=[frame(text[:500] or None, "f", module=text[:500])] * 200,
                suspected_causes=[suspect] * 9,
                top_symptoms=[Symptom(str(number), text, text, 1) for number in range(9)],
                links={"source_url": f"https://x/{text}"},
            ),
            why=text,
            end_reason=text,
            fix=draw(st.none() | st.just(fix)),
        )
    ]


@given(odd_news())
def test_slack_takes_every_message(said: list[News]) -> None:
    shown = render(said, "k" * 300, URL, buttons=True)
    assert fault_of({"text": shown.text, "blocks": shown.blocks}) is None
    reply = reply_to(said[0])
    assert reply is None or len(reply) < 40_000


@given(nasty, st.integers(2, 40))
def test_slack_takes_every_digest(text: str, count: int) -> None:
    letters = [
        Letter(
            key=f"k{number}",
            receiver="#alerts",
            incident_id=None,
            news=opened(number, title=text, service=text[:128] or "s"),
        )
        for number in range(count)
    ]
    shown = render_digest(letters, URL)
    assert fault_of({"text": shown.text, "blocks": shown.blocks}) is None
    # Nothing that is told together is left out.
    for number in range(count):
        assert f"{URL}/incidents/inc-{number:016x}" in str(shown.blocks)
