"""Find which functions a patch touches."""
