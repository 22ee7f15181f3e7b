"""``python -m server``: `server.main`, imported without the garbage collector."""

import gc
import sys

if __name__ == "__main__":
    # Whatever is imported stays, so looking through it on the way is a waste: a tenth of a start.
    gc.disable()
    from server.main import main

    sys.exit(main())
