"""The audit's chain of hashes, and the daemons that share a ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add both. A line from before the chain began has no hash of its own: the first line after it seals it."""
    op.add_column("audit", sa.Column("hash", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "daemons",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("config", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("started", MOMENT, nullable=False),
        sa.Column("seen", MOMENT, nullable=False),
        sa.Column("working", sa.Text, nullable=False),
    )


def downgrade() -> None:
    """Remove both."""
    op.drop_table("daemons")
    op.drop_column("audit", "hash")
