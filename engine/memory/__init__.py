"""Hold what the engine remembers, and save and restore it."""
