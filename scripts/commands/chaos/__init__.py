"""Kills and disturbs a real server under load, and compares."""
