"""What the engine remembers, and how it is said and taken back."""
