"""Decide on events: fingerprint, statistics, trigger, suspects, grouping. Lines in, lines out."""
