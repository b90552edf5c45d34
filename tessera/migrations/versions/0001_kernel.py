"""Tables of `kernel`: the first release."""

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
