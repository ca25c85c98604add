"""The ladder: what the books support, what a human gave, and what is left of that after the demotions. Pure.

Nothing here raises anybody. What outcomes support (`earned`) is only what a pull request to the file of grants may ask
for; what may be done is what a human gave, less every demotion that is newer than the gift.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.moments import iso
from cases.policy import Authority
from cases.trust import Area, Book, Mark, Renewal, Standing
from inference.trust import ELIGIBLE, HARM, REFUSAL, after, too_many_bad, wanting

ONE_MONTH = timedelta(days=30)
REVIEWERS = 2
AS_IS = 0.8
"""What the last step asks for beside the score: thirty days, two reviewers, four of five proposals merged as is."""
YEAR = 365.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """What a human gave an area. `at` None: by the default of the configuration, which has no date."""

    level: Authority
    at: datetime | None = None
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fall:
    """A demotion. `to` is the most that may be done after it."""

    to: Authority
    at: datetime
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Safety:
    """The book of safety, read from its beginning: after a demotion the score is 1 at the most."""

    score: float
    fall: Fall | None
    since: datetime | None  # the first outcome that counts
    outcomes: int
    clean: int
    makers: tuple[str, ...]  # of the outcomes that count, oldest first


def standing(
    area: Area,
    marks: Iterable[Mark],
    gift: Gift,
    now: datetime,
    *,
    frozen: str = "",
    renewals: Sequence[Renewal] = (),
) -> Standing:
    """How an area stands now. `marks` are those of the area, or of the whole pool that a human named for it.

    `frozen` is why no level 3 is in force anywhere now, "" for nothing: a budget that is used up. `renewals` are when
    what drafts changed.
    """
    counted = sorted((mark for mark in marks if mark.at <= now), key=lambda mark: (mark.at, mark.id))
    books = {book: [mark for mark in counted if mark.book is book] for book in Book}
    safety = read_safety(books[Book.SAFETY], gift, [renewal for renewal in renewals if renewal.at <= now])
    proposals, efficacy = books[Book.ACCEPTANCE], books[Book.EFFICACY]
    acceptance = _acceptance(proposals)
    days = (now - safety.since) / timedelta(days=1) if safety.since is not None else 0.0
    reviewers = tuple(sorted({mark.by for mark in books[Book.SAFETY] if mark.good and mark.by}))
    accepted = _share(proposals)
    missing = _missing(safety, days, reviewers, accepted)
    earned = _earned(acceptance, proposals, missing)
    level, because = _in_force(gift, safety.fall, frozen)
    return Standing(
        area=area,
        level=level,
        given=gift.level,
        because=because,
        safety=safety.score,
        acceptance=acceptance,
        outcomes=safety.outcomes,
        clean=safety.clean,
        helped=sum(mark.good for mark in efficacy),
        judged=len(efficacy),
        accepted=accepted,
        proposals=len(proposals),
        reviewers=reviewers,
        days=days,
        earned=earned,
        wanting=_wanting(earned, acceptance, proposals, missing),
    )


def read_safety(marks: Sequence[Mark], gift: Gift, renewals: Sequence[Renewal] = ()) -> Safety:
    """Go through the book: two bad ones in any last ten, or a severe one, demote at once, and take what was earned.

    Another model, or other prompts, take level 3 and what led to it: those outcomes were another's.
    """
    score, run, since, fall = 1.0, list[Mark](), None, None
    both: list[Mark | Renewal] = [*marks, *renewals]
    for entry in sorted(both, key=lambda entry: entry.at):  # of one moment, the outcome comes first
        if isinstance(entry, Renewal):
            found = _renewed(entry, gift, fall)
        else:
            run.append(entry)
            score = after(score, HARM, good=entry.good)
            since = since or entry.at
            found = _fall(run, gift, fall)
        if found is not None:
            # At most 1 again, and never more than it was: a score that falls earns no new chance by it.
            score, run, since, fall = min(score, 1.0), [], None, found
    # A gift that is newer than the fall is a human's word about it.
    standing_fall = None if fall is None or (gift.at is not None and gift.at > fall.at) else fall
    clean = sum(mark.good for mark in run)
    makers = tuple(mark.maker for mark in run)
    return Safety(score=score, fall=standing_fall, since=since, outcomes=len(run), clean=clean, makers=makers)


def _fall(run: Sequence[Mark], gift: Gift, before: Fall | None) -> Fall | None:
    """The demotion that the newest outcome brings, or None."""
    newest = run[-1]
    held = _held(gift, before)
    if newest.severe:
        because = f"severe: {newest.because} (change {newest.change} of case {newest.case})"
        return Fall(to=min(held, Authority.PROPOSE), at=newest.at, because=because)
    if newest.good or not too_many_bad(mark.good for mark in run):
        return None
    bad = [f"{mark.case} ({mark.because})" for mark in run if not mark.good]
    below = Authority(max(held - 1, min(held, Authority.PROPOSE)))
    return Fall(to=below, at=newest.at, because=f"two bad outcomes within ten: {'; '.join(bad[-2:])}")


def _renewed(renewal: Renewal, gift: Gift, before: Fall | None) -> Fall | None:
    """The demotion that another model brings: from level 3 alone, and not from one that was given since."""
    if _held(gift, before) is not Authority.AUTO_MERGE or (gift.at is not None and gift.at > renewal.at):
        return None
    return Fall(to=Authority.PULL_REQUEST, at=renewal.at, because=renewal.because)


def _held(gift: Gift, before: Fall | None) -> Authority:
    """What was in force: the gift, less an earlier fall that it is not newer than."""
    if before is not None and (gift.at is None or gift.at <= before.at):
        return min(gift.level, before.to)
    return gift.level


def _acceptance(proposals: Sequence[Mark]) -> float:
    score = 1.0
    for mark in proposals:
        score = after(score, REFUSAL, good=mark.good)
    return score


def _share(marks: Sequence[Mark]) -> float | None:
    return sum(mark.good for mark in marks) / len(marks) if marks else None


def _in_force(gift: Gift, fall: Fall | None, frozen: str) -> tuple[Authority, tuple[str, ...]]:
    """What may be done, and why: the decisive reason first."""
    given = f"`{gift.level.word}` was given {f'on {iso(gift.at)}' if gift.at else 'by default'}"
    reasons = [f"{given}: {gift.because}" if gift.because else given]
    level = gift.level
    if fall is not None and fall.to < level:
        level = fall.to
        lifted = "a newer grant in the file of grants lifts it"
        reasons.insert(0, f"demoted to `{level.word}` on {iso(fall.at)}: {fall.because}; {lifted}")
    if frozen and level is Authority.AUTO_MERGE:
        level = Authority.PULL_REQUEST
        reasons.insert(0, f"nothing is merged unasked now: {frozen}")
    return level, tuple(reasons)


def _missing(safety: Safety, days: float, reviewers: Sequence[str], accepted: float | None) -> tuple[str, ...]:
    """What is missing for the last step, a sentence each."""
    missing: list[str] = []
    if more := wanting(safety.score, HARM):
        missing.append(f"{more} more clean merges in a row{_at_this_rate(more, safety.outcomes, days)}")
    if days < ONE_MONTH.days:
        missing.append(f"{ONE_MONTH.days - days:.0f} more days of record")
    if len(reviewers) < REVIEWERS:
        missing.append(f"a merge by {REVIEWERS - len(reviewers)} more reviewers")
    if accepted is None or accepted < AS_IS:
        share = "none" if accepted is None else f"{accepted:.0%}"
        missing.append(f"{AS_IS:.0%} of proposals merged as they were ({share} so far)")
    return tuple(missing)


def _at_this_rate(more: int, outcomes: int, days: float) -> str:
    """How long that takes as things go: a promise that takes years is said as such."""
    if outcomes < 2 or days <= 0:  # noqa: PLR2004 - one outcome has no rate
        return " (no rate can be told yet)"
    took = more * days / outcomes
    said = f"{took / YEAR:.1f} years" if took >= YEAR else f"{took:.0f} days"
    return f" (at your rate: {said})"


def _earned(acceptance: float, proposals: Sequence[Mark], missing: Sequence[str]) -> Authority:
    """What the outcomes support, whatever was given."""
    if not missing:
        return Authority.AUTO_MERGE
    if acceptance >= ELIGIBLE:
        return Authority.PULL_REQUEST
    return Authority.PROPOSE if proposals else Authority.OBSERVE


def _wanting(earned: Authority, acceptance: float, proposals: Sequence[Mark], missing: Sequence[str]) -> str:
    if earned >= Authority.PULL_REQUEST:
        return "; ".join(missing)
    more = wanting(acceptance, REFUSAL)
    return f"{more} more proposals accepted in a row, of {len(proposals)} so far"
