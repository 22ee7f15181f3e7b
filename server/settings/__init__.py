"""What people set, read once."""
