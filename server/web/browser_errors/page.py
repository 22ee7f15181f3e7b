"""What a page says to the script that reports its errors."""

from urllib.parse import urlsplit

import msgspec

from server.settings.settings import Settings
from server.web.browser_errors.dsn import read_dsn
from shared.version import VERSION


class Reporting(msgspec.Struct, frozen=True):
    """The attributes of the script, which Sentry shows as `release` and `environment`."""

    dsn: str
    release: str
    environment: str


def reporting(settings: Settings) -> Reporting | None:
    """Return the attributes, or None if the errors of pages are not reported.

    The environment is the host of `PUBLIC_URL`, which tells production from staging.
    """
    if settings.vite_sentry_dsn is None:
        return None
    return Reporting(
        dsn=read_dsn(settings.vite_sentry_dsn).public,
        release=f"pushlog@{VERSION}",
        environment=urlsplit(settings.public_url).netloc.rpartition("@")[2],
    )
