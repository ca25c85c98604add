"""LessonStore: what closed cases taught."""

from sqlalchemy import Connection, case, insert, or_, select

from cases.outcome import Lesson
from daemon.ledger.codec import LESSONS
from daemon.ledger.database import Database
from daemon.ledger.tables import lessons


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
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(LESSONS.unpack(Lesson.__name__, row.payload, f"lesson {row.id}") for row in rows)


def learn(connection: Connection, case_id: str, lesson: Lesson) -> None:
    """Store the lesson of a case within the transaction that closes it. One of that id is left alone."""
    if connection.execute(select(lessons.c.id).where(lessons.c.id == lesson.id)).first():
        return
    row = {"id": lesson.id, "at": lesson.at, "fingerprint": lesson.fingerprint, "service": lesson.service}
    connection.execute(insert(lessons).values(**row, case_id=case_id, payload=LESSONS.pack(lesson).payload))
