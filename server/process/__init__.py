"""What this process needs whatever it does: log, metrics, back-off, background tasks."""
