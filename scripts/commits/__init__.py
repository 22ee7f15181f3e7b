"""Read from git what commits changed."""
