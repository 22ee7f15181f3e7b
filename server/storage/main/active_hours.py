"""The table active_hours: in which minutes sources sent something, and PushLog ran."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from server.storage.dialect import insert
from server.storage.main.tables import active_hours

PUSHLOG = "pushlog"
"""Who ran; the others are sources of webhooks."""

KEPT_HOURS = 36 * 24
"""Five weeks, and a day."""

_HOUR = 60


def minute_of(moment: datetime) -> int:
    """Return the minute since 1970."""
    return int(moment.timestamp() // 60)


async def mark(tx: AsyncConnection, active: Mapping[str, Collection[int]]) -> None:
    """Add minutes since 1970, by who was active; forget what is too old to be of use."""
    for who, minutes in active.items():
        hours: dict[int, int] = {}
        for minute in minutes:
            hour, bit = divmod(minute, _HOUR)
            hours[hour] = hours.get(hour, 0) | 1 << bit
        for hour, bits in hours.items():
            put = insert(active_hours).values(who=who, hour=hour, minutes=bits)
            merged = active_hours.c.minutes.op("|")(put.excluded.minutes)
            await tx.execute(
                put.on_conflict_do_update(index_elements=["who", "hour"], set_={"minutes": merged})
            )
        await tx.execute(
            delete(active_hours).where(
                active_hours.c.who == who,
                active_hours.c.hour < max(minutes) // _HOUR - KEPT_HOURS,
            )
        )


async def since(tx: AsyncConnection, minute: int) -> dict[str, int]:
    """Return by who was active in which minutes from `minute` on, which begins an hour.

    Bit `i` of the number is set for the minute `minute + i`.
    """
    first = minute // _HOUR
    rows = await tx.execute(select(active_hours).where(active_hours.c.hour >= first))
    # Adding to a long number again and again would copy it each time.
    parts: dict[str, list[tuple[int, int]]] = {}
    for who, hour, minutes in rows:
        parts.setdefault(who, []).append((hour - first, minutes))
    return {who: _joined(hours) for who, hours in parts.items()}


def _joined(hours: Collection[tuple[int, int]]) -> int:
    """Return one number with the bits of each hour at its place; an hour is no whole bytes."""
    text = ["0" * _HOUR] * (max(place for place, _ in hours) + 1)
    for place, bits in hours:
        text[-1 - place] = f"{bits:0{_HOUR}b}"
    return int("".join(text), 2)
