"""What people read of each piece of news in each way, short and with everything too long.

``python -m tests.server.notify.told`` writes `RECORD` anew, where it is meant to read otherwise.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from server.notify.apprise.text import text_of
from server.notify.channel import Letter
from server.notify.email.compose import compose
from server.notify.news import (
    CrashNews,
    IncidentNews,
    News,
    OnlyForOnePerson,
    SummaryNews,
    SuspectNews,
    TestNews,
)
from server.notify.slack.blocks import render, render_digest, reply_to
from server.notify.webhook.payload import payload_of
from server.storage.main.fixes import Fix, NamedCommit
from server.storage.main.people import Interval
from server.storage.main.summaries import FaultyDeploy, Summary, SummedIncident
from shared.event import Frame
from shared.incident import Reason, SuspectCommit, Symptom
from shared.reasons import Action, Evidence
from tests import builders, mails, records
from tests.server.notify import news
from tests.server.notify.letters import LETTERHEAD, PUBLIC_URL, letter

RECORD = Path(__file__).with_name("told.txt")
LONG = 9_000
"""Letters: more than any way shows."""
MANY = 24
"""Things of a sort: more than any way lists."""


def short() -> Iterator[tuple[str, News]]:
    """Each piece of news, as it usually is."""
    yield "opened", news.opened()
    yield "opened, with all that can be known", _known()
    yield (
        "escalated",
        msgspec.structs.replace(news.escalated(), joined=["KeyError: 'cart'"]),
    )
    yield "joined", _changed("joined", joined=["KeyError: 'cart'", "TypeError: no total"])
    yield "reminded", _changed("reminded", waited="Nobody has acknowledged it for 30 minutes.")
    yield "handed on", _changed("handed_on", waited="Nobody has acknowledged it for an hour.")
    yield "ended", news.ended()
    yield "ended, and nobody knows why", _changed("ended", ended_at=builders.at(60))
    yield "suspect reverted", news.suspect_reverted()
    yield "fix live", news.fix_live()
    yield "your commit is suspected", _suspicion(news.opened())
    yield "push", news.push_news()
    for verdict in ("clean", "suspect", "faulty", "too_little_data"):
        yield f"verdict: {verdict}", news.verdict_news(verdict=verdict)
    yield "trouble", news.trouble_news()
    yield "trouble over", news.trouble_news(over=True)
    yield (
        "crash",
        CrashNews(
            at=builders.at(0), error_type="OSError", message="no space", traceback="Traceback …"
        ),
    )
    yield "test", TestNews(asked_at=builders.at(0))
    yield "summary of a day in which nothing happened", _summary(Summary())
    yield (
        "summary of a week",
        _summary(
            _much(_summed("ValueError: price is negative", "shop", "production")), interval="weekly"
        ),
    )


def long() -> Iterator[tuple[str, News]]:
    """The same with texts that are too long, and too many things."""
    incident = _too_much()
    joined = [_x(each) for each in "abcdefghij" * 3]
    opened = IncidentNews(change="opened", incident=incident, why=_x("w"), joined=joined)
    yield "opened", opened
    yield "joined", msgspec.structs.replace(opened, change="joined")
    yield "escalated", msgspec.structs.replace(opened, change="escalated")
    yield "reminded", msgspec.structs.replace(opened, change="reminded", waited=_x("u"))
    yield (
        "ended",
        msgspec.structs.replace(
            opened, change="ended", ended_at=builders.at(60), end_reason=_x("r")
        ),
    )
    named = NamedCommit(_x("1"), _x("s"), _x("a"), f"{PUBLIC_URL}/{_x('c')}")
    fix = Fix(
        deploy_id=_x("d"),
        deploy_time=builders.at(600),
        release=_x("v"),
        suspect=named,
        reverted_by=named,
    )
    yield "suspect reverted", msgspec.structs.replace(opened, change="suspect_reverted", fix=fix)
    live = Fix(deploy_id=_x("d"), deploy_time=builders.at(600), release=_x("v"))
    yield "fix live", msgspec.structs.replace(opened, change="fix_live", fix=live)
    yield "your commit is suspected", _suspicion(opened)
    commits = [
        builders.commit(
            f"{number:02}{_x('1')}", message=_x("m"), author=_x("a"), files=[_x("f")] * MANY
        )
        for number in range(MANY)
    ]
    yield (
        "push",
        news.push_news(
            title=_x("t"),
            branch=_x("b"),
            by=_x("p"),
            repository=_x("o"),
            commits=commits,
            services=[f"{number:02}{_x('s')}" for number in range(MANY)],
        ),
    )
    yield (
        "verdict",
        news.verdict_news(service=_x("s"), environment=_x("e"), reasons=[_x("r"), _x("q")]),
    )
    yield (
        "trouble",
        msgspec.structs.replace(news.trouble_news(), title=_x("t"), text=_x("x"), advice=_x("a")),
    )
    yield (
        "crash",
        CrashNews(
            at=builders.at(0), error_type=_x("t"), message=_x("m"), traceback=f"{_x('b')}\n" * 90
        ),
    )
    yield "summary", _summary(_much(_summed(_x("t"), _x("s"), _x("e"))), services=[_x("p")] * MANY)


def told() -> Iterator[str]:
    """Return the lines of the record."""
    for kind, pieces in (("short", short()), ("too long", long())):
        for name, piece in pieces:
            yield from ("", f"{'=' * 20} {kind}: {name}")
            yield from map(_line, _in_all_ways(name, piece))
    many = [
        letter(piece, f"many/{number}")
        for number, (_, piece) in enumerate([*short(), *long()] * 2)
        if not isinstance(piece, SuspectNews | SummaryNews)
    ]
    yield from ("", f"{'=' * 20} many at once")
    yield from map(_line, _at_once(many))


def _in_all_ways(name: str, piece: News) -> Iterator[str]:
    told_in = letter(piece, name)
    yield from _mail([told_in])
    if isinstance(piece, SummaryNews):
        return
    slack = render([piece], told_in.key, PUBLIC_URL, buttons=True)
    yield from _way("Slack", slack.text, *map(_block, slack.blocks))
    if (reply := reply_to(piece)) is not None:
        yield from _way("Slack, in its thread", reply)
    try:
        plain = text_of([told_in], PUBLIC_URL, 2_000)
        yield from _way(f"Apprise ({plain.tone})", plain.title, plain.body)
        yield from _way("webhook", *_fields(payload_of([told_in], PUBLIC_URL)))
    except OnlyForOnePerson:
        yield from _way("Apprise and webhooks: nothing")


def _at_once(letters: list[Letter]) -> Iterator[str]:
    yield from _mail(letters)
    slack = render_digest(letters, PUBLIC_URL)
    yield from _way("Slack", slack.text, *map(_block, slack.blocks))
    for limit in (140, 2_000, 10_000):
        plain = text_of(letters, PUBLIC_URL, limit)
        yield from _way(f"Apprise ({plain.tone}), {limit} letters", plain.title, plain.body)


def _mail(letters: list[Letter]) -> Iterator[str]:
    mail = compose(letters, LETTERHEAD, builders.at(7_200))
    headers = [f"{name}: {value}" for name, value in mail.items() if name != "Content-Type"]
    yield from _way("mail", *headers, "", mails.text(mail).strip())


def _way(name: str, *texts: str) -> Iterator[str]:
    yield f"-------- {name}"
    for text in texts:
        yield from text.split("\n")


def _block(block: dict[str, Any]) -> str:
    return _json({name: each for name, each in block.items() if name != "block_id"})


def _fields(payload: Any) -> Iterator[str]:
    """Return a line for each field, and for each thing of a list."""
    for name, value in msgspec.to_builtins(payload).items():
        match value:
            case dict():
                yield f"{name}:"
                yield from (f"  {line}" for line in _fields(value))
            case list():
                yield f"{name}:"
                yield from (f"- {_json(each)}" for each in value)
            case _:
                yield f"{name}: {_json(value)}"


def _line(line: str) -> str:
    return records.counted(line).rstrip()


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _x(letter: str) -> str:
    return letter * LONG


def _changed(change: Any, **fields: Any) -> IncidentNews:
    return msgspec.structs.replace(news.opened(), change=change, **fields)


def _suspicion(told_of: IncidentNews) -> SuspectNews:
    suspect = told_of.incident.suspected_causes[0]
    return SuspectNews(incident=told_of.incident, suspect=suspect, why=told_of.why)


def _known() -> IncidentNews:
    suspects = [
        SuspectCommit(
            commit_id="a1b2c3d4e5f6a7b8c9d0",
            score=2.0,
            confidence=0.81,
            evidence=[
                Reason(
                    Evidence.TOUCHES,
                    {
                        "file": "shop/cart.py",
                        "function": "total",
                        "depth": 0,
                        "sure": 1,
                        "alone": 1,
                    },
                ),
                Reason(Evidence.DEPLOYED_BEFORE, {"minutes": 4}),
            ],
            author="Ada",
            message="Round prices half up",
            url="https://github.com/acme/shop/commit/a1b2c3d4",
            deploy_time=builders.at(-240),
            deploy_id="d1",
        ),
        SuspectCommit(
            commit_id="ffff",
            score=0.5,
            confidence=0.05,
            evidence=[Reason(Evidence.TAKEN_AWAY, {"minutes": 90})],
            taken_away=True,
        ),
    ]
    incident = news.incident(
        severity="critical",
        event_count=1_234,
        issue_count=2,
        top_symptoms=[
            Symptom("f1", "ValueError", "price is negative", 1_230, 12.5),
            Symptom("f2", "KeyError", "'cart'", 4),
        ],
        suspected_causes=suspects,
        recommended_first_actions=[
            Reason(Action.REVERT_SUSPECT, {"commit": "a1b2c3d4e5"}),
            "Ask Bob.",
        ],
        stacktrace=[
            builders.frame(),
            builders.frame("shop/checkout.py", None, None),
            builders.frame(None, "run", 7, module="celery.app", in_app=False),
        ],
        links={
            "source_url": "https://sentry.example/issues/1/",
            "runbook": "https://acme.example/run",
        },
        tags={"server_name": "web-1"},
        release="shop@2.3.0",
        alert_rule="Many errors",
        api_route="POST /cart?token=secret",
        request_url="https://shop.example/cart?user=7",
    )
    return IncidentNews(change="opened", incident=incident, why="It is new.", acknowledged_by="Bob")


def _too_much() -> Any:
    evidence = [Reason(Evidence.TOUCHES_NAME, {"function": _x("f"), "depth": 1})] * 3
    return news.incident(
        title=_x("t"),
        service=_x("s"),
        environment=_x("e"),
        exception_type=_x("y"),
        message=_x("m"),
        event_count=10**9,
        issue_count=MANY,
        top_symptoms=[
            Symptom(f"f{number}", _x("y"), _x("m"), 10**6, 10.0**6) for number in range(MANY)
        ],
        suspected_causes=[
            SuspectCommit(
                f"{number:02}{_x('1')}",
                1.0,
                1.0,
                list(evidence),
                _x("a"),
                _x("c"),
                f"{PUBLIC_URL}/{number}",
            )
            for number in range(4)
        ],
        recommended_first_actions=[_x("n")] * MANY,
        stacktrace=[Frame(file=_x("f"), function=_x("g"), line=10**9) for _ in range(MANY)],
        links={"source_url": f"{PUBLIC_URL}/{_x('l')}"},
        tags={f"{number:02}{_x('k')}": _x("v") for number in range(MANY)},
        release=_x("v"),
        alert_rule=_x("r"),
        api_route=_x("/"),
        request_url=f"{PUBLIC_URL}/{_x('q')}",
    )


def _summary(
    summary: Summary, interval: Interval = "daily", services: list[str] | None = None
) -> SummaryNews:
    since, until = builders.at(-86_400), builders.at(0)
    return SummaryNews(
        interval=interval, since=since, until=until, services=services, summary=summary
    )


def _summed(title: str, service: str, environment: str) -> SummedIncident:
    return SummedIncident(
        incident_id=f"inc-{7:016x}",
        title=title,
        service=service,
        environment=environment,
        severity="error",
        started_at=builders.at(-3_600),
        ended_at=builders.at(-60),
        events=12_345,
    )


def _much(incident: SummedIncident) -> Summary:
    standing = msgspec.structs.replace(incident, ended_at=None, events=0)
    return Summary(
        opened={"critical": 1, "error": 22, "warning": 333},
        ended=4,
        open=5,
        oldest=standing,
        most_severe=[incident] * 3,
        noisiest=[incident, standing] * 2,
        deploys={"clean": 6, "faulty": 2, "suspect": 1, "too_little_data": 3},
        faulty=[
            FaultyDeploy(
                id=9,
                service=incident.service,
                environment=incident.environment,
                deployed_at=builders.at(-7_200),
                release=incident.title,
                reasons=[incident.title] * 3,
            )
        ],
        held_back=8,
    )


if __name__ == "__main__":
    records.write(RECORD, told())
