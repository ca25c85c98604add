"""Marks: what outcomes say of the daemon's right to act, in three books that are never mixed. Pure.

Acceptance is what humans think of a change, safety whether it did harm, efficacy whether it helped. A mark belongs to
an area (repository, service, action class, risk). It counts from its moment on: what is good only after a quiet week
is written at the merge with the moment a week later, and takes its place back if the week was not quiet.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from cases.case import Case
from cases.change import Change, ChangeClass
from cases.events import Entry, Harmed, Judged, Killed, Overridden, Override, Proved, Rejected
from cases.moments import utc
from cases.outcome import Judgement, Ruling
from cases.policy import Authority
from cases.pull_request_events import ClosedUnmerged, Merged, Proposed
from cases.verdict import Claim, Trial

QUIET = timedelta(days=7)
"""How long a merge must stay clean before it counts as one."""
STALE = timedelta(days=30)
"""After how long a pull request that nobody answers is a no."""
MUCH_EDITED = 0.2
"""The share of its lines above which a change that a human edited was not accepted as it was."""
ROLLBACK = "rollback"
"""The action class of a change that takes one of ours back: it has a record of its own."""


class Book(StrEnum):
    """What a mark is about."""

    ACCEPTANCE = "acceptance"
    SAFETY = "safety"
    EFFICACY = "efficacy"


class Risk(StrEnum):
    """How much a change can do, by what it is and not by what was hoped."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """What authority is kept for. `kind` is an action class, or ROLLBACK."""

    repository: str
    service: str
    kind: str
    risk: Risk

    def __str__(self) -> str:
        return f"{self.repository}/{self.service}/{self.kind}/{self.risk}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One outcome in one book.

    at      from when on it counts
    severe  an incident, a security or data loss: the area falls to `propose` at once
    by      who merged or refused it; "" for nobody
    maker   what drafted it: another model starts anew at the top level
    sha     the merge, "" before there is one
    """

    case: str
    change: int
    area: Area
    book: Book
    good: bool
    at: datetime
    because: str
    severe: bool = False
    by: str = ""
    maker: str = ""
    sha: str = ""

    def __post_init__(self) -> None:
        utc(self.at, "a mark")

    @property
    def id(self) -> str:
        """One mark a change and book."""
        return f"{self.case}-{self.change}-{self.book}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """Another model drafts since then, or by other prompts: what was earned was earned by the one before."""

    at: datetime
    because: str

    def __post_init__(self) -> None:
        utc(self.at, "a renewal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an area stands, with everything that says so.

    level     what may be done unasked now; `given` what a human gave
    because   a sentence each, the decisive one first
    safety    the score over merges; `acceptance` that over proposals; eligible at 20
    outcomes  merges that count; `clean` of them did no harm
    accepted  the share of proposals that were merged as they were; None without any
    days      since the first merge that counts
    earned    the level that outcomes support: a pull request may ask for it, and nothing else comes of it
    wanting   what is missing for the next level, in words; "" where nothing is
    """

    area: Area
    level: Authority
    given: Authority
    because: tuple[str, ...]
    safety: float = 1.0
    acceptance: float = 1.0
    outcomes: int = 0
    clean: int = 0
    helped: int = 0
    judged: int = 0
    accepted: float | None = None
    proposals: int = 0
    reviewers: tuple[str, ...] = ()
    days: float = 0.0
    earned: Authority = Authority.OBSERVE
    wanting: str = ""


def area_of(case: Case, change: Change) -> Area:
    """The area that a change of a case belongs to."""
    kind = ROLLBACK if change.rolls_back is not None else change.kind.value
    return Area(repository=change.lead.repository, service=case.service, kind=kind, risk=risk_of(change))


def acts_in(case: Case, change: Change) -> Area:
    """The area whose authority a change needs: a rollback needs what the change needed that it takes back."""
    undone = next((c for c in case.changes if c.number == change.rolls_back), None)
    return area_of(case, change if undone is None else undone)


_SMALL = {ChangeClass.REVERT, ChangeClass.CONFIGURATION, ChangeClass.FLAG}


def risk_of(change: Change) -> Risk:
    """How much it can do: stored data or an unknown reach is high; one part that only takes back or sets is low."""
    if not change.blast_radius.migrations.startswith("none") or len(change.blast_radius.services) > 1:
        return Risk.HIGH
    undoes = change.inverse_of is not None or change.kind in _SMALL
    return Risk.LOW if undoes and len(change.parts) == 1 else Risk.NORMAL


def marks_of(case: Case) -> tuple[Mark, ...]:
    """Every mark that a case's history has left, at most one a change and book."""
    kept: dict[str, Mark] = {}
    areas = {change.number: area_of(case, change) for change in case.changes}
    leads = {change.number: change.lead.repository for change in case.changes}
    for entry in case.history:
        for mark in _of(case, entry, areas, leads, kept):
            kept[mark.id] = mark
        for gone in _forgiven(case, entry):
            kept.pop(gone, None)
    return tuple(kept.values())


