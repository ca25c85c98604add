"""Story: all that a pull request's text is made from, and the questions that several of its lines ask of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cases.case import Case
from cases.change import Patch
from cases.diagnosis import Evidence, Suspect
from cases.telemetry import Deploy
from cases.verdict import Trial
from config.settings import LinksSettings, ServiceSettings
from remediation.reading import Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What one pull request is about."""

    case: Case
    change: Patch
    trial: Trial
    now: datetime
    deploys: Sequence[Deploy]
    service: ServiceSettings
    links: LinksSettings
    reading: Reading
    plot: str  # the address of the picture
    spark: str  # the same as text, for a plain e-mail
    decision: str = ""  # the address of the decision file
    page: str = ""  # the address of the case's page; "" where browsers reach none
    overtaken: str = ""  # a sentence: that what is blamed does not run any more
    related: str = ""  # a line: what else of ours is open there, and in which order to merge it

    @property
    def facts(self) -> Sequence[Evidence]:
        """All stored evidence."""
        return self.case.diagnosis.facts if self.case.diagnosis else ()

    @property
    def suspect(self) -> Suspect | None:
        """The suspect that the change answers."""
        wanted = self.change.inverse_of or self.change.blames
        suspects = self.case.diagnosis.suspects if self.case.diagnosis else ()
        return next((suspect for suspect in suspects if suspect.commit.sha == wanted), None)

    @property
    def blamed(self) -> str:
        """The commit that it answers, short; "" where it answers none."""
        return (self.change.inverse_of or self.change.blames or "")[:10]
