"""What commits changed, read from git."""
