"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# A migration tells what was then: it borrows nothing from the tables of today.
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make every table."""
    _cases()
    _effects_and_audit()
    _rest()


def downgrade() -> None:
    """Remove every table, those that refer to others first."""
    for table in ("levers", "checkpoints", "lessons", "audit", "effects", "history", "cases"):
        op.drop_table(table)


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("hold", sa.Text, nullable=False),
        sa.Column("opened", MOMENT, nullable=False),
        sa.Column("updated", MOMENT, nullable=False),
        sa.Column("due", MOMENT),
        sa.Column("wake", MOMENT),
        sa.Column("lease_owner", sa.Text),
        sa.Column("lease_until", MOMENT),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    active = sa.text("phase <> 'closed'")
    op.create_index(
        "one_active_case_a_fingerprint",
        "cases",
        ["fingerprint"],
        unique=True,
        sqlite_where=active,
        postgresql_where=active,
    )
    op.create_index("cases_by_due", "cases", ["due"])
    op.create_index("cases_by_lease", "cases", ["lease_until"])
    op.create_index("cases_by_opened", "cases", ["opened"])
    op.create_table(
        "history",
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )


def _effects_and_audit() -> None:
    op.create_table(
        "effects",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id")),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", MOMENT, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Column("receipt", sa.Text),
        sa.Column("created", MOMENT, nullable=False),
        sa.Column("promised", sa.Integer),
        sqlite_autoincrement=True,
    )
    op.create_index("effects_by_case", "effects", ["case_id", "state"])
    op.create_index("effects_by_due", "effects", ["state", "due"])
    op.create_table(
        "audit",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text),
        sa.Column("parent", sa.Integer),
        sa.Column("detail", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("audit_by_case", "audit", ["case_id", "seq"])


def _rest() -> None:
    op.create_table(
        "lessons",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_index("lessons_by_fingerprint", "lessons", ["fingerprint"])
    op.create_index("lessons_by_service", "lessons", ["service"])
    op.create_table(
        "checkpoints",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("blob", sa.LargeBinary, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
    )
    op.create_table(
        "levers",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("lever", sa.Text, nullable=False),
        sa.Column("on", sa.Integer, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
