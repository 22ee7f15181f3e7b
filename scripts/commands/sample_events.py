"""A day of a small shop, as entries for the engine: each thing that can happen to an error, once.

Shop's `StockTimeout` has come every ten minutes for as long as anybody remembers. In the evening, a
deploy brings a new error, which its first commit explains. Stock also becomes so slow that the old
error comes far more often.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from shared.event import Commit, Frame, Severity
from shared.pipe import ChangeWindowEntry, Entry, EventEntry, Resolve

MORNING = datetime(2026, 1, 30, 6, tzinfo=UTC)
EVENING = MORNING + timedelta(hours=12)
SERVICE, ENVIRONMENT = "shop", "production"


def sample_events() -> Iterator[Entry]:
    """Yield the entries, in the order of their times."""
    for number in range(72):
        yield stock_timeout(MORNING + timedelta(minutes=10 * number))
    yield new_coupon_error(EVENING - timedelta(minutes=3), environment="staging")
    yield deploy(EVENING)
    for seconds in (90, 95, 101, 130):
        yield new_coupon_error(EVENING + timedelta(seconds=seconds))
    for number in range(60):
        yield stock_timeout(EVENING + timedelta(minutes=20, seconds=2 * number))
    yield Resolve(by="jo", time=EVENING + timedelta(hours=1), issue_id="coupons")
    yield new_coupon_error(EVENING + timedelta(hours=3), release="shop@43")


def stock_timeout(at: datetime) -> EventEntry:
    """Return the old error."""
    frames = [
        Frame(file="shop/stock.py", function="reserve", line=88, in_app=True),
        Frame(file="shop/cart.py", function="add", line=31, in_app=True),
    ]
    return error(at, "StockTimeout", "stock did not answer within 2 s", frames, "stock", "warning")


def new_coupon_error(
    at: datetime, environment: str = ENVIRONMENT, release: str = "shop@42"
) -> EventEntry:
    """Return the error that the deploy brings."""
    frames = [
        Frame(file="shop/coupons.py", function="discount", line=17, in_app=True),
        Frame(file="shop/cart.py", function="total", line=64, in_app=True),
        Frame(file="site-packages/aiohttp/web_protocol.py", function="start", in_app=False),
    ]
    event = error(at, "KeyError", "'percent'", frames, "coupons")
    event.environment = environment
    event.release = release
    return event


def error(
    at: datetime,
    exception_type: str,
    message: str,
    frames: list[Frame],
    issue_id: str,
    severity: Severity = "error",
) -> EventEntry:
    """Return an error of the shop."""
    return EventEntry(
        source="sample",
        service=SERVICE,
        environment=ENVIRONMENT,
        timestamp=at,
        severity=severity,
        exception_type=exception_type,
        message=message,
        stacktrace=frames,
        issue_id=issue_id,
        release="shop@41",
    )


def deploy(at: datetime) -> ChangeWindowEntry:
    """Return three commits, one of which touches the coupons."""
    commits = [
        Commit(
            id="5f1c9a7e20b34d68",
            author="kim",
            message="Coupons can take a part of the price off",
            timestamp=at - timedelta(hours=4),
            files=["shop/coupons.py", "shop/prices.py"],
            functions=["discount"],
            added=46,
            deleted=9,
        ),
        Commit(
            id="c0ffee7aa1b2c3d4",
            author="lee",
            message="Explain the cart in the README",
            timestamp=at - timedelta(hours=3),
            files=["README.md"],
            added=20,
            deleted=1,
        ),
        Commit(
            id="8be1d34f7702aa19",
            author="jo",
            message="Ask stock once for the whole cart",
            timestamp=at - timedelta(hours=2),
            files=["shop/stock.py"],
            functions=["reserve_all"],
            added=30,
            deleted=22,
        ),
    ]
    return ChangeWindowEntry(
        service=SERVICE,
        environment=ENVIRONMENT,
        deploy_time=at,
        commits=commits,
        deploy_id="shop@42",
        release="shop@42",
    )
