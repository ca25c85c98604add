"""What an improvement gives way to: every incident that is worked on, and an improvement that was first."""

from datetime import timedelta

from cases.case import Case, Hold, Phase
from cases.errors import TemporaryError
from remediation.ports import Ports

WORKED_ON = frozenset({Phase.OPEN, Phase.DIAGNOSED, Phase.DRAFTED, Phase.PROVED})
"""The phases in which a case takes the daemon's own time: its executor, its sandbox, its model."""
LATER = timedelta(minutes=5)
"""When an improvement looks again whether it is its turn."""


class GaveWay(TemporaryError):  # noqa: N818 - it is no failure, and reads as what happened where it is caught
    """Something else goes first. The step is begun anew later."""

    def __init__(self, because: str) -> None:
        super().__init__(because, LATER)


def gives_way(case: Case) -> bool:
    """Whether it is an improvement that only costs time now. What did harm is taken back as soon as any other."""
    rollback = bool(case.changes) and case.change.rolls_back is not None
    return case.improvement and case.phase in WORKED_ON and not rollback


def first_in_line(case: Case, ports: Ports) -> str:
    """What an improvement waits for, in words; "" when it is its turn."""
    for other in ports.cases.active():
        if other.id == case.id or other.hold is not Hold.NONE or other.recovered is not None:
            continue
        if not other.improvement and other.phase in WORKED_ON | {Phase.REVERTING}:
            return f"case {other.id} of {other.service} is an incident, and goes first"
        if other.improvement and other.phase in WORKED_ON and (other.opened, other.id) < (case.opened, case.id):
            return f"case {other.id} of {other.service} was first: one improvement is tried at a time"
    return ""


def yield_the_bench(case: Case, ports: Ports) -> None:
    """Raise GaveWay where somebody else needs the bench. Asked between two of the many runs of a benchmark."""
    waits = first_in_line(case, ports) if gives_way(case) else ""
    if waits:
        raise GaveWay(waits)
