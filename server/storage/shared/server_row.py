"""What is known of each server that shares the database."""

from datetime import datetime

import msgspec


class ServerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A server that shares the database: what it said last, and how long ago, in seconds."""

    server: str
    name: str
    leads: bool
    started: datetime
    silent_s: float
    said: bytes
