"""What this process always needs: log, metrics, back-off, background tasks."""
