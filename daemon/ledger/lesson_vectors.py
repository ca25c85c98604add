"""Lessons by their vectors, as an option: beside the words they find spelling variants, compounds and inflections.

How a vector is made is `inference.embedding`'s; here they are kept and compared. `numpy` keeps them as bytes in any
store and compares them in this process: the stock builds of CPython often cannot load an extension into SQLite.
`pgvector` keeps them in a column of that extension, and the server compares. Both compare with every lesson that fits:
an index would be faster from a hundred thousand on, and would miss some.

A vector can be made again from its lesson at any time. So its table is no part of the schema that migrations make: it
is made when a ledger is opened with the option, stays when the option is turned off, may be dropped, and is in no
backup; a ledger that never had the option needs no extension, and an older version can open it.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from sqlalchemy import Column, LargeBinary, MetaData, Select, Table, Text, and_, inspect, select, text
from sqlalchemy import cast as as_type
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import UserDefinedType

from cases.errors import PermanentError
from daemon.ledger.database import Database, add_all, alone
from daemon.ledger.lesson_words import Rows
from daemon.ledger.ready import POSTGRES
from daemon.ledger.tables import lessons
from inference.embedding import FLOOR, VERSION, WIDTH, Vector, Words, embed, rarity, words_of

How: TypeAlias = Literal["numpy", "pgvector"]
_Chosen: TypeAlias = "Select[*tuple[Any, ...]]"
Near: TypeAlias = list[tuple[str, float]]
"""Ids of lessons with their cosine, the nearest first."""

CHUNK = 200  # lessons whose vectors are made in one transaction: no other writer waits longer than that
_FIELDS = ("subject", "paths", "text")  # what tells lessons apart; their service and the like are found as words


class _Pgvector(UserDefinedType[Vector]):
    """The extension's type, as its own text: [0.25,-0.5,…]."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return f"vector({WIDTH})"

    def bind_processor(self, dialect: Dialect) -> Callable[..., str | None]:
        del dialect

        def written(value: Vector | None) -> str | None:
            return None if value is None else f"[{','.join(map(repr, value.tolist()))}]"

        return written


def _table(name: str, kind: LargeBinary | _Pgvector) -> Table:
    return Table(
        name,
        MetaData(),
        Column("lesson_id", Text, primary_key=True),  # as `lessons` has it
        Column("made", Text, primary_key=True),  # which way
        Column("embedding", kind, nullable=False),
    )


class LessonVectors(ABC):
    """The vectors of one ledger's lessons."""

    table: Table

    def prepare(self, database: Database) -> None:
        """Make the table where it is not there. PermanentError when the database cannot keep it."""
        with database.reading() as connection:
            self.possible(connection, database.name)
            if inspect(connection).has_table(self.table.name):
                return
        with database.writing() as connection:
            alone(connection)  # PostgreSQL would let two make it at once, and refuse one
            connection.execute(CreateTable(self.table, if_not_exists=True))
            self._laid_out(connection)

    @abstractmethod
    def _laid_out(self, connection: Connection) -> None:
        """What else the table needs, which was made just now."""

    @abstractmethod
    def possible(self, connection: Connection, name: str) -> None:
        """Raise PermanentError when the database of that name cannot keep or compare vectors this way."""

    def keep(self, connection: Connection, rows: Sequence[tuple[str, str]]) -> None:
        """Add the vectors of lessons, by their ids and payloads as stored, where there is none."""
        made = [
            {"lesson_id": lesson_id, "made": VERSION, "embedding": self._stored(embed(said(payload)))}
            for lesson_id, payload in rows
        ]
        add_all(connection, self.table, made)

    def prepared(self, words: str, database: Database) -> Words:
        """What is looked for, as words, once every lesson has a vector; none where there are no words."""
        found = words_of(words)
        if found:
            self._catch_up(database)
        return found

    def _catch_up(self, database: Database) -> None:
        """Make the vectors that are missing: of lessons that were learnt without the option, or by another way.

        Several daemons may do so at once: what one has added, the others leave alone.
        """
        while True:
            with database.reading() as connection:
                missing = [(row.id, row.payload) for row in connection.execute(self._missing())]
            if not missing:
                return
            with database.writing() as connection:
                self.keep(connection, missing)

    def nearest(self, connection: Connection, wanted: Words, rows: Rows, fitting: _Chosen, most: int | None) -> Near:
        """The lessons that may be nearest to the wanted words, `most` of them.

        `rows` are lessons that tell how rare a word is. `fitting` is a query of lessons by their columns; all of them
        are compared, whatever its limit.
        """
        looked_for = embed(wanted, rarity(wanted, [said(row.payload) for row in rows]))
        if not looked_for.any():
            return []
        chosen = fitting.with_only_columns(lessons.c.id).order_by(None).limit(None)
        own = and_(self.table.c.lesson_id == lessons.c.id, self.table.c.made == VERSION)
        found = self._compared(connection, chosen.join_from(lessons, self.table, own), looked_for, most)
        return [(lesson_id, near) for lesson_id, near in found if near >= FLOOR]

    @abstractmethod
    def _compared(self, connection: Connection, chosen: _Chosen, wanted: Vector, most: int | None) -> Near:
        """The nearest of the chosen lessons, nearest first, those of one distance by their ids."""

    @abstractmethod
    def _stored(self, vector: Vector) -> object:
        """As the column takes it."""

    def _missing(self) -> _Chosen:
        own = and_(self.table.c.lesson_id == lessons.c.id, self.table.c.made == VERSION)
        without = select(lessons.c.id, lessons.c.payload).outerjoin(self.table, own)
        return without.where(self.table.c.lesson_id.is_(None)).limit(CHUNK)


