"""LessonStore: what closed cases taught."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Connection, Row, Select, Text, case, func, insert, or_, select, type_coerce

from cases.case import Case
from cases.outcome import NO_CHANGE, Ending, Lesson, Quality, Recalled, Wanted
from cases.stores import ANY
from daemon.ledger import audit
from daemon.ledger.audit import AuditEntry
from daemon.ledger.chain import digest
from daemon.ledger.codec import LESSONS
from daemon.ledger.database import Database, added, alone
from daemon.ledger.lesson_words import MOST_SEARCHED, Rows, in_postgres, in_sqlite
from daemon.ledger.ready import POSTGRES
from daemon.ledger.tables import citations, keyed, lessons, storable

if TYPE_CHECKING:
    from daemon.ledger.lesson_vectors import LessonVectors  # numpy, for those who set it

LEARNT, TAKEN_IN = "lesson.learnt", "lesson.taken-in"
MOST_WORDS = 32
MOST_NEAR = 400  # lessons that vectors may add to what words find
_AT_ONCE = 50
_HALF = 0.5
FLAT = 60
"""How little a place near the top counts for more than the next: reciprocal rank fusion as in Cormack, Clarke and
Büttcher, "Reciprocal rank fusion outperforms Condorcet and individual rank learning methods", SIGIR 2009."""
_NO_CHANGE = f'%"strategy":"{NO_CHANGE}"%'  # as the codec writes it; a quote within a text is escaped there
_WORD = re.compile(r"[a-z0-9]+")

# Whether the end of a case speaks for the lessons that it cited.
_SAYS = {
    Ending.WORKED: True,
    Ending.UNCHANGED: False,
    Ending.HARMFUL: False,
    Ending.ROLLED_BACK: False,
    Ending.CLOSED_UNMERGED: False,
}


class LedgerLessons:
    """The lessons of one ledger (see `cases.ports.LessonStore`)."""

    def __init__(self, database: Database, vectors: "LessonVectors | None" = None) -> None:
        self._database = database
        self._vectors = vectors  # None: words alone

    def recall(self, fingerprint: str, service: str, limit: int = 5) -> tuple[Lesson, ...]:
        """Lessons of that fingerprint first, then of that service, newest first; only of changes that were drafted."""
        same = lessons.c.fingerprint == fingerprint
        query = (
            select(lessons)
            .where(or_(same, lessons.c.service == service), lessons.c.payload.not_like(_NO_CHANGE))
            .order_by(case((same, 0), else_=1), lessons.c.at.desc(), lessons.c.id)
            .limit(limit)
        )
        return self._lessons(query)

    def newest(self, limit: int = 100) -> tuple[Lesson, ...]:
        """The newest lessons of all, newest first; also those of cases whose history was removed."""
        return self._lessons(select(lessons).order_by(lessons.c.at.desc(), lessons.c.id).limit(limit))

    def search(self, words: str, wanted: Wanted = ANY, limit: int = 5) -> tuple[Recalled, ...]:
        """Lessons that share words with these, or their stems, the best first; with no words the newest that fit.

        The words rank, and a lesson's quality tips what they leave close. With vectors those that are near by their
        letters are found too, and both orders are merged by their places.
        """
        stems = tuple(dict.fromkeys(_WORD.findall(words.lower())))[:MOST_WORDS]
        spoken = self._vectors.prepared(words, self._database) if self._vectors is not None else ()
        with self._database.reading() as connection:
            rows = connection.execute(_fitting(wanted)).all()
            found = [_by_words(connection, stems, rows, wanted) if stems or not spoken else []]
            if spoken:
                found.append(self._near(connection, spoken, rows, wanted))
            known = _quality(connection, {lesson.id for each in found for lesson, _ in each})
        orders = [_ordered(each, known) for each in found]
        return tuple((orders[0] if len(orders) == 1 else _merged(orders))[:limit])

    def _near(self, connection: Connection, spoken: Sequence[str], rows: Rows, wanted: Wanted) -> "_Fits":
        """The wanted lessons that are nearest to what is spoken of.

        One that has less than half in common with it of what the nearest has is near by what all texts share.
        """
        if self._vectors is None:
            return []
        from daemon.ledger.lesson_vectors import said  # loaded with the vectors
        from inference.embedding import alike

        # What the columns cannot choose is left out below, and then more of the nearest are needed.
        chosen_here = bool(wanted.strategy or wanted.signal or wanted.ending)
        near = self._vectors.nearest(connection, spoken, rows, _fitting(wanted), None if chosen_here else MOST_NEAR)
        fits: _Fits = []
        least = 0.0
        for start in range(0, len(near), _AT_ONCE):
            part = {name: cosine for name, cosine in near[start : start + _AT_ONCE] if cosine >= least}
            if not part:
                break
            query = select(lessons).where(type_coerce(lessons.c.id, Text).in_(list(part)))
            rows = [row for row in connection.execute(query) if alike(spoken, said(row.payload))]
            found = [(_unpacked(row), part[row.id]) for row in rows]
            fits += [(lesson, cosine) for lesson, cosine in found if _is_wanted(lesson, wanted)]
            least = _HALF * max((cosine for _, cosine in fits), default=0.0)
        return [(lesson, cosine) for lesson, cosine in fits if cosine >= least]

    def quality(self, ids: Collection[str]) -> Mapping[str, Quality]:
        """How each of these lessons has fared in the cases that cited it."""
        with self._database.reading() as connection:
            return _quality(connection, ids)

    def take_in(self, lesson: Lesson, by: str, at: datetime) -> bool:
        """Store a lesson that another ledger learnt; False when one of that id is here."""
        with self._database.writing() as connection:
            alone(connection)
            return _add(connection, lesson, None, AuditEntry(at=at, actor=by, action=TAKEN_IN), self._vectors)

    def _lessons(self, query: Select[Any]) -> tuple[Lesson, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(map(_unpacked, rows))


def learn(connection: Connection, case_id: str, lesson: Lesson, vectors: "LessonVectors | None" = None) -> None:
    """Store the lesson of a case within the transaction that closes it. One of that id is left alone."""
    line = AuditEntry(at=lesson.at, actor=audit.DAEMON, action=LEARNT, case=case_id)
    _add(connection, lesson, case_id, line, vectors)


def cite(connection: Connection, case_: Case, at: datetime) -> None:
    """Count what became of a closed case for the lessons that it cited; an end that says nothing counts nothing."""
    good = _SAYS.get(case_.outcome.ending) if case_.outcome is not None else None
    if good is None or case_.diagnosis is None:
        return
    for lesson_id in case_.diagnosis.cited:
        row = {"lesson_id": storable(lesson_id), "case_id": storable(case_.id), "at": at, "good": int(good)}
        added(connection, citations, row)


def _add(
    connection: Connection, lesson: Lesson, case_id: str | None, line: AuditEntry, vectors: "LessonVectors | None"
) -> bool:
    if connection.execute(select(lessons.c.id).where(lessons.c.id == lesson.id)).first():
        return False
    row = {
        "id": storable(lesson.id),
        "at": lesson.at,
        "fingerprint": storable(lesson.fingerprint),
        "service": storable(lesson.service),
        "case_id": None if case_id is None else storable(case_id),
        "payload": LESSONS.pack(lesson).payload,
    }
    connection.execute(insert(lessons).values(row))
    if vectors is not None:
        vectors.keep(connection, [(keyed(storable(lesson.id)), str(row["payload"]))])
    audit.append(connection, replace(line, detail={"lesson": lesson.id, "sha": digest(**row)}))
    return True


_Fits: TypeAlias = list[tuple[Lesson, float]]
"""Lessons with how well they fit; more is better."""


def _unpacked(row: "Row[*tuple[Any, ...]]") -> Lesson:
    return LESSONS.unpack(Lesson.__name__, row.payload, f"lesson {row.id}")


def _by_words(connection: Connection, stems: Sequence[str], rows: Rows, wanted: Wanted) -> _Fits:
    """The wanted lessons that have these words."""
    on_server = connection.dialect.name == POSTGRES
    found = in_postgres(connection, stems, rows) if on_server else in_sqlite(stems, rows)
    fits = [(_unpacked(row), rank) for row, rank in found]
    return [(lesson, rank) for lesson, rank in fits if _is_wanted(lesson, wanted)]


def _ordered(fits: _Fits, known: Mapping[str, Quality]) -> list[Recalled]:
    """The best first: how well a lesson fits, tipped by its quality; of equals the newest."""
    recalled = [
        Recalled(lesson=lesson, quality=known[lesson.id], rank=fit * (0.5 + known[lesson.id].score))
        for lesson, fit in fits
    ]
    return sorted(recalled, key=_place)


def _merged(orders: Sequence[Sequence[Recalled]]) -> list[Recalled]:
    """Several orders as one, by the places that a lesson has in them: what each ranks by cannot be added up."""
    ranks = defaultdict[str, float](float)
    for order in orders:
        for place, one in enumerate(order, 1):
            ranks[one.lesson.id] += 1 / (FLAT + place)
    found = {one.lesson.id: one for order in orders for one in order}
    return sorted((replace(one, rank=ranks[name]) for name, one in found.items()), key=_place)


def _place(one: Recalled) -> tuple[float, float, str]:
    return -round(one.rank, 9), -one.lesson.at.timestamp(), one.lesson.id


def _quality(connection: Connection, ids: Collection[str]) -> dict[str, Quality]:
    query = (
        select(citations.c.lesson_id, func.sum(citations.c.good), func.count())
        .where(citations.c.lesson_id.in_(list(ids)))
        .group_by(citations.c.lesson_id)
    )
    counted = {name: Quality(helped=good, misled=n - good) for name, good, n in connection.execute(query)}
    return {lesson_id: counted.get(lesson_id, Quality()) for lesson_id in ids}


def _fitting(wanted: Wanted) -> "Select[Any, Any, Any]":
    """The rows that the columns can choose, newest first, `MOST_SEARCHED` at the most."""
    query = select(lessons.c.id, lessons.c.at, lessons.c.payload)
    if wanted.service:
        query = query.where(lessons.c.service == wanted.service)
    if wanted.fingerprint:
        query = query.where(lessons.c.fingerprint == wanted.fingerprint)
    if wanted.since is not None:
        query = query.where(lessons.c.at >= wanted.since)
    return query.order_by(lessons.c.at.desc(), lessons.c.id).limit(MOST_SEARCHED)


def _is_wanted(lesson: Lesson, wanted: Wanted) -> bool:
    """The rest of what is asked for, which only the lesson itself tells."""
    return (
        wanted.strategy in {"", lesson.strategy}
        and wanted.signal in {"", lesson.signal, lesson.signal.rpartition("/")[2]}
        and wanted.ending in {None, lesson.ending}
    )
