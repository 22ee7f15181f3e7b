"""Handle each kind of entry."""
