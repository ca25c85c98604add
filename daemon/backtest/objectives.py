"""The daemon's looks at one objective, over a past stretch: how fast its error budget was being spent.

Good and total events are read once, a minute apart. Where any look would have found a budget that burns, looks are
taken as the daemon takes them (`daemon.budgets`), each by what was known then; where none would, none is needed.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import numpy as np

from cases.anomaly import Anomaly
from cases.errors import PermanentError
from cases.moments import milliseconds
from cases.ports import SignalSource
from cases.telemetry import Floats, SeriesBlock, Signal
from daemon.backtest.columns import between, joined
from daemon.backtest.looks import Episode, Expected, Looked
from daemon.backtest.reading import chunks, floored
from daemon.budgets import Budgets
from daemon.listing import Slo, Watch
from detectors.baseline import Key, key_of
from detectors.burn_rate import FINEST, PAIRS, detect_burn


def look_at_objective(watch: Watch, source: SignalSource, since: datetime, until: datetime) -> Looked:
    """Look at the objective of the watch, every minute from `since` to `until`.

    Raises PermanentError for a watch without one, and what the source raises.
    """
    slo = watch.slo
    if slo is None:
        raise PermanentError(f"{watch.signal.key} has no objective")
    first = floored(since - slo.objective.reach, FINEST) - slo.objective.step
    events = _Events.read(watch.signal, slo, source, first, until)
    burning = _Burning(watch=watch, slo=slo, events=events)
    for onset, told in sorted(events.candidates(watch.signal)):
        burning.look_from(max(onset, floored(since, FINEST)), told, until)
    return _looked(watch, slo, events, burning.episodes, since)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Events:
    """Good and total events a second, on one grid of a minute."""

    slo: Slo
    good: SeriesBlock
    total: SeriesBlock
    remarks: tuple[str, ...]

    @classmethod
    def read(cls, signal: Signal, slo: Slo, source: SignalSource, since: datetime, until: datetime) -> "_Events":
        """Read both."""
        told: list[SeriesBlock] = []
        remarks: dict[str, None] = {}
        for query in (slo.good, slo.total):
            asked = replace(signal, query=query, threshold=None)
            blocks = list(chunks(asked, source.read, since, until, FINEST))
            remarks.update({f"partial, left out: {block.partial}": None for block in blocks if block.partial})
            told.append(joined(asked, blocks))
        good, total = told
        return cls(slo=slo, good=good, total=total, remarks=tuple(remarks))

    def part(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """As a source would answer: what `daemon.budgets` reads by."""
        whole = self.good if signal.query == self.slo.good else self.total
        block = between(whole, milliseconds(start), milliseconds(end))
        return _every(replace(block, signal=signal), 0, step // FINEST)

    def candidates(self, signal: Signal) -> Iterator[tuple[datetime, datetime]]:
        """(onset, when it was told at the latest) of all that burnt, whichever minutes it is looked at."""
        stride = self.slo.objective.step // FINEST
        for offset in range(stride):
            good, total = (_every(block, offset, stride) for block in (self.good, self.total))
            if len(total.times) > 1:
                found = detect_burn(good, total, self.slo.objective, of=signal, ongoing=False)
                yield from ((anomaly.onset, anomaly.detected) for anomaly in found.anomalies)


def _every(block: SeriesBlock, offset: int, stride: int) -> SeriesBlock:
    """Each `stride`th column from `offset` on."""
    taken = slice(offset, None, stride)
    return replace(block, times=block.times[taken], values=block.values[:, taken], missing=block.missing[:, taken])


@dataclass(slots=True, kw_only=True)
class _Burning:
    """The looks under way, and the budgets that burn."""

    watch: Watch
    slo: Slo
    events: _Events
    budgets: Budgets = field(default_factory=Budgets)
    episodes: list[Episode] = field(default_factory=list[Episode])
    lasting: dict[Key, Episode] = field(default_factory=dict[Key, Episode])
    looked: datetime | None = None

    def look_from(self, at: datetime, told: datetime, until: datetime) -> None:
        """Look every minute until something burns, then once a step until nothing does any more."""
        if self.looked is not None:
            if told <= self.looked:
                return
            at = max(at, self.looked + FINEST)
        while at <= until:
            found = self.budgets.look(self.watch.signal, self.slo, at, self.events.part)
            self._note(found.anomalies, at)
            self.looked = at
            if not self.lasting and at >= told:
                return
            at += self.slo.objective.step if self.lasting else FINEST

    def _note(self, found: Iterable[Anomaly], at: datetime) -> None:
        burning = {key_of(anomaly.labels): anomaly for anomaly in found}
        for key, anomaly in burning.items():
            known = self.lasting.get(key)
            urgency = anomaly.signal.severity.urgency
            if known is not None and urgency > known.anomaly.signal.severity.urgency:
                continue  # what the long windows still remember is no news
            again = known is not None and at - known.end > self.slo.objective.step
            if known is not None and not again:
                known.end = at
            if known is None or again or urgency < known.anomaly.signal.severity.urgency:
                self.lasting[key] = Episode(anomaly=anomaly, seen=at, end=at)
                self.episodes.append(self.lasting[key])
        self.lasting = {key: episode for key, episode in self.lasting.items() if key in burning}


def _looked(watch: Watch, slo: Slo, events: _Events, episodes: list[Episode], since: datetime) -> Looked:
    """The share of events that failed, minute by minute, held to the budget and what the quickest pair allows of it."""
    good = {key_of(labels): row for row, labels in enumerate(events.good.labels)}
    pairs = [(good[key_of(labels)], row) for row, labels in enumerate(events.total.labels) if key_of(labels) in good]
    fine, every = events.good.values[[g for g, _ in pairs]], events.total.values[[t for _, t in pairs]]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        failed: Floats = np.clip(1.0 - fine / every, 0.0, 1.0)
    failed = np.where(every == 0.0, 0.0, failed)
    block = between(
        SeriesBlock(
            signal=watch.signal,
            labels=tuple(events.total.labels[row] for _, row in pairs),
            times=events.total.times,
            values=failed,
            missing=np.isnan(failed),
        ),
        milliseconds(since),
        int(events.total.times[-1]),
    )
    budget, allowed = slo.objective.budget, PAIRS[0].allowed(slo.objective.budget)
    low, middle, high = (np.full(block.values.shape, edge) for edge in (0.0, budget, allowed))
    unpaired = len(events.good.labels) + len(events.total.labels) - 2 * len(pairs)
    remarks = [*events.remarks]
    if unpaired:
        remarks.append(f"{unpaired} series of slo.good and slo.total have no partner with the same labels")
    if not pairs:
        remarks.append("the source has no series for the objective in this stretch")
    return Looked(
        watch=watch,
        block=block,
        episodes=episodes,
        expected=Expected(low=low, middle=middle, high=high),
        judged=[int(count) for count in np.sum(~block.missing, axis=1).tolist()],
        remarks=remarks,
    )
