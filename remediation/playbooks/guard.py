"""Guard against None: where production raised because something was None, leave before that, as the function does.

Only where one plain name can be meant on the line of the trace, and where the function itself says what it gives when
there is nothing: it goes on to the next turn of its loop, it returns nothing anywhere, or it returns one and the same
constant early. Whatever it would be otherwise is a guess, and not drafted.
"""

from cases.case import Case
from cases.diagnosis import Suspect
from remediation.drafting import CannotDraft, Drafting
from remediation.playbooks.python_edit import Spot, drafted, errors, may, spots
from remediation.ports import Ports

ORIGIN = "playbook:guard-against-none"
RAISED = frozenset({"AttributeError", "TypeError"})


def drafter(case: Case, ports: Ports, suspect: Suspect | None) -> Drafting:
    """Guard the innermost place, where the error says that something was None."""
    if suspect is not None:
        return CannotDraft()
    spot = next(spots(case, ports), None)
    said = _said(case, ports, spot) if spot is not None else ""
    if spot is None or not said:
        return CannotDraft()
    unable = may(case, ports)
    if unable:
        return CannotDraft(reason=f"{spot.shown}: {unable}")
    from remediation.patterns.guard import guarded

    mended = guarded(spot.source, spot.where.line, spot.function, said)
    if isinstance(mended, str):
        return CannotDraft(reason=f"no guard at {spot.shown}: {mended}")
    return drafted(case, ports, spot, mended, ORIGIN)


def _said(case: Case, ports: Ports, spot: Spot) -> str:
    """The message of an error that was raised there and speaks of None, or ""."""
    if spot.where.exception.rpartition(".")[2] not in RAISED:
        return ""
    for seen in errors(case, ports):
        trace = seen.trace
        if trace is None or not trace.frames or trace.exception != spot.where.exception:
            continue
        if trace.frames[-1].function.rpartition(".")[2] == spot.function and "NoneType" in trace.message:
            return trace.message
    return ""
