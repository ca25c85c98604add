"""What every drafter answers: a change, or the reason why it has none."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

from cases.asking import Answer
from cases.case import Case
from cases.change import Patch
from cases.diagnosis import Suspect
from remediation.ports import Ports

HORIZON = timedelta(minutes=30)
"""How long after its deploy a change is promised to have worked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CannotDraft:
    """Why there is no change, as a sentence; "" where this kind of change was never in question."""

    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotAllowed(CannotDraft):
    """What a model answered is refused. `answers` are what it was paid for until then."""

    answers: tuple[Answer, ...] = ()


Drafting: TypeAlias = Patch | CannotDraft
Drafter: TypeAlias = Callable[[Case, Ports, Suspect | None], Drafting]
