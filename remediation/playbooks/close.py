"""Close a resource: where files, connections or sessions run out, open by `with` the one that is never closed.

The trace says where they ran out, which is mostly where they leak: the function that it names is looked at, and then
the rest of its file. Several leaks, or one that leaves its function, are a human's.
"""

import re

from cases.case import Case
from cases.diagnosis import Suspect
from remediation.drafting import CannotDraft, Drafting
from remediation.playbooks.python_edit import drafted, errors, may, spots
from remediation.ports import Ports

ORIGIN = "playbook:close-a-resource"
_RAN_OUT = re.compile(
    r"too many open files|\bEMFILE\b|Errno 24\b|QueuePool limit|PoolTimeout|pool (?:is )?exhausted"
    r"|connection pool is full|too many (?:clients|connections)|remaining connection slots"
    r"|ResourceWarning|unclosed (?:file|socket)",
    re.IGNORECASE,
)


def drafter(case: Case, ports: Ports, suspect: Suspect | None) -> Drafting:
    """Close what one of the traced functions leaves open, where the logs say that it ran out."""
    if suspect is not None:
        return CannotDraft()
    found = tuple(spots(case, ports))
    said = (
        [f"{seen.trace.exception} {seen.trace.message}" for seen in errors(case, ports) if seen.trace] if found else []
    )
    if not any(_RAN_OUT.search(text) for text in said):
        return CannotDraft()
    unable = may(case, ports)
    if unable:
        return CannotDraft(reason=f"{found[0].shown}: {unable}")
    from remediation.patterns.close import closed

    reasons: list[str] = []
    for spot in found:
        mended = closed(spot.source, spot.function)
        if not isinstance(mended, str):
            return drafted(case, ports, spot, mended, ORIGIN)
        reasons.append(f"nothing is closed at {spot.shown}: {mended}")
    return CannotDraft(reason="; ".join(dict.fromkeys(reasons)))
