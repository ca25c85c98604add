"""LessonStore: what closed cases taught."""

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, func, insert, or_, select

from cases.case import Case
from cases.outcome import NO_CHANGE, Ending, Lesson, Quality, Recalled, Wanted
from cases.ports import ANY
from daemon.ledger import audit
from daemon.ledger.audit import AuditEntry
from daemon.ledger.chain import digest
from daemon.ledger.codec import LESSONS
from daemon.ledger.database import Database, added, alone
from daemon.ledger.lesson_words import MOST_SEARCHED, in_postgres, in_sqlite
from daemon.ledger.ready import POSTGRES
from daemon.ledger.tables import citations, lessons, storable

LEARNT, TAKEN_IN = "lesson.learnt", "lesson.taken-in"
MOST_WORDS = 32
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

    def __init__(self, database: Database) -> None:
        self._database = database

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

        The words rank, and a lesson's quality tips what they leave close.
        """
        stems = tuple(dict.fromkeys(_WORD.findall(words.lower())))[:MOST_WORDS]
        with self._database.reading() as connection:
            if connection.dialect.name == POSTGRES:
                found = in_postgres(connection, stems, _fitting(wanted))
            else:
                found = in_sqlite(connection, stems, _fitting(wanted))
            fits = [(LESSONS.unpack(Lesson.__name__, row.payload, f"lesson {row.id}"), rank) for row, rank in found]
            fits = [(lesson, rank) for lesson, rank in fits if _is_wanted(lesson, wanted)]
            known = _quality(connection, [lesson.id for lesson, _ in fits])
        recalled = [
            Recalled(lesson=lesson, quality=known[lesson.id], rank=rank * (0.5 + known[lesson.id].score))
            for lesson, rank in fits
        ]
        recalled.sort(key=lambda one: (-one.rank, -one.lesson.at.timestamp(), one.lesson.id))
        return tuple(recalled[:limit])

    def quality(self, ids: Collection[str]) -> Mapping[str, Quality]:
        """How each of these lessons has fared in the cases that cited it."""
        with self._database.reading() as connection:
            return _quality(connection, ids)

    def take_in(self, lesson: Lesson, by: str, at: datetime) -> bool:
        """Store a lesson that another ledger learnt; False when one of that id is here."""
        with self._database.writing() as connection:
            alone(connection)
            return _add(connection, lesson, None, AuditEntry(at=at, actor=by, action=TAKEN_IN))

    def _lessons(self, query: Select[Any]) -> tuple[Lesson, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(LESSONS.unpack(Lesson.__name__, row.payload, f"lesson {row.id}") for row in rows)


def learn(connection: Connection, case_id: str, lesson: Lesson) -> None:
    """Store the lesson of a case within the transaction that closes it. One of that id is left alone."""
    _add(connection, lesson, case_id, AuditEntry(at=lesson.at, actor=audit.DAEMON, action=LEARNT, case=case_id))


def cite(connection: Connection, case_: Case, at: datetime) -> None:
    """Count what became of a closed case for the lessons that it cited; an end that says nothing counts nothing."""
    good = _SAYS.get(case_.outcome.ending) if case_.outcome is not None else None
    if good is None or case_.diagnosis is None:
        return
    for lesson_id in case_.diagnosis.cited:
        row = {"lesson_id": storable(lesson_id), "case_id": storable(case_.id), "at": at, "good": int(good)}
        added(connection, citations, row)


def _add(connection: Connection, lesson: Lesson, case_id: str | None, line: AuditEntry) -> bool:
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
    audit.append(connection, replace(line, detail={"lesson": lesson.id, "sha": digest(**row)}))
    return True


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
