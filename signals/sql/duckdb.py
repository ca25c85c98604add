"""DuckDB for reading: the file is opened read-only, with no way to other files, extensions or the network.

The dialect is ours and small: duckdb-engine does not know DuckDB 2 or SQLAlchemy 2.1, its successor asks for DuckDB 1.
Only whole statements of the operator's are sent, so nothing of SQL has to be built.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import duckdb
import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection, CursorResult, Engine, create_engine
from sqlalchemy.dialects import registry
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.engine.interfaces import DBAPIModule
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from signals.sql.kind import Fault, Kind, Said, TwoStatements, first_line

_CLOSED = {
    "enable_external_access": "false",  # no COPY, ATTACH, read_csv: no file but the one that is open
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "temp_directory": "",  # nothing is written beside the file when the memory is full
    "memory_limit": "256MB",
    "threads": "2",
}
_WRITES = ("read-only mode", "file system operations are disabled", "configuration has been locked")


class Duckdb(Kind):
    """One DuckDB file. `:start` and `:end` are `timestamp with time zone`; the time zone is UTC."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def place(self) -> str:
        """The file."""
        return str(self._file)

    @property
    def grace(self) -> timedelta:
        """None: DuckDB has no limit of its own."""
        return timedelta(0)

    @property
    def several(self) -> type[Exception]:
        """See `begin`."""
        return TwoStatements

    def engine(self) -> Engine:
        """See `Kind`."""
        registry.register("duckdb.reading", __name__, DuckdbDialect.__name__)
        return create_engine("duckdb+reading://", creator=self._open, poolclass=NullPool, hide_parameters=True)

    def begin(self, connection: Connection, query: str) -> Connection:
        """Let DuckDB's own parser see that it is one SELECT: `execute` would run several, one after the other."""
        try:
            kinds = [statement.type for statement in duckdb.extract_statements(query)]
        except duckdb.Error:
            return connection  # the execution says the same, as an error of SQLAlchemy's
        if kinds != [duckdb.StatementType.SELECT]:
            raise TwoStatements
        return connection

    def moment(self, at: datetime) -> object:
        """As it is."""
        return at

    def version(self, connection: Connection) -> str:
        """The library's version: there is no server."""
        del connection
        return f"DuckDB {duckdb.__version__}"

    def stop(self, opened: "_Opened") -> None:
        """Interrupt the statement."""
        opened.interrupt()

    def arrays(self, found: CursorResult[Any]) -> Mapping[str, npt.NDArray[Any]]:
        """As DuckDB itself makes them. See `Columnar`."""
        cursor: Any = found.cursor
        try:
            columns: dict[str, Any] = cursor.fetchnumpy()
        except duckdb.Error as error:  # SQLAlchemy sees only what it fetches itself
            raise DBAPIError(None, None, error) from None
        return {name: _with_none(column) for name, column in columns.items()}

    def said(self, error: DBAPIError) -> Said:
        """DuckDB names the kind of error at the start of its sentence, and in the exception's class."""
        cause, text = error.orig, first_line(error.orig)
        if isinstance(cause, duckdb.IOException):
            return Said(fault=Fault.DOWN, text=self._closed(text))
        if isinstance(cause, duckdb.InterruptException):
            return Said(fault=Fault.LATE, text=text)
        if isinstance(cause, duckdb.OutOfMemoryException):
            return Said(fault=Fault.LARGE, text=text)
        if any(words in text for words in _WRITES):
            return Said(fault=Fault.WRITES, text=text)
        down = isinstance(cause, duckdb.ConnectionException | duckdb.FatalException | duckdb.InternalException)
        return Said(fault=Fault.DOWN if down else Fault.REFUSED, text=text)

    def _closed(self, text: str) -> str:
        if "lock" in text:
            return "another process has the file open for writing; DuckDB lets nobody read then: read a copy"
        return "the file is not there: is the path right?" if not self._file.exists() else text

    def _open(self) -> "_Opened":
        raw = duckdb.connect(self._file.expanduser(), read_only=True, config=dict(_CLOSED))
        raw.execute("SET TimeZone = 'UTC'")
        raw.execute("SET lock_configuration = true")
        return _Opened(raw)


def _with_none(column: Any) -> npt.NDArray[Any]:  # noqa: ANN401 - an array, or numpy's masked one, which has no types
    """An array as it is; where some are masked, objects with None in their place."""
    if not np.ma.isMaskedArray(column):
        return np.asarray(column)
    objects = np.array(column.data, dtype=object)
    objects[np.ma.getmaskarray(column)] = None
    return objects


class _Opened:
    """A connection as SQLAlchemy wants it. DuckDB's cursors are connections of their own: the last is interrupted."""

    def __init__(self, raw: duckdb.DuckDBPyConnection) -> None:
        self._raw = raw
        self._cursor: duckdb.DuckDBPyConnection | None = None

    def cursor(self) -> duckdb.DuckDBPyConnection:
        self._cursor = self._raw.cursor()
        return self._cursor

    def interrupt(self) -> None:
        if self._cursor is not None:
            self._cursor.interrupt()

    def commit(self) -> None:
        """Nothing is ever written."""

    def rollback(self) -> None:
        """Nothing is ever written, and no transaction begun."""

    def close(self) -> None:
        self._raw.close()


class DuckdbDialect(DefaultDialect):
    """As much of a dialect as reading with the operator's own SQL needs."""

    name = "duckdb"
    driver = "reading"
    default_paramstyle = "qmark"
    supports_statement_cache = True
    supports_native_decimal = True

    @classmethod
    def import_dbapi(cls) -> DBAPIModule:
        """DuckDB's own DB-API."""
        return cast("DBAPIModule", duckdb)
