"""The pages, and how they are rendered."""
