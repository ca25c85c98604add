"""The statements of a step, built once: the driver gets their text as it is, and PostgreSQL several in one trip.

To build a statement, to look it up and to run it the long way costs ten times what SQLite needs to answer it, and a
step has a dozen of them. What is rare goes the long way, in the same transactions.
"""

import logging
import re
from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sqlalchemy import Connection, Dialect, Insert, Select, Table, TextClause, Update, bindparam, insert
from sqlalchemy.types import TypeEngine

if TYPE_CHECKING:
    import sqlite3

    import psycopg

POSTGRES = "postgresql"
_LATER = "ledger.later"  # in a connection's own notes
_COMMIT = b"COMMIT"
_PLACE = re.compile(r"%\((\w+)\)s")

log = logging.getLogger("trackwalker.ledger.statements")  # at DEBUG it tells their text, and never a value

Statement = Select[*tuple[Any, ...]] | Insert | Update | TextClause
Rows = Sequence[tuple[Any, ...]]
_Change = Callable[[Any], Any]


class _Text(NamedTuple):
    """A statement as one kind of database takes it."""

    table: str  # that it writes to; "" where it writes to none
    words: str
    coded: bytes
    given: Mapping[str, _Change | None]  # what it is given by name, and how that becomes what the driver takes
    always: Mapping[str, Any]  # what is so in every use of it
    places: Sequence[str]  # the names by place; none where the driver takes them by name
    found: Sequence[tuple[int, _Change]]  # the columns of the answer that are not taken as they come


