"""Copies of both databases as they are at one moment."""
