"""The tables, in types that SQLite and PostgreSQL both have. `migrations/` makes them; a test compares both."""

import hashlib
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

LONGEST_KEY = 500  # characters; PostgreSQL's indexes take 2,704 bytes


class Moment(TypeDecorator[datetime]):
    """A UTC time to the microsecond. SQLite has no zones and keeps sortable text; both give an aware UTC time back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - given
        """Refuse a time that is not in UTC: it would be stored as if it were."""
        return value if value is None else utc(value, "a row of the ledger")

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - given
        """Say that the time is in UTC, as it was when it was stored."""
        if value is None or value.tzinfo is None:
            return value if value is None else value.replace(tzinfo=UTC)
        return value.astimezone(UTC)  # PostgreSQL's comes in the time zone of the session


class Words(TypeDecorator[str]):
    """Text that may come from outside, as every database takes it: a NUL and half a surrogate pair are replaced.

    Where it is looked for, it is replaced too, and so it is found.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - given
        """Replace what PostgreSQL or UTF-8 cannot hold."""
        return value if value is None else storable(value)


class Key(Words):
    """Text by which rows are found. One that no index takes is cut, and its digest stands for the rest."""

    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what cannot be held, then cut."""
        text = super().process_bind_param(value, dialect)
        return text if text is None else keyed(text)


def storable(text: str) -> str:
    """The text as every database takes it."""
    return str(text).replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def keyed(text: str) -> str:
    """The storable text as a `Key` keeps it."""
    if len(text) <= LONGEST_KEY:
        return text
    return f"{text[:LONGEST_KEY]}…{hashlib.sha256(text.encode()).hexdigest()[:32]}"


class State(StrEnum):
    """Where an effect is between its promise and the outside's answer."""

    INTENDED = "intended"
    DONE = "done"
    DROPPED = "dropped"


metadata = MetaData()
ACTIVE = text("phase <> 'closed'")

# `phase`, `hold` and `updated` say what the history says, so that the next case can be found by an index.
cases = Table(
    "cases",
    metadata,
    Column("id", Key, primary_key=True),
    Column("service", Key, nullable=False),
    Column("fingerprint", Key, nullable=False),
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
        # PostgreSQL's is set by `active_only`: to name its dialect here would load it, 6 MB of an idle daemon.
        sqlite_where=ACTIVE,
    ),
    Index("cases_by_due", "due"),
    Index("cases_by_lease", "lease_until"),
    Index("cases_by_opened", "opened"),
)

history = Table(
    "history",
    metadata,
    Column("case_id", Key, ForeignKey("cases.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),  # 1 for Opened
    Column("at", Moment, nullable=False),
    Column("actor", Words, nullable=False),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
)

effects = Table(
    "effects",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),  # the order in which they were promised
    Column("key", Key, nullable=False, unique=True),
    Column("case_id", Key, ForeignKey("cases.id")),  # NULL for notices that belong to no case
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due", Moment, nullable=False),
    Column("last_error", Words, nullable=False),
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
    Column("actor", Words, nullable=False),
    Column("action", Words, nullable=False),
    Column("case_id", Words),
    Column("parent", Integer),  # the entry that this one follows from
    Column("detail", Text, nullable=False),
    Column("hash", Text, nullable=False, server_default=""),  # over this line and the hash of the one before
    Index("audit_by_case", "case_id", "seq"),
    sqlite_autoincrement=True,  # a number is never given twice
)

lessons = Table(
    "lessons",
    metadata,
    Column("id", Key, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("fingerprint", Key, nullable=False),
    Column("service", Key, nullable=False),
    Column(
        "case_id", Key, ForeignKey("cases.id")
    ),  # NULL: it came from another ledger, and its payload says which case
    Column("payload", Text, nullable=False),
    Index("lessons_by_fingerprint", "fingerprint"),
    Index("lessons_by_service", "service"),
)

# What became of the cases that a lesson was cited in: its quality is counted from these.
citations = Table(
    "citations",
    metadata,
    Column("lesson_id", Key, primary_key=True),
    Column("case_id", Key, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("good", Integer, nullable=False),
)

# What outcomes say of the daemon's right to act (see `cases.trust`). No foreign keys: they outlive a case's history.
marks = Table(
    "marks",
    metadata,
    Column("id", Key, primary_key=True),  # case, change and book
    Column("case_id", Key, nullable=False),
    Column("at", Moment, nullable=False),  # from when on it counts
    Column("repository", Key, nullable=False),
    Column("service", Key, nullable=False),
    Column("kind", Key, nullable=False),
    Column("risk", Key, nullable=False),
    Column("sha", Key, nullable=False),  # the merge, "" before there is one
    Column("linked", Words, nullable=False),  # the incident that was traced to it; "" for what its own case says
    Column("payload", Text, nullable=False),
    Index("marks_by_case", "case_id"),
    Index("marks_by_area", "kind", "risk", "repository", "service"),
    Index("marks_by_sha", "sha"),
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("key", Key, primary_key=True),
    Column("blob", LargeBinary, nullable=False),
    Column("at", Moment, nullable=False),
)

# Every pull of a lever; the newest row of a lever is how it stands.
levers = Table(
    "levers",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("lever", Words, nullable=False),
    Column("on", Integer, nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", Words, nullable=False),
    Column("reason", Words, nullable=False),
)

# The daemons that share this ledger, for people and for each other; no lease depends on it.
daemons = Table(
    "daemons",
    metadata,
    Column("name", Key, primary_key=True),
    Column("version", Words, nullable=False),
    Column("config", Words, nullable=False),  # the digest of the settings in force
    Column("host", Words, nullable=False),
    Column("started", Moment, nullable=False),
    Column("seen", Moment, nullable=False),  # its newest heartbeat
    Column("working", Words, nullable=False),  # the ids of the cases in hand, by commas
)

# Money for language models. A reservation counts in full until it is settled.
spend = Table(
    "spend",
    metadata,
    Column("id", Key, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("case_id", Key, nullable=False),
    Column("purpose", Words, nullable=False),
    Column("model", Words, nullable=False),
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
    Column("id", Key, primary_key=True),  # made from what it says
    Column("service", Key, nullable=False),
    Column("commit", Words, nullable=False),
    Column("started", Moment, nullable=False),
    Column("environment", Words, nullable=False),
    Column("source", Words, nullable=False),
    Column("received", Moment, nullable=False),
    Index("deploys_by_service", "service", "started"),
)


def active_only(dialect: str) -> None:
    """Let the index of active cases be so in that dialect too, which this loads."""
    for index in cases.indexes:
        if index.name == "one_active_case_a_fingerprint":
            index.dialect_options[dialect]["where"] = ACTIVE