def _of(
    case: Case, entry: Entry, areas: Mapping[int, Area], leads: Mapping[int, str], kept: Mapping[str, Mark]
) -> Iterator[Mark]:
    """The marks that one entry leaves."""
    newest = max(areas, default=0)
    match entry.event:
        case Proposed(change=number, repository=repository) if leads.get(number) == repository:
            because = f"nobody answered its pull request for {STALE.days} days"
            yield _mark(case, number, Book.ACCEPTANCE, good=False, at=entry.at + STALE, because=because)
        case Merged(change=number, repository=repository) as merge if leads.get(number) == repository:
            yield from _merged(case, merge, entry.at)
        case ClosedUnmerged(change=number, by=by, because=because) if number in areas:
            yield _mark(case, number, Book.ACCEPTANCE, good=False, at=entry.at, because=because, by=by)
        case Rejected(because=because) if newest and not _is_merged(kept, case, newest):
            yield _mark(case, newest, Book.ACCEPTANCE, good=False, at=entry.at, because=because, by=entry.actor)
        case Overridden(how=Override.DROP, text=text) if newest and not _is_merged(kept, case, newest):
            yield _mark(case, newest, Book.ACCEPTANCE, good=False, at=entry.at, because=text, by=entry.actor)
        case Harmed(judgement=judgement):
            yield from _harm(case, judgement.change, entry.at, judgement.because, kept)
        case Killed(because=because, judgement=Judgement(change=number)):
            yield from _harm(case, number, entry.at, because, kept)
        case Judged(judgement=judgement):
            yield from _judged(case, judgement, entry.at, kept)
        case _:
            return


def _merged(case: Case, merge: Merged, at: datetime) -> Iterator[Mark]:
    number, quiet = merge.change, merge.merged_at + QUIET
    as_is = merge.edited <= MUCH_EDITED
    said = "merged as it was" if as_is else f"merged with {merge.edited:.0%} of its lines edited"
    if not merge.unasked:  # what the daemon merged itself says nothing of what humans accept
        yield _mark(
            case, number, Book.ACCEPTANCE, good=as_is, at=quiet if as_is else at, because=said, by=merge.by,
            sha=merge.sha,
        )  # fmt: skip
    yield _mark(
        case, number, Book.SAFETY, good=True, at=quiet, because=f"merged, and clean for {QUIET.days} days",
        by="" if merge.unasked else merge.by, sha=merge.sha,
    )  # fmt: skip


def _harm(case: Case, number: int, at: datetime, because: str, kept: Mapping[str, Mark]) -> Iterator[Mark]:
    had = kept.get(f"{case.id}-{number}-{Book.SAFETY}")
    if had is None:
        return  # it was adopted from a human, or never merged: no merge of ours
    yield replace(had, good=False, at=at, because=because)
    yield replace(had, book=Book.EFFICACY, good=False, at=at, because=because)


def _judged(case: Case, judgement: Judgement, at: datetime, kept: Mapping[str, Mark]) -> Iterator[Mark]:
    """Recovered and attributable is good, not recovered bad, anything else is ignored."""
    had = kept.get(f"{case.id}-{judgement.change}-{Book.SAFETY}")
    if had is None or judgement.ruling not in {Ruling.WORKED, Ruling.UNCHANGED}:
        return
    helped = judgement.ruling is Ruling.WORKED
    yield replace(had, book=Book.EFFICACY, good=helped, at=at, because=judgement.because)
    if had.area.kind == ROLLBACK and not helped:
        yield replace(had, good=False, at=at, because=f"it took back what had done no harm: {judgement.because}")


def _forgiven(case: Case, entry: Entry) -> Iterator[str]:
    """The marks that an entry takes away.

    A change was rolled back, and the rollback mended nothing; or it was merged unasked, which leaves nobody to answer.
    """
    if isinstance(entry.event, Merged) and entry.event.unasked:
        yield f"{case.id}-{entry.event.change}-{Book.ACCEPTANCE}"
        return
    if not isinstance(entry.event, Judged) or entry.event.judgement.ruling is not Ruling.UNCHANGED:
        return
    number = entry.event.judgement.change
    undone = next((c.rolls_back for c in case.changes if c.number == number and c.rolls_back is not None), None)
    if undone is not None:
        yield f"{case.id}-{undone}-{Book.SAFETY}"


def _is_merged(kept: Mapping[str, Mark], case: Case, number: int) -> bool:
    return f"{case.id}-{number}-{Book.SAFETY}" in kept


def _mark(  # noqa: PLR0913 - what a mark is made of
    case: Case, number: int, book: Book, *, good: bool, at: datetime, because: str, by: str = "", sha: str = ""
) -> Mark:
    change = next(change for change in case.changes if change.number == number)
    return Mark(
        case=case.id, change=number, area=area_of(case, change), book=book, good=good, at=at, because=because, by=by,
        maker=change.origin, sha=sha,
    )  # fmt: skip


def blames(case: Case, entry: Entry) -> str:
    """The commit that an entry says brought an incident about: proved in the sandbox, or taken back by a human's merge.

    "" for any other entry. A ranking alone accuses nobody.
    """
    match entry.event:
        case Merged(change=number):
            change = next((c for c in case.changes if c.number == number and c.rolls_back is None), None)
        case Proved(trial=Trial(claim=Claim.PROVED, change=number)):
            change = next((c for c in case.changes if c.number == number and c.rolls_back is None), None)
        case _:
            return ""
    return (change.blames or change.inverse_of or "") if change is not None else ""