class Ready:
    """A statement that is compiled once for each kind of database. Whatever it is given has a name."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._texts: dict[str, _Text] = {}

    def __call__(self, **values: Any) -> "Asked":  # noqa: ANN401 - as the columns' types are
        """Fill it in."""
        return Asked(self, values)

    def text(self, dialect: Dialect) -> _Text:
        """As that kind of database takes it."""
        found = self._texts.get(dialect.name)
        if found is None:
            found = self._texts[dialect.name] = _compiled(self._statement, dialect)
        return found


class Asked(NamedTuple):
    """A statement with what it is given."""

    ready: Ready
    values: Mapping[str, Any]


def adding(table: Table, *but: str) -> Ready:
    """The statement that adds one row: all of its columns but those that the database fills."""
    return Ready(insert(table).values({name: bindparam(name) for name in table.c.keys() if name not in but}))  # noqa: SIM118 - of columns


def ask(connection: Connection, *asked: Asked) -> list[Rows]:
    """The rows of each answer, in order. PostgreSQL is asked in one trip; each sees what those before it have done.

    What was put off is done first. Raises the driver's own errors: the database's transactions know what they mean.
    """
    if connection.dialect.name != POSTGRES:
        return _in_sqlite(connection, asked)
    postponed: list[Asked] | None = connection.info.get(_LATER)
    if not postponed:
        return _in_postgres(connection, (), asked)
    before = tuple(postponed)
    postponed.clear()
    return _in_postgres(connection, before, asked)


def later(connection: Connection, asked: Asked) -> None:
    """Write it before anything else is asked in this transaction, and with its commit at the latest.

    Only for what adds or changes rows of one table, and has no answer.
    """
    postponed: list[Asked] | None = connection.info.get(_LATER)
    if postponed is None:
        ask(connection, asked)
    else:
        postponed.append(asked)


@contextmanager
def postponing(connection: Connection) -> Generator[None]:
    """Within it, what is to be done `later` waits; at its end all of that and the commit are one trip."""
    notes = connection.info
    postponed = notes[_LATER] = list[Asked]()
    try:
        yield
        if postponed:
            _in_postgres(connection, postponed, (), commit=True)
    finally:
        notes.pop(_LATER, None)


def catch_up(connection: Connection, *_: object) -> None:
    """Do what was put off: something is about to be asked the long way."""
    if connection.info.get(_LATER):
        ask(connection)


def _in_sqlite(connection: Connection, asked: Sequence[Asked]) -> list[Rows]:
    raw = cast("sqlite3.Connection", connection.connection.driver_connection)
    answers: list[Rows] = []
    for each in asked:
        text = each.ready.text(connection.dialect)
        log.debug("%s", text.words)
        values = _given(text, each.values)
        found = raw.execute(text.words, [values[name] for name in text.places]).fetchall()
        answers.append(_found(text, found))
    return answers


def _in_postgres(
    connection: Connection, writes: Sequence[Asked], asked: Sequence[Asked], *, commit: bool = False
) -> list[Rows]:
    raw = cast("psycopg.Connection[tuple[Any, ...]]", connection.connection.driver_connection)
    texts = [each.ready.text(connection.dialect) for each in asked]
    calls = [*_woven(connection.dialect, writes)]
    calls += [(text.coded, _given(text, each.values)) for text, each in zip(texts, asked, strict=True)]
    if commit:
        calls.append((_COMMIT, {}))
    for words, _ in calls:
        log.debug("%s", words.decode())
    if len(calls) == 1:
        cursors = [raw.execute(*calls[0])]
    else:
        with raw.pipeline():  # an error in one of them: none of those after it is done, the commit least of all
            cursors = [raw.execute(words, values) for words, values in calls]
    answers = cursors[len(calls) - len(asked) :] if asked else []
    return [
        _found(text, cursor.fetchall()) if cursor.description else ()
        for text, cursor in zip(texts, answers, strict=True)
    ]


def _woven(dialect: Dialect, writes: Sequence[Asked]) -> Generator[tuple[bytes, Mapping[str, Any]]]:
    """As few statements as may be: those on different tables, which know nothing of each other, become one."""
    waiting: dict[str, tuple[_Text, Mapping[str, Any]]] = {}
    for each in writes:
        text = each.ready.text(dialect)
        if text.table in waiting:
            yield _one(waiting.values())
            waiting.clear()
        waiting[text.table] = text, _given(text, each.values)
    if waiting:
        yield _one(waiting.values())


def _one(woven: Collection[tuple[_Text, Mapping[str, Any]]]) -> tuple[bytes, Mapping[str, Any]]:
    values = {f"{name}_{n}": value for n, (_, given) in enumerate(woven) for name, value in given.items()}
    return _words(tuple(text.words for text, _ in woven)), values


@lru_cache(maxsize=64)
def _words(statements: tuple[str, ...]) -> bytes:
    """The statements as one, whose values have a number behind their name."""
    *firsts, last = (_PLACE.sub(rf"%(\1_{n})s", words) for n, words in enumerate(statements))
    within = ", ".join(f"write_{n} AS ({words})" for n, words in enumerate(firsts))
    return (f"WITH {within} {last}" if within else last).encode()


def _given(text: _Text, values: Mapping[str, Any]) -> Mapping[str, Any]:
    given = {name: values[name] if change is None else change(values[name]) for name, change in text.given.items()}
    return {**given, **text.always} if text.always else given


def _found(text: _Text, rows: Rows) -> Rows:
    if not text.found or not rows:
        return rows
    changed: list[tuple[Any, ...]] = []
    for row in rows:
        columns = list(row)
        for number, change in text.found:
            columns[number] = change(columns[number])
        changed.append(tuple(columns))
    return changed


def _compiled(statement: Statement, dialect: Dialect) -> _Text:
    compiled = statement.compile(dialect=dialect)
    if compiled.literal_execute_params or compiled.post_compile_params:
        raise TypeError("a statement whose text depends on what it is given goes the long way")
    given: dict[str, _Change | None] = {}
    always: dict[str, Any] = {}
    for name in compiled.params:
        bind = compiled.binds[name]
        change = _impl(bind.type, dialect).bind_processor(dialect)
        if bind.required:
            given[name] = change
        else:
            always[name] = bind.value if change is None else change(bind.value)
    changes = enumerate(_impl(each, dialect).result_processor(dialect, None) for each in _columns(statement))
    return _Text(
        table=str(statement.table) if isinstance(statement, Insert | Update) else "",
        words=compiled.string,
        coded=compiled.string.encode(),
        given=given,
        always=always,
        places=compiled.positiontup or (),
        found=tuple((number, change) for number, change in changes if change is not None),
    )


def _impl(kind: TypeEngine[Any], dialect: Dialect) -> TypeEngine[Any]:
    return kind.dialect_impl(dialect)


def _columns(statement: Statement) -> Sequence[TypeEngine[Any]]:
    """The types of the columns of its answer."""
    if isinstance(statement, Select):
        return [column.type for column in statement.selected_columns]
    if isinstance(statement, Update):
        return [column["type"] for column in statement.returning_column_descriptions]
    return ()
