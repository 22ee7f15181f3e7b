"""Hold back until somebody's working hours what can wait. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from server.notify.recipients import address_of_direct_message
from server.storage.main.outbox import NewDelivery
from server.storage.main.people import DAYS, Person, WorkingHours
from server.storage.times import from_micros, to_micros


def hold(
    deliveries: Iterable[NewDelivery], people: Sequence[Person], now: int
) -> list[NewDelivery]:
    """Return the deliveries, each that can wait held until the working hours of its person.

    That is so for mails, and for direct messages in Slack; channels have no hours. `now` is in
    microseconds.
    """
    hours = {
        each.email: each.working_hours
        for each in people
        if each.email is not None and each.working_hours is not None
    }
    return [
        replace(each, held_until=to_micros(until))
        if each.can_wait
        and (address := _address_of(each)) is not None
        and (of_receiver := hours.get(address)) is not None
        and (until := next_begin(of_receiver, from_micros(now))) is not None
        else each
        for each in deliveries
    ]


def _address_of(delivery: NewDelivery) -> str | None:
    match delivery.channel:
        case "email":
            return delivery.receiver
        case "slack":
            return address_of_direct_message(delivery.receiver)
    return None


def next_begin(hours: WorkingHours, now: datetime) -> datetime | None:
    """Return when the next working hours begin, or None if `now` is within some."""
    local = now.astimezone(ZoneInfo(hours.time_zone))
    begin, end = time.fromisoformat(hours.begin), time.fromisoformat(hours.end)
    for days in range(8):
        day = local.date() + timedelta(days=days)
        if DAYS[day.weekday()] not in hours.days:
            continue
        if days == 0 and begin <= local.time() < end:
            return None
        # Where the clocks are set forward over it, this is the moment just after.
        starts = datetime.combine(day, begin, local.tzinfo)
        if starts > local:
            return starts
    return None
