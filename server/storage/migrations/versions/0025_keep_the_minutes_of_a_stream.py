"""Mark that the engine keeps its streams in another form: an older engine would die of it.

No table changes. The engine takes over the earlier forms by itself, issue by issue.
"""

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the schema's number, and nothing else."""
