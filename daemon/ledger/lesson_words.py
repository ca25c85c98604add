"""Lessons by their words: FTS5 where SQLite keeps them, full text search where PostgreSQL does.

Both stem English words, and rank by how many of the wanted words a lesson has and how rare these are. What is searched
is bounded to the newest lessons, and indexed for the search alone: a ledger has hundreds of them, and an index on the
disk would have to be kept in step by every copy and removal.
"""

import json
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any, TypeAlias, cast

from sqlalchemy import Connection, Row, bindparam, text

MOST_SEARCHED = 5000
Rows: TypeAlias = Sequence[Row[Any, Any, Any]]
Found: TypeAlias = list[tuple[Row[Any, Any, Any], float]]
_FIELDS = ("service", "signal", "strategy", "ending", "subject", "paths", "text", "action")
_APART = re.compile(r"[^a-z0-9]+")  # both engines see plain words: `shop/pricing.py` is three


def in_sqlite(words: Sequence[str], rows: Rows) -> Found:
    """Those of the rows that have one of the words, with their rank, more is better; with no words every row, at 1."""
    if not words:
        return [(row, 1.0) for row in rows]
    with closing(sqlite3.connect(":memory:")) as index:
        index.execute("CREATE VIRTUAL TABLE words USING fts5(said, tokenize='porter unicode61')")
        index.executemany("INSERT INTO words (rowid, said) VALUES (?, ?)", enumerate(map(_said, rows)))
        wanted = " OR ".join(f'"{word}"' for word in words)
        ranked = index.execute("SELECT rowid, -bm25(words) FROM words WHERE words MATCH ?", (wanted,)).fetchall()
    return [(rows[int(number)], max(rank, _LEAST)) for number, rank in ranked]


def in_postgres(connection: Connection, words: Sequence[str], rows: Rows) -> Found:
    """The same, by the server's own index terms."""
    if not words:
        return [(row, 1.0) for row in rows]
    given = {"ids": list(range(len(rows))), "said": [_said(row) for row in rows], "words": list(words)}
    ranked = connection.execute(_RANKED, given).all()
    return [(rows[int(number)], max(rank, _LEAST)) for number, rank in ranked]


_LEAST = 1e-9  # a word that every lesson has ranks nothing, and is found all the same

# A word weighs what it tells: the logarithm of how few lessons have it, as BM25 weighs it.
_RANKED = text("""
WITH lesson AS (
    SELECT id, to_tsvector('english', said) AS said
    FROM unnest(CAST(:ids AS int[]), CAST(:said AS text[])) AS given(id, said)
), wanted AS (
    SELECT DISTINCT plainto_tsquery('english', word) AS word FROM unnest(CAST(:words AS text[])) AS word
), weighed AS (
    SELECT word, ln(1 + (SELECT count(*) FROM lesson)::float8 / (1 + (SELECT count(*) FROM lesson WHERE said @@ word)))
        AS weight
    FROM wanted WHERE numnode(word) > 0
)
SELECT lesson.id, sum(weight * (1 + ts_rank(said, word)))::float8
FROM lesson JOIN weighed ON said @@ word GROUP BY lesson.id
""").bindparams(bindparam("ids"), bindparam("said"), bindparam("words"))


def _said(row: Row[Any, Any, Any]) -> str:
    """What a lesson says, as plain words."""
    payload = cast("dict[str, Any]", json.loads(row.payload))
    return _APART.sub(" ", " ".join(str(payload.get(field, "")) for field in _FIELDS).lower())
