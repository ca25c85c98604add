"""Settings of what is asked of humans: how soon, whom instead, and who may answer."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from cases.escalation import MOST_IMPACT, Terms
from config.fields import Duration, Name, SecretRef, Text, lasting
from config.section import Section
from config.seldom_used import WhenUsed

SHORTEST = timedelta(minutes=1)
Span = Annotated[Duration, lasting(SHORTEST)]


class DeciderSettings(Section):
    """Somebody who may answer, and how they are known."""

    name: Name
    """What the audit trail calls them."""

    slack: Text | None = None
    """Their member id in Slack, as in U024BE7LH: a button that they press counts. None: none of theirs does."""

    token: SecretRef | None = None
    """What they prove themselves with at the API, as a bearer token. None: they cannot decide there."""


class ApprovalsSettings(Section):
    """What is asked of humans.

    Half way to its deadline whoever was asked is reminded; at the deadline the backup is told. What nobody said yes to
    is never done.
    """

    hour: Span = timedelta(hours=1)
    """By when an urgent one is to be answered: of a page, or of high impact."""

    day: Span = timedelta(hours=24)
    """The same, of a ticket."""

    week: Span = timedelta(days=7)
    """The same, of a note."""

    impact: Annotated[float, Field(ge=0, le=MOST_IMPACT)] = 8.0
    """From which impact on people are told at once, the backup among them, whatever the severity. The impact is the
    service's `weight` times the share of it that is hit, from 0 to 10."""

    backup: tuple[Name, ...] = ()
    """The receivers that are told at the deadline. None: those that were told before are told again."""

    repeat: Annotated[Duration, lasting(timedelta(minutes=5))] = timedelta(hours=4)
    """How often it is told again after its deadline, until somebody acknowledges or answers it."""

    expired: Literal["hold", "reject"] = "hold"
    """What becomes of a gate at its deadline. hold: nothing is done, and a yes still counts. reject: it is a no, and
    the case is closed. There is no value that goes on without a yes."""

    deciders: Annotated[tuple[DeciderSettings, ...], WhenUsed()] = ()
    """Who may answer from outside this machine's command line: by a button in Slack, or at the API. None: whoever has
    `api.token`, and nobody in Slack."""

    @property
    def terms(self) -> Terms:
        """The same, as the queue is made by."""
        return Terms(hour=self.hour, day=self.day, week=self.week, impact=self.impact)
