"""Where the failure of a delivery lies, in words. Pure."""

from collections.abc import Mapping

from server.storage.main.outbox import FailureKind

FAILURES: Mapping[FailureKind, str] = {
    "connection": "Not reached",
    "settings": "Settings or account",
    "message": "Refused",
    "limit": "Too many at once",
    "defect": "Defect of PushLog",
}
