"""How a human's word reaches a case: one entry in its history, and the case is woken."""

from collections.abc import Sequence
from pathlib import Path

from cases.case import Case
from cases.errors import IllegalStep, PermanentError
from cases.events import Entry, Event
from daemon.clock import SystemClock
from daemon.commands.options import ledger_of
from daemon.commands.who import human


def speak(config: Path, case_id: str, events: Sequence[Event]) -> Case:
    """Add the events to the case in a human's name. Raises PermanentError with a sentence when they do not fit."""
    now = SystemClock().now()
    with ledger_of(config) as ledger:
        case = ledger.cases.load(case_id)
        try:
            for event in events:
                case = ledger.cases.add(case_id, Entry(at=now, actor=human(), event=event), (), now)
        except IllegalStep:
            raise PermanentError(
                f"case {case_id} is {case.phase} (hold: {case.hold}); that cannot be done to it now"
            ) from None
        return case
