"""What every page shows: the bell, the engine's state, and what is wrong with PushLog itself."""

from collections.abc import Sequence

import msgspec
from aiohttp import web

from server.keys import ENGINE, SETTINGS, WATCH
from server.storage.database import Transaction
from server.storage.main import notifications, people
from server.storage.main.notifications import Notification
from server.storage.main.people import Appearance
from server.storage.main.troubles import Trouble
from server.web.auth import person_id
from server.web.health import describe_engine, say_unsigned

SHOWN_IN_PANEL = 12


class Chrome(msgspec.Struct, frozen=True, kw_only=True):
    """The values that the templates ``base.html`` and ``panel.html`` show."""

    appearance: Appearance
    unread: int
    newest_id: int
    notifications: list[Notification]
    engine_lamp: str
    engine_words: str
    engine_trouble: str | None
    troubles: Sequence[Trouble]
    unsigned: str | None


async def read_chrome(request: web.Request, tx: Transaction) -> Chrome:
    """Return all of it, as it is now."""
    person = person_id(request)
    engine = describe_engine(request.app[ENGINE].status())
    troubles = request.app[WATCH].open
    is_told = any(each.kind == "engine" for each in troubles)
    return Chrome(
        appearance=await people.appearance(tx, person),
        unread=await notifications.unread_count(tx, person),
        newest_id=await notifications.newest_id(tx, person),
        notifications=await notifications.newest(tx, person, SHOWN_IN_PANEL),
        engine_lamp=engine.lamp,
        engine_words=engine.words,
        engine_trouble=None if is_told else engine.trouble,
        troubles=troubles,
        unsigned=say_unsigned(request.app[SETTINGS]),
    )
