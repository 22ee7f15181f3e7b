"""A server whose clock is some seconds off: ``shifted_server SECONDS``.

Only the time of day is: pauses and deadlines, which go by another clock, last as long as ever.
"""

import sys
from datetime import UTC, datetime, timedelta

import time_machine

from server.__main__ import main

if __name__ == "__main__":
    off = timedelta(seconds=float(sys.argv.pop(1)))
    time_machine.travel(datetime.now(UTC) + off).start()
    sys.exit(main())
