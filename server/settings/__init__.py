"""The settings that people make, read once."""
