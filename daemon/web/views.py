"""Views: each page, made from the ledger as it stands at the request."""

from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from cases.case import Case
from cases.errors import PermanentError
from cases.escalation import escalations_of
from cases.outcome import Lesson
from daemon.authority import Trust
from daemon.decisions import queued
from daemon.ledger.ledger import Ledger
from daemon.ledger.receipts import picture_of, promised_of
from daemon.oversight import oversight
from daemon.web.asking import inbox
from daemon.web.case_page import Told, case_page
from daemon.web.frame import Reader
from daemon.web.leads import lessons_page, oversight_page
from remediation.ports import Ports

MOST_LESSONS = 50
PNG = b"\x89PNG\r\n\x1a\n"


class NoCase(PermanentError):  # noqa: N818 - it is an answer, and reads as one where it is raised
    """There is no case of that id, or none any more; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Views:
    """The pages of one daemon. Safe to use from several threads."""

    ledger: Ledger
    ports: Ports

    def inbox(self, reader: Reader) -> Markup:
        """What waits for a human."""
        settings = self.ports.settings
        return inbox(queued(self.ledger, settings), settings, self.ports.now, reader)

    def case(self, case_id: str, reader: Reader, *, word: str = "") -> Markup:
        """A case in full. Raises NoCase."""
        case, settings = self.load(case_id), self.ports.settings
        told = Told(
            case=case,
            settings=settings,
            now=self.ports.now,
            asked=escalations_of(case, settings.weight(case.service), settings.approvals.terms),
            promised=promised_of(self.ledger.database, case.id),
            calls=self.ledger.spend.calls(case.id),
            drawn=self._drawn(case),
            picture=self.picture(case.id) is not None,
            word=word,
        )
        return case_page(told, reader)

    def load(self, case_id: str) -> Case:
        """The case. Raises NoCase."""
        try:
            return self.ledger.cases.load(case_id)
        except PermanentError as error:
            raise NoCase(str(error)) from None

    def picture(self, case_id: str) -> bytes | None:
        """The picture that a case's pull request shows, as a PNG; None where none is kept."""
        picture = picture_of(self.ledger.database, case_id)
        return picture if picture is not None and picture.startswith(PNG) else None

    def oversight(self, reader: Reader) -> Markup:
        """What leads look at."""
        return oversight_page(self.overseen(), reader)

    def overseen(self) -> dict[str, Any]:
        """The document that the oversight's page is made from."""
        trust = self.ports.trust if isinstance(self.ports.trust, Trust) else None
        return oversight(self.ledger, self.ports.settings, trust, self.ports.now)

    def outcomes(self, reader: Reader) -> Markup:
        """Every outcome, and what is tried for it."""
        from daemon.goals import Gauge
        from daemon.web.following import followed
        from daemon.web.outcomes_page import outcomes_page

        ports = self.ports
        gauge = Gauge(settings=ports.settings, clock=ports.clock, sources=ports.signals)
        return outcomes_page(followed(self.ledger, ports.settings, ports.clock, gauge), reader)

    def lessons(self, words: str, reader: Reader) -> Markup:
        """The newest lessons, or those that share words with these."""
        words = words[:200]
        if words.strip():
            found = [(one.lesson, one.quality.score) for one in self.ledger.lessons.search(words, limit=MOST_LESSONS)]
            return lessons_page(words, found, reader)
        lessons = self.ledger.lessons.newest(MOST_LESSONS)
        return lessons_page("", self._with_quality(lessons), reader)

    def _with_quality(self, lessons: tuple[Lesson, ...]) -> list[tuple[Lesson, float]]:
        known = self.ledger.lessons.quality([lesson.id for lesson in lessons])
        return [(lesson, known[lesson.id].score) for lesson in lessons]

    def _drawn(self, case: Case) -> Markup:
        """The readings of a case that is not over."""
        if not case.active:
            return Markup("")
        from daemon.web.drawn import drawn

        return drawn(case, self.ports)
