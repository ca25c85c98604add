"""Verdict: how far one may go in saying who did it. Log lines can take a conviction away; they cannot give one.

Everything that speaks for a conviction is of deploys, series, spans and diffs: where the trouble arises, when it began,
how far ahead of the others the suspect is, and the mechanism. Whoever writes every log line there is can put a suspect
higher in a shortlist, no more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cases.moments import from_milliseconds, iso
from detectors.ranking.operational import Cause
from detectors.ranking.ranked import Ranked
from detectors.ranking.view import View

_LEAD, _LEAST_BLAME, _FIRST = 0.05, 0.30, 0.9
_OPERATIONAL, _DOUBT = 0.5, 0.35
_RIVAL = 0.5  # of the suspect's own sure score, from which on what logs say for another one counts against it


class Verdict(StrEnum):
    """How far the ranking goes."""

    CONVICTED = "convicted"
    SHORTLIST = "shortlist"
    OPERATIONAL = "operational cause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The verdict with its reason; `culprit` is who was convicted, of those that were handed in."""

    verdict: Verdict
    why: str
    culprit: Ranked | None = None


def rule(view: View, able: Sequence[Ranked], found: Sequence[Cause]) -> Ruling:
    """Decide. `able` are the changes that ran before the onset, best first; `found` causes, the strongest first."""
    culprit = next((each for each in able if not _doubt(view, each, able, found)), None)
    if culprit is not None:
        shown = sorted((m for m in culprit.mechanisms if m.convicts), key=lambda m: not m.sure)
        told = "; ".join(m.told for m in shown)
        why = f"{culprit.id} ran before the onset at {iso(from_milliseconds(view.onset))}; {told}"
        return Ruling(verdict=Verdict.CONVICTED, why=why, culprit=culprit)
    best = able[0] if able else None
    doubt = _doubt(view, best, able, found) if best is not None else ""
    cause = found[0] if found and found[0].strength >= _OPERATIONAL else None
    if cause is not None:
        beside = f"; {best.id} fits the times as well, but {doubt}" if best is not None else ""
        return Ruling(verdict=Verdict.OPERATIONAL, why=f"{cause.kind}: {'; '.join(cause.evidence[:2])}{beside}")
    if best is None:
        return Ruling(verdict=Verdict.SHORTLIST, why="no change that is known of ran before the onset")
    why = f"{best.id} fits best of {len(able)} that ran before the onset, but {doubt}"
    return Ruling(verdict=Verdict.SHORTLIST, why=why)


def _doubt(view: View, one: Ranked, able: Sequence[Ranked], found: Sequence[Cause]) -> str:
    """Why a suspect is not convicted; "" when nothing is left in doubt."""
    where = view.blames[one.service]
    first = max(each.sure for each in view.blames.values())
    others = [each for each in able if each is not one]
    if not any(m.convicts for m in one.mechanisms):
        return "nothing shows how it would do it"
    if view.told or max(where.metrics, where.calls) < _LEAST_BLAME or where.sure < _FIRST * first:
        return f"neither series nor spans say that the trouble arises in {one.service}"
    if not any(m.convicts and m.sure for m in one.mechanisms):
        return "only the logs show how it would do it, and anybody can have written them"
    if any(_rivals(each, one) for each in others):
        return "another change has a mechanism as well"
    if found and found[0].strength >= _DOUBT:
        return f"a {found[0].kind} may explain it"
    if not one.fresh:
        return "it had run too long before the onset"
    if any(each.sure > one.sure - _LEAD for each in others):
        return "without what the logs say another change fits as well"
    return ""


def _rivals(other: Ranked, one: Ranked) -> bool:
    """Whether another suspect has a mechanism that is as good, or one by the logs where it may well have done it."""
    if any(m.convicts and m.sure for m in other.mechanisms):
        return True
    told = any(m.convicts and m.kind != "template" for m in other.mechanisms)
    return told and other.sure >= _RIVAL * one.sure
