"""Kill and disturb a real server under load, and compare."""
