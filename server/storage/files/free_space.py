"""How much of a database's file is given back to the file system, and when.

Removed rows leave free pages in the file, and new rows use them again. Only what is more than they
will need soon is given back: a file that shrinks and grows all day would be written twice.
"""

AUTO_VACUUM = "PRAGMA auto_vacuum = INCREMENTAL"
"""Lets a file shrink. It takes effect only in a file that is empty."""

SPARE = 0.1
"""The share of the file's pages that may stay free."""

PAGES_A_STEP = 250
"""A step moves as many pages from the end of the file to free ones: about half a millisecond."""


def pages_to_give_back(pages: int, free: int) -> int:
    """Return how many of the `free` pages, of all `pages`, the next step gives back."""
    return max(0, min(int(free - SPARE * pages), PAGES_A_STEP))
