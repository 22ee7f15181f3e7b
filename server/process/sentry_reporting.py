"""Reports PushLog's own errors to Sentry: set up in one place, and silent without a DSN.

The SDK is imported only if there is a DSN, because the import takes an eighth of a start.
"""

import sys
from types import ModuleType

FLUSH_TIMEOUT_S = 2.0


def start(dsn: str | None) -> None:
    """Report to `dsn` from now on; without one, nothing is ever sent.

    We choose what is reported: the log also tells of receivers that are down and of engines that
    died, which are not errors of this program. Local variables are not sent, because those of a
    webhook are other people's data and secrets.
    """
    if dsn is None:
        return
    import sentry_sdk  # noqa: PLC0415
    from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415
    from sentry_sdk.integrations.stdlib import StdlibIntegration  # noqa: PLC0415

    sentry_sdk.init(
        dsn=dsn,
        integrations=[LoggingIntegration(level=None, event_level=None)],
        auto_enabling_integrations=False,
        # It would report the addresses that Apprise calls, which are secrets.
        disabled_integrations=[StdlibIntegration()],
        include_local_variables=False,
        traces_sample_rate=None,
    )


def report(error: BaseException) -> None:
    """Send the error, without waiting."""
    if sdk := _imported():
        sdk.capture_exception(error)


def report_text(text: str) -> None:
    """Send what is known of a failure that left no exception."""
    if sdk := _imported():
        sdk.capture_message(text, level="fatal")


def flush() -> None:
    """Wait a short time until all reports are sent, because the process is about to end."""
    if sdk := _imported():
        sdk.flush(timeout=FLUSH_TIMEOUT_S)


def _imported() -> ModuleType | None:
    return sys.modules.get("sentry_sdk")
