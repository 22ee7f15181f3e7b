"""Rank which commit did it. This is pure ranking, without the state."""
