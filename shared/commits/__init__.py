"""Which functions a patch touches."""