class InNumpy(LessonVectors):
    """As bytes: little-endian float32, WIDTH of them."""

    table = _table("lesson_vectors", LargeBinary())

    def possible(self, connection: Connection, name: str) -> None:
        """Any store can."""

    def _laid_out(self, connection: Connection) -> None:
        """Nothing."""

    def _stored(self, vector: Vector) -> bytes:
        return vector.astype("<f4").tobytes()

    def _compared(self, connection: Connection, chosen: _Chosen, wanted: Vector, most: int | None) -> Near:
        rows = connection.execute(chosen.add_columns(self.table.c.embedding)).all()
        if not rows:
            return []
        kept = np.frombuffer(b"".join(row.embedding for row in rows), dtype="<f4").reshape(-1, WIDTH)
        cosines = (kept @ wanted).tolist()
        near = sorted(((row.id, cosine) for row, cosine in zip(rows, cosines, strict=True)), key=_first_nearest)
        return near[:most]


class InPgvector(LessonVectors):
    """In the extension's own column."""

    table = _table("lesson_vectors_pgvector", _Pgvector())

    def possible(self, connection: Connection, name: str) -> None:
        """A PostgreSQL that has the extension can."""
        if connection.dialect.name != POSTGRES:
            raise PermanentError(f"lessons.vectors is pgvector, and {name} is no PostgreSQL: set it to numpy or off")
        if not connection.execute(_THERE).scalar_one():
            raise PermanentError(
                f"the ledger {name} has no extension for lessons.vectors: pgvector. As a user who may, run CREATE "
                "EXTENSION vector in that database, in a schema of its search_path; or set lessons.vectors to numpy or "
                "off"
            )

    def _laid_out(self, connection: Connection) -> None:
        """Keep vectors within their rows: each would be fetched from elsewhere to be compared, three times as slow."""
        connection.execute(text(f"ALTER TABLE {self.table.name} ALTER COLUMN embedding SET STORAGE PLAIN"))

    def _stored(self, vector: Vector) -> Vector:
        return vector

    def _compared(self, connection: Connection, chosen: _Chosen, wanted: Vector, most: int | None) -> Near:
        distance = self.table.c.embedding.op("<=>")(as_type(wanted, _Pgvector()))
        query = chosen.add_columns(distance.label("distance")).order_by("distance", lessons.c.id).limit(most)
        return sorted(((row.id, 1.0 - float(row.distance)) for row in connection.execute(query)), key=_first_nearest)


_THERE = text("SELECT to_regtype('vector') IS NOT NULL AND EXISTS (SELECT FROM pg_extension WHERE extname = 'vector')")
_HOW: Mapping[How, type[LessonVectors]] = {"numpy": InNumpy, "pgvector": InPgvector}


def vectors_of(how: How) -> LessonVectors:
    """Those that are kept and compared that way."""
    return _HOW[how]()


def said(payload: str) -> Words:
    """The words of a stored lesson that its vector is made of."""
    fields = cast("dict[str, Any]", json.loads(payload))
    return words_of(" ".join(str(fields.get(field, "")) for field in _FIELDS))


def _first_nearest(near: tuple[str, float]) -> tuple[float, str]:
    """Two databases round differently in the last places: what differs only there is as near."""
    return -round(near[1], 5), near[0]
