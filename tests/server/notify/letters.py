"""Letters to start a test from, and who writes the mails."""

from datetime import UTC, datetime

from server.notify.channel import Letter
from server.notify.email.compose import Letterhead
from server.notify.news import IncidentNews, News, SuspectNews

PUBLIC_URL = "https://pushlog.acme.example"
LETTERHEAD = Letterhead(
    sender="PushLog <pushlog@acme.example>",
    public_url=PUBLIC_URL,
    unsubscribe_url=lambda _: f"{PUBLIC_URL}/unsubscribe/{'5' * 40}",
)
NOW = datetime(2025, 3, 4, 9, 1, tzinfo=UTC)


def letter(news: News, key: str = "key-1", incident_id: str | None = None) -> Letter:
    if isinstance(news, IncidentNews | SuspectNews):
        incident_id = news.incident.incident_id
    return Letter(key=key, receiver="ada@acme.example", incident_id=incident_id, news=news)
