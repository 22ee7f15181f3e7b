"""What each kind of entry does."""
