"""Bring news to its receivers, at a limited pace."""
