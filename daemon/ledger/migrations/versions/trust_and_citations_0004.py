"""Marks of trust, citations of lessons, and lessons that came from another ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Add both tables; a lesson may have no case here."""
    _lessons(case_needed=False)
    op.create_table(
        "citations",
        sa.Column("lesson_id", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("good", sa.Integer, nullable=False),
    )
    op.create_table(
        "marks",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("case_id", sa.Text, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("risk", sa.Text, nullable=False),
        sa.Column("sha", sa.Text, nullable=False),
        sa.Column("linked", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_index("marks_by_case", "marks", ["case_id"])
    op.create_index("marks_by_area", "marks", ["kind", "risk", "repository", "service"])
    op.create_index("marks_by_sha", "marks", ["sha"])


def downgrade() -> None:
    """Remove both. Lessons of another ledger have no place in the older one."""
    op.drop_table("marks")
    op.drop_table("citations")
    op.execute(sa.text("DELETE FROM lessons WHERE case_id IS NULL"))
    _lessons(case_needed=True)


def _lessons(*, case_needed: bool) -> None:
    """Whether a lesson needs a case. SQLite cannot alter a column: there the table is made anew, with its rows."""
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column("lessons", "case_id", existing_type=sa.Text, nullable=not case_needed)
        return
    for index in ("lessons_by_fingerprint", "lessons_by_service"):
        op.drop_index(index)
    op.rename_table("lessons", "lessons_before")
    op.create_table(
        "lessons",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("case_id", sa.Text, sa.ForeignKey("cases.id"), nullable=not case_needed),
        sa.Column("payload", sa.Text, nullable=False),
    )
    columns = "id, at, fingerprint, service, case_id, payload"
    op.execute(sa.text(f"INSERT INTO lessons ({columns}) SELECT {columns} FROM lessons_before"))  # noqa: S608 - constants
    op.drop_table("lessons_before")
    op.create_index("lessons_by_fingerprint", "lessons", ["fingerprint"])
    op.create_index("lessons_by_service", "lessons", ["service"])
