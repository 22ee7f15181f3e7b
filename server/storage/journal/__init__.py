"""The journal of everything accepted, in order: a file of its own, with one writer."""
