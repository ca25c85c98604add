"""Whom the loop would have accused, held against what the people of the repository took back themselves."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.diagnosis import Finding, Suspect
from daemon.backtest.counting import share_range
from daemon.backtest.walked import Walked
from daemon.backtest.wording import counted
from remediation.forge.reverts import Past, Undone

WITHIN = timedelta(days=14)
"""A commit that is taken back so long after the incident, or earlier, was the culprit as far as history tells."""
MOST_LISTED = 3  # of a shortlist: as many as are tried
FEW = 5  # of which a share says next to nothing

Name = tuple[str, str]
"""(repository, sha)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accusation:
    """One commit that one case would have named: alone, or with others on a shortlist."""

    case: str
    service: str
    repository: str
    seen: datetime
    suspect: Suspect
    alone: bool
    undone: Undone | None  # how it was really taken back, within WITHIN

    @property
    def name(self) -> Name:
        """Which commit it is."""
        return self.repository, self.suspect.commit.sha


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """`hits` out of `of`."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        """The share, None where there is nothing to take one of."""
        return self.hits / self.of if self.of else None

    @property
    def range(self) -> tuple[float, float]:
        """Where the true one lies with 95% confidence."""
        return share_range(self.hits, self.of)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revert:
    """One real revert of the stretch, and what the loop had said of the commit."""

    repository: str
    undone: Undone
    alone: tuple[str, ...]  # the cases that would have named it alone
    listed: tuple[str, ...]  # those with it on a shortlist
    noticed: bool  # whether any case of its services opened between the commit and its revert

    @property
    def name(self) -> Name:
        """Which commit was taken back."""
        return self.repository, self.undone.commit.sha


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Accusations and real reverts, one held against the other. Each commit counts once."""

    accusations: tuple[Accusation, ...]
    reverts: tuple[Revert, ...]
    right: Share  # of the commits named alone: really taken back
    right_listed: Share  # of all that were named, on shortlists too
    found: Share  # of the reverts: named alone
    found_listed: Share
    young: int  # commits named alone and not taken back, which there is still time for
    ours: int  # reverts that Trackwalker had proposed itself: they prove nothing, and are left out

    def words(self) -> tuple[str, ...]:
        """What that says, and how little."""
        named = f"{counted(self.right.of, 'commit')} would have been named alone: {self.right.hits} really reverted"
        took = f"{counted(self.found.of, 'commit')} really reverted: {self.found.hits} would have been named alone"
        listed = f"with shortlists {self.right_listed.hits} of {self.right_listed.of}"
        said = [f"{named} within {WITHIN.days} days; {listed}", f"{took}; with shortlists {self.found_listed.hits}"]
        silent = sum(not revert.noticed for revert in self.reverts)
        if silent:
            said.append(f"for {silent} of the reverted commits no watched signal moved before the revert")
        if self.ours:
            said.append(
                f"{counted(self.ours, 'revert')} more that Trackwalker itself had proposed: they prove nothing of it"
            )
        if self.young:
            said.append(f"{self.young} of the named commits may still be reverted")
        if min(self.right.of, self.found.of) < FEW:
            said.append(
                "that is too little to say how often it is right: see the ranges, and look at each case instead"
            )
        if self.right.of > self.right.hits:
            said.append("a culprit that was mended by a later commit, not by a revert, counts as wrongly named here")
        return tuple(said)


def score(
    walked: Sequence[Walked], pasts: Mapping[str, Past], homes: Mapping[str, str], since: datetime, until: datetime
) -> Scored:
    """Hold the accusations against the reverts in the histories of the repositories, by name, in [since, until].

    `homes` are the repositories of the services.
    """
    # the first revert of a commit is the one that counts
    every = [(name, one) for name, past in pasts.items() for one in reversed(past.undone)]
    undone = {(name, one.commit.sha): one for name, one in every if not one.ours}
    accusations = tuple(accusation for one in walked for accusation in _accusations(one, undone))
    reverts = [
        _revert(
            name, one, accusations, [w.story.case.opened for w in walked if homes.get(w.story.case.service) == name]
        )
        for (name, _), one in undone.items()
        if since <= one.by.at <= until
    ]
    named = {accusation.name for accusation in accusations if accusation.alone}
    right = {accusation.name for accusation in accusations if accusation.alone and accusation.undone}
    young = {a.name for a in accusations if a.alone and a.seen + WITHIN > until}
    return Scored(
        accusations=accusations,
        reverts=tuple(sorted(reverts, key=lambda revert: (revert.undone.by.at, revert.name))),
        right=Share(hits=len(right), of=len(named)),
        right_listed=Share(hits=len({a.name for a in accusations if a.undone}), of=len({a.name for a in accusations})),
        found=Share(hits=sum(bool(revert.alone) for revert in reverts), of=len(reverts)),
        found_listed=Share(hits=sum(bool(revert.alone or revert.listed) for revert in reverts), of=len(reverts)),
        young=len(young - right),
        ours=sum(one.ours and since <= one.by.at <= until for _, one in every),
    )


def _accusations(walked: Walked, undone: Mapping[Name, Undone]) -> Iterable[Accusation]:
    case = walked.case
    diagnosis = case.diagnosis if case else None
    if case is None or diagnosis is None or diagnosis.finding not in {Finding.SUSPECT, Finding.SHORTLIST}:
        return
    alone = diagnosis.finding is Finding.SUSPECT
    able = [suspect for suspect in diagnosis.suspects if suspect.before_onset]
    seen = walked.story.case.opened
    for suspect in able[: 1 if alone else MOST_LISTED]:
        back = undone.get((suspect.repository, suspect.commit.sha))
        yield Accusation(
            case=walked.story.case.id,
            service=case.service,
            repository=suspect.repository,
            seen=seen,
            suspect=suspect,
            alone=alone,
            undone=back if back is not None and back.by.at <= seen + WITHIN else None,
        )


def _revert(name: str, undone: Undone, accusations: Sequence[Accusation], opened: Sequence[datetime]) -> Revert:
    mine = [one for one in accusations if one.name == (name, undone.commit.sha)]
    return Revert(
        repository=name,
        undone=undone,
        alone=tuple(one.case for one in mine if one.alone),
        listed=tuple(one.case for one in mine if not one.alone),
        noticed=any(undone.commit.at <= at <= undone.by.at for at in opened),
    )
