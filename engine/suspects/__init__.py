"""Which commit did it: pure ranking, without the state."""
