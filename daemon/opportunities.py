"""Opportunities: what could be better and is no incident. Nobody is told: they wait in the briefing, a few a week.

All of them are one checkpoint that the daemons of a store share. One is named by what it is about and never by when, so
that it is known again; one that a human has put away stays so for as long as it is found.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from cases.errors import PermanentError, TemporaryError
from cases.leases import Swap
from cases.stores import Checkpoints

KEY = "opportunities"  # the checkpoint
WEEK = timedelta(days=7)
LINGERS = timedelta(days=3)
"""How long one stays that is found no more: what is at the edge would come and go each night."""
KEPT = timedelta(days=90)
"""How long one that is over, or was put away, is remembered after it was last seen."""
MOST = 500
_TRIES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunity:
    """One of them.

    kind     which detector found it: `drift`, `laggard` or `waste`
    text     what is to be seen, in words; of the last time that it was
    score    how much there is in it, in [0, 1]
    found    when it was first seen; `seen`: when last
    shown    since when the briefing has it; None while it waits for its turn
    ended    when it was over; `because` says why, and who said so
    case     the case that it opened, or "": it opens one, as long as it is there
    """

    kind: str
    service: str
    signal: str
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    text: str
    score: float
    found: datetime
    seen: datetime
    shown: datetime | None = None
    ended: datetime | None = None
    because: str = ""
    put_away: bool = False
    case: str = ""

    @property
    def id(self) -> str:
        """Eight hexadecimal digits from what it is about."""
        about = "\x1f".join(
            [self.kind, self.service, self.signal, *(f"{k}={v}" for k, v in sorted(self.labels.items()))]
        )
        return hashlib.sha256(about.encode()).hexdigest()[:8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Opportunities:
    """Those of one store."""

    checkpoints: Checkpoints

    def all(self) -> tuple[Opportunity, ...]:
        """Every one that is remembered: the newest in the briefing first, then those that wait, then those over."""
        return tuple(sorted(_read(self.checkpoints.get(KEY)), key=_place))

    def take(
        self,
        found: Sequence[Opportunity],
        looked: Collection[str],
        watched: Collection[str],
        now: datetime,
        a_week: int,
    ) -> tuple[Opportunity, ...]:
        """Take in what a look found, at which signals it `looked`, and all that are `watched`; what is new to see.

        Raises TemporaryError when other daemons were always first.
        """
        for _ in range(_TRIES):
            stored = self.checkpoints.get(KEY)
            before = _read(stored)
            after = in_turn(merged(before, found, looked, watched, now), now, a_week)
            if self._swap(stored, after, now):
                shown = {one.id for one in before if one.shown is not None and one.ended is None}
                return tuple(
                    one for one in after if one.shown is not None and one.ended is None and one.id not in shown
                )
        raise TemporaryError("the opportunities were changed by others at each try")

    def put_away(self, name: str, because: str, now: datetime) -> Opportunity:
        """A human does not want it. Raises PermanentError when there is none of that id, or it is over."""
        for _ in range(_TRIES):
            stored = self.checkpoints.get(KEY)
            before = {one.id: one for one in _read(stored)}
            if name not in before or before[name].ended is not None:
                raise PermanentError(f"there is no open opportunity {name}; `trackwalker briefing` lists them")
            one = replace(before[name], ended=now, because=because, put_away=True)
            if self._swap(stored, [*(other for key, other in before.items() if key != name), one], now):
                return one
        raise TemporaryError("the opportunities were changed by others at each try")

    def opened(self, name: str, case: str, now: datetime) -> None:
        """Write down the case that one of them opened. Raises TemporaryError when other daemons were always first."""
        for _ in range(_TRIES):
            stored = self.checkpoints.get(KEY)
            after = [replace(one, case=case) if one.id == name else one for one in _read(stored)]
            if self._swap(stored, after, now):
                return
        raise TemporaryError("the opportunities were changed by others at each try")

    def _swap(self, stored: bytes | None, after: Iterable[Opportunity], now: datetime) -> bool:
        blob = json.dumps([asdict(one) for one in after], default=datetime.isoformat).encode()
        return blob == stored or self.checkpoints.swap(Swap(key=KEY, before=stored, after=blob), now)


def merged(
    before: Iterable[Opportunity],
    found: Iterable[Opportunity],
    looked: Collection[str],
    watched: Collection[str],
    now: datetime,
) -> list[Opportunity]:
    """What is known after a look. One that is over and found again is new, but for one that was put away."""
    known = {one.id: one for one in before}
    for one in found:
        had = known.get(one.id)
        if had is None or (had.ended is not None and not had.put_away):
            known[one.id] = one
        else:
            known[one.id] = replace(had, text=one.text, score=one.score, seen=one.seen)
    after: list[Opportunity] = []
    for one in known.values():
        key = f"{one.service}/{one.signal}"
        if one.ended is None and now - one.seen >= LINGERS and (key in looked or key not in watched):
            because = "it is not to be seen any more" if key in watched else "it is not watched any more"
            after.append(replace(one, ended=now, because=because))
        elif one.ended is None or now - one.seen < KEPT:
            after.append(one)
    return sorted(after, key=_place)[:MOST]


def in_turn(all_of_them: Iterable[Opportunity], now: datetime, a_week: int) -> list[Opportunity]:
    """Let those into the briefing whose turn it is: so many a week and service, the greatest first."""
    everyone = list(all_of_them)
    room: dict[str, int] = {}
    for one in everyone:
        new = one.shown is not None and now - one.shown < WEEK
        room[one.service] = room.get(one.service, a_week) - int(new)
    for one in sorted(everyone, key=lambda one: (-one.score, one.id)):
        if one.shown is None and one.ended is None and room[one.service] > 0:
            room[one.service] -= 1
            everyone[everyone.index(one)] = replace(one, shown=now)
    return everyone


def _place(one: Opportunity) -> tuple[object, ...]:
    newest = one.ended or one.shown or one.found
    return (one.ended is not None, one.shown is None, -newest.timestamp(), -one.score, one.id)


def _read(stored: bytes | None) -> list[Opportunity]:
    rows: list[dict[str, Any]] = json.loads(stored) if stored else []
    for row in rows:
        for name in ("found", "seen", "shown", "ended"):
            row[name] = None if row[name] is None else datetime.fromisoformat(row[name])
    return [Opportunity(**row) for row in rows]
