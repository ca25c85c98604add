"""Money for language models, and deploys that tools told us of."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "spend",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("reserved", sa.Float, nullable=False),
        sa.Column("usd", sa.Float),
        sa.Column("input_tokens", sa.Integer, nullable=False),
        sa.Column("output_tokens", sa.Integer, nullable=False),
    )
    op.create_index("spend_by_time", "spend", ["at"])
    op.create_index("spend_by_case", "spend", ["case_id"])
    op.create_table(
        "deploys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("commit", sa.Text, nullable=False),
        sa.Column("started", MOMENT, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("received", MOMENT, nullable=False),
    )
    op.create_index("deploys_by_service", "deploys", ["service", "started"])


def downgrade() -> None:
    """Remove both."""
    op.drop_table("deploys")
    op.drop_table("spend")
