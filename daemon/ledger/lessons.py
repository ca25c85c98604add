"""LessonStore: what closed cases taught."""

from typing import Any

from sqlalchemy import Connection, Select, case, insert, or_, select

from cases.outcome import Lesson
from daemon.ledger import audit
from daemon.ledger.audit import AuditEntry
from daemon.ledger.chain import digest
from daemon.ledger.codec import LESSONS
from daemon.ledger.database import Database
from daemon.ledger.tables import lessons, storable


class LedgerLessons:
    """The lessons of one ledger (see `cases.ports.LessonStore`)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def recall(self, fingerprint: str, service: str, limit: int = 5) -> tuple[Lesson, ...]:
        """Lessons of that fingerprint first, then of that service, newest first."""
        same = lessons.c.fingerprint == fingerprint
        query = (
            select(lessons)
            .where(or_(same, lessons.c.service == service))
            .order_by(case((same, 0), else_=1), lessons.c.at.desc(), lessons.c.id)
            .limit(limit)
        )
        return self._lessons(query)

    def newest(self, limit: int = 100) -> tuple[Lesson, ...]:
        """The newest lessons of all, newest first; also those of cases whose history was removed."""
        return self._lessons(select(lessons).order_by(lessons.c.at.desc(), lessons.c.id).limit(limit))

    def _lessons(self, query: Select[Any]) -> tuple[Lesson, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(LESSONS.unpack(Lesson.__name__, row.payload, f"lesson {row.id}") for row in rows)


def learn(connection: Connection, case_id: str, lesson: Lesson) -> None:
    """Store the lesson of a case within the transaction that closes it. One of that id is left alone."""
    if connection.execute(select(lessons.c.id).where(lessons.c.id == lesson.id)).first():
        return
    row = {
        "id": storable(lesson.id),
        "at": lesson.at,
        "fingerprint": storable(lesson.fingerprint),
        "service": storable(lesson.service),
        "case_id": storable(case_id),
        "payload": LESSONS.pack(lesson).payload,
    }
    connection.execute(insert(lessons).values(row))
    told = {"lesson": lesson.id, "sha": digest(**row)}
    audit.append(
        connection,
        AuditEntry(at=lesson.at, actor=audit.DAEMON, action="lesson.learnt", case=case_id, detail=told),
    )
