"""A deploy and an error as large as the ranking must handle without being noticed."""

import random
from datetime import UTC, datetime, timedelta

from shared.event import ChangeWindow, Commit, Event, Frame

COMMITS = 100
FILES = 50
FRAMES = 60


def heavy_error() -> Event:
    """Return an error of 60 frames after a deploy of 100 commits of 50 files, half in both."""
    draw = random.Random(1)  # noqa: S311 - the same load each time
    paths = [f"services/shop/src/main/java/com/acme/m{n % 40}/File{n}.java" for n in range(3000)]
    deployed = datetime(2026, 1, 5, 12, tzinfo=UTC)
    commits = [
        Commit(
            id=f"{draw.getrandbits(160):040x}",
            timestamp=deployed - timedelta(minutes=number),
            message=f"Round the total of cart {number} before tax\n\nAs the law has it.",
            files=draw.sample(paths, FILES),
            functions=[f"step{draw.randrange(500)}" for _ in range(FILES)],
            added=draw.randrange(400),
            deleted=draw.randrange(100),
        )
        for number in range(COMMITS)
    ]
    frames = [
        Frame(file=f"/app/{path}", function=f"step{number}", line=number, in_app=True)
        for number, path in enumerate(draw.sample(paths, FRAMES))
    ]
    return Event(
        source="benchmark",
        service="shop",
        environment="production",
        timestamp=deployed + timedelta(minutes=5),
        severity="error",
        exception_type="com.acme.TaxError",
        message="the total of cart 17 is negative before tax",
        stacktrace=frames,
        change_window=ChangeWindow(deploy_time=deployed, commits=commits),
    )
