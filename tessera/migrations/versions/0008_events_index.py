"""The event table without its second index, which nobody read by; rewrites the table on SQLite (a second a million)."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Drop the index; on SQLite the separate counter too."""
    if op.get_bind().dialect.name == "sqlite":
        # Written out, since a batch rewrite keeps AUTOINCREMENT.
        created: str = op.get_bind().scalar(sa.text("SELECT sql FROM sqlite_master WHERE name = 'kernel_events'"))
        plain = created.replace(" AUTOINCREMENT", "").replace(", \n\tCONSTRAINT uq_kernel_events_id UNIQUE (id)", "")
        assert "UNIQUE" not in plain, plain
        op.execute("ALTER TABLE kernel_events RENAME TO kernel_events_before")
        op.execute(plain)
        op.execute("INSERT INTO kernel_events SELECT * FROM kernel_events_before ORDER BY seq")
        op.execute("DROP TABLE kernel_events_before")
    else:
        op.drop_constraint("uq_kernel_events_id", "kernel_events")
