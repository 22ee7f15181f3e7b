"""Tell the admins of a trouble of PushLog itself: by bell and mail, and by the ways for all.

Nothing that people set for incidents applies: whoever runs PushLog must hear that it does not work.
"""

from collections.abc import Sequence
from typing import Literal

from server.notify.news import TroubleNews
from server.notify.outlets import Outlets
from server.notify.planning.deliveries import mail, posts
from server.storage.database import Transaction
from server.storage.main import notifications, outbox, people
from server.storage.main.outbox import NewDelivery
from server.storage.main.people import Person
from server.storage.main.troubles import Trouble
from server.storage.times import to_micros


async def tell_trouble(
    tx: Transaction,
    trouble: Trouble,
    change: Literal["opened", "ended"],
    advice: str,
    outlets: Outlets,
    now: int,
) -> list[int]:
    """Tell that `trouble` was opened or has ended; return whose bells ring."""
    admins = await people.admins(tx)
    news = TroubleNews(
        id=trouble.id,
        change=change,
        severity=trouble.severity,
        title=trouble.title,
        text=trouble.text,
        advice=advice,
        opened_at=trouble.opened_at,
        closed_at=trouble.closed_at,
    )
    ids = [each.id for each in admins]
    at = to_micros(trouble.closed_at or trouble.opened_at)
    await notifications.add_trouble(tx, trouble, change, at, ids)
    await outbox.add(tx, plan_trouble(news, admins, outlets), now)
    return ids


def plan_trouble(
    news: TroubleNews, admins: Sequence[Person], outlets: Outlets
) -> list[NewDelivery]:
    """Plan a mail for each admin who gets mail, and a message by each of the ways for all."""
    name = f"trouble/{news.id}/{news.change}"
    deliveries = [
        mail(name, each.id, each.email, news)
        for each in admins
        if outlets.email and each.email is not None and each.email_incidents
    ]
    return [*deliveries, *posts(name, outlets.shared_by_all(news), news)]
