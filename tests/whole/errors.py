"""An error as a program of the team's own reports it."""

from datetime import UTC, datetime


def error_in(service: str) -> dict[str, str]:
    """The body of a webhook; the first of a service opens an incident of its own."""
    return {
        "source": "test",
        "service": service,
        "environment": "production",
        "timestamp": datetime.now(UTC).isoformat(),
        "severity": "error",
        "exception_type": "ValueError",
        "message": "price is negative",
    }
