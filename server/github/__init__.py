"""What GitHub is asked for."""
