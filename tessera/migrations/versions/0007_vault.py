"""Tables of `vault`: the first release."""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the tables."""
