"""The tables, in types that SQLite and PostgreSQL both have. `migrations/` makes them; a test compares both."""

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    text,
)

from cases.moments import utc


class Moment(TypeDecorator[datetime]):
    """A UTC time to the microsecond. SQLite has no zones and keeps sortable text; both give an aware UTC time back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - given
        """Refuse a time that is not in UTC: it would be stored as if it were."""
        return value if value is None else utc(value, "a row of the ledger")

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - given
        """Say that the time is in UTC, as it was when it was stored."""
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


class State(StrEnum):
    """Where an effect is between its promise and the outside's answer."""

    INTENDED = "intended"
    DONE = "done"
    DROPPED = "dropped"


metadata = MetaData()

# `phase`, `hold` and `updated` say what the history says, so that the next case can be found by an index.
cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("hold", Text, nullable=False),
    Column("opened", Moment, nullable=False),
    Column("updated", Moment, nullable=False),
    Column("due", Moment),  # NULL: it waits for somebody to wake it
    Column("wake", Moment),  # somebody spoke while it was under lease: its holder must not put `due` past this
    Column("lease_owner", Text),
    Column("lease_until", Moment),
    Column("fence", Integer, nullable=False),  # grows with every claim, and when a lease is revoked
    Column("version", Integer, nullable=False),  # how many entries its history has
    Index(
        "one_active_case_a_fingerprint",
        "fingerprint",
        unique=True,
        # PostgreSQL's is in the migrations alone: to name its dialect here would load it, 6 MB of an idle daemon.
        sqlite_where=text("phase <> 'closed'"),
    ),
    Index("cases_by_due", "due"),
    Index("cases_by_lease", "lease_until"),
    Index("cases_by_opened", "opened"),
)

history = Table(
    "history",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),  # 1 for Opened
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
)

effects = Table(
    "effects",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),  # the order in which they were promised
    Column("key", Text, nullable=False, unique=True),
    Column("case_id", Text, ForeignKey("cases.id")),  # NULL for notices that belong to no case
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", Moment, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("receipt", Text),
    Column("created", Moment, nullable=False),
    Column("promised", Integer),  # the audit entry that promised it
    Index("effects_by_case", "case_id", "state"),
    Index("effects_by_due", "state", "due"),
    sqlite_autoincrement=True,
)

# No foreign keys: it outlives what it tells of.
audit = Table(
    "audit",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("case_id", Text),
    Column("parent", Integer),  # the entry that this one follows from
    Column("detail", Text, nullable=False),
    Column("hash", Text, nullable=False, server_default=""),  # over this line and the hash of the one before
    Index("audit_by_case", "case_id", "seq"),
    sqlite_autoincrement=True,  # a number is never given twice
)

lessons = Table(
    "lessons",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    Column("payload", Text, nullable=False),
    Index("lessons_by_fingerprint", "fingerprint"),
    Index("lessons_by_service", "service"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("key", Text, primary_key=True),
    Column("blob", LargeBinary, nullable=False),
    Column("at", Moment, nullable=False),
)

# Every pull of a lever; the newest row of a lever is how it stands.
levers = Table(
    "levers",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("lever", Text, nullable=False),
    Column("on", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
)

# The daemons that share this ledger, for people and for each other; no lease depends on it.
daemons = Table(
    "daemons",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Text, nullable=False),
    Column("config", Text, nullable=False),  # the digest of the settings in force
    Column("host", Text, nullable=False),
    Column("started", Moment, nullable=False),
    Column("seen", Moment, nullable=False),  # its newest heartbeat
    Column("working", Text, nullable=False),  # the ids of the cases in hand, by commas
)

# Money for language models. A reservation counts in full until it is settled.
spend = Table(
    "spend",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("reserved", Float, nullable=False),  # USD
    Column("usd", Float),  # NULL until it is settled
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Index("spend_by_time", "at"),
    Index("spend_by_case", "case_id"),
)

# Deploys that a tool told us of, one row a message; the same message twice is one row.
deploys = Table(
    "deploys",
    metadata,
    Column("id", Text, primary_key=True),  # made from what it says
    Column("service", Text, nullable=False),
    Column("commit", Text, nullable=False),
    Column("started", Moment, nullable=False),
    Column("environment", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("received", Moment, nullable=False),
    Index("deploys_by_service", "service", "started"),
)
