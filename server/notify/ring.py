"""Wake whoever waits for what was planned, once it is written."""

from collections.abc import Callable, Iterable

from server.notify.live import Live
from server.notify.planning.plan import Plan


def ring(plans: Iterable[Plan], live: Live, posted: Callable[[], None]) -> None:
    """Ring the bells of these plans, and call `posted` if there is something in the outbox."""
    plans = list(plans)
    for person_id in {person_id for plan in plans for person_id in plan.people}:
        live.publish(person_id)
    if any(plan.deliveries for plan in plans):
        posted()
