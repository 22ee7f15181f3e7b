"""``python -m scripts.commands.soak.short_days SECONDS``: the server, with shorter days.

Only the days of retention are shorter. After an hour, a server of this kind has removed as much as
another in months.
"""

import sys

from server import __main__ as server
from server.storage import retention

if __name__ == "__main__":
    retention.DAY_US = int(1e6 * float(sys.argv.pop()))
    sys.exit(server.main())
