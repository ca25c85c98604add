"""Flapping: a trouble that opens a case, recovers by itself, and opens the next one, over and over."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from cases.case import Case
from cases.moments import iso
from cases.outcome import Ending


def flapping(fingerprints: Iterable[str], ended: Iterable[Case], at: datetime, *, times: int, within: timedelta) -> str:
    """Why the troubles are taken for flapping at a moment, or "": `times` cases of one that recovered by themselves.

    Counted are the cases that had one of the `fingerprints`, and were opened no longer before `at` than `within`.
    """
    for fingerprint in sorted(set(fingerprints)):
        came = [
            case
            for case in ended
            if at - within <= case.opened < at
            and case.outcome is not None
            and case.outcome.ending is Ending.RECOVERED
            and any(had.fingerprint == fingerprint for had in case.anomalies)
        ]
        if len(came) >= times:
            first = min(case.opened for case in came)
            return f"it came and recovered by itself {len(came)} times since {iso(first)}"
    return ""
