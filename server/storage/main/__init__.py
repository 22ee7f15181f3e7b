"""The tables of the main database."""
