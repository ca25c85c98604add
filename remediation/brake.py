"""The brake: whether a service broke down right after a change of ours. It only reads, and waits for no judgement.

Two things pull it: an error budget that is spent several times as fast as asks for a page, both since the change and
for the last minutes; and instances that start over and over. Either must be new with the change: what was as bad before
is none of its doing. Where too few readings are there, before or after, nothing is pulled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from cases.moments import milliseconds
from cases.outcome import BRAKE, Judgement, Ruling
from cases.telemetry import SeriesBlock, Signal
from inference.words import figure
from remediation.controls import BlockOf
from remediation.kill import FEWEST, WHOLE, Running

PAGE = 14.4
"""The burn rate that asks for a page, of the most urgent pair of windows: Google's SRE Workbook, chapter 5."""
MOST = 0.9
"""The share of failures beyond which nothing is asked: an objective of 95% cannot be burnt forty times as fast."""
NEW = 3.0
"""How many times as bad as before the change it must be."""
FAILED = 3.0
"""Failed events at the least: one failure of two at night is no breakdown."""
BEFORE = timedelta(hours=1)

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrakeRule:
    """When it is pulled: see `config.brake.BrakeSettings`. `step` is the grid of the readings."""

    burn: float | None
    lasting: timedelta
    within: timedelta
    step: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """An objective of the service: good and all events a second, and the share that may fail."""

    good: Signal
    total: Signal
    budget: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CrashLoop:
    """Where starts are counted, and from which reading on they are a loop."""

    starts: Signal
    above: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """What the brake of a service looks at."""

    objectives: tuple[Objective, ...] = ()
    loops: tuple[CrashLoop, ...] = ()


def pulled(what: Running, gauges: Gauges, block_of: BlockOf, now: datetime, rule: BrakeRule) -> Judgement | None:
    """The judgement that the change must be taken back at once, or None. Raises SourceDown as `block_of` does."""
    if not rule.lasting <= now - what.since <= rule.within:
        return None
    looking = _Looking(what=what, block_of=block_of, now=now, rule=rule)
    burnt = (looking.burnt(one) for one in gauges.objectives if rule.burn is not None)
    looped = (looking.looped(one) for one in gauges.loops)
    return next((found for found in (*burnt, *looped) if found is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looking:
    """One look."""

    what: Running
    block_of: BlockOf
    now: datetime
    rule: BrakeRule

    def burnt(self, objective: Objective) -> Judgement | None:
        """Whether the budget burns: the share of failures before, since, and for the last minutes."""
        limit = min((self.rule.burn or 1.0) * PAGE * objective.budget, MOST)
        good, total = self._read(objective.good), self._read(objective.total)
        if good.partial or total.partial or not np.array_equal(good.times, total.times):
            return None
        before, since, lately = self._spans(good)
        for fine, every in _pairs(good, total):
            failed = np.maximum(every - fine, 0.0)
            shares = [_share(failed, every, span) for span in (before, since, lately)]
            events = float(np.nansum(failed[since])) * self.rule.step.total_seconds()
            enough = self._enough(fine, every, since, lately) and events >= FAILED
            was, after, now = shares
            if not enough or was is None or after is None or now is None or min(after, now) < max(limit, NEW * was):
                continue
            return self._judgement(
                objective.good,
                f"{_percent(after)} of its events failed since then and {_percent(now)} in the last "
                f"{self._minutes:g} min, {after / objective.budget:.0f} and {now / objective.budget:.0f} times what "
                f"its objective allows ({figure(100 * objective.budget)}%); {_percent(was)} did before the change, and "
                f"{_percent(limit)} is the limit",
                int(since.sum()),
            )
        return None

    def looped(self, loop: CrashLoop) -> Judgement | None:
        """Whether instances start over and over, as they did not before."""
        block = self._read(loop.starts)
        if block.partial:
            return None
        before, _, lately = self._spans(block)
        for row in range(len(block.labels)):
            values = block.values[row]
            had, has = values[before & np.isfinite(values)], values[lately & np.isfinite(values)]
            if len(had) < FEWEST or len(has) < self._fewest or had.max() >= loop.above or has.min() < loop.above:
                continue
            return self._judgement(
                loop.starts,
                f"its instances start over and over: {figure(float(has.min()))} or more in every reading of the last "
                f"{self._minutes:g} min, {figure(float(had.max()))} at most in the hour before the change, and "
                f"{figure(loop.above)} is the limit",
                len(has),
            )
        return None

    @property
    def _minutes(self) -> float:
        return self.rule.lasting.total_seconds() / 60

    @property
    def _fewest(self) -> float:
        return max(FEWEST, WHOLE * (self.rule.lasting / self.rule.step))

    def _read(self, signal: Signal) -> SeriesBlock:
        return self.block_of(signal, self.what.since - BEFORE, self.now, self.rule.step)

    def _spans(self, block: SeriesBlock) -> tuple[Mask, Mask, Mask]:
        """Which points are from before the change, since it, and of the last minutes."""
        deploy, late = milliseconds(self.what.since), milliseconds(self.now - self.rule.lasting)
        return block.times <= deploy, block.times > deploy, block.times > max(deploy, late)

    def _enough(self, fine: Floats, every: Floats, since: Mask, lately: Mask) -> bool:
        there = np.isfinite(fine) & np.isfinite(every)
        return int(there[lately].sum()) >= self._fewest and int(there[since].sum()) >= WHOLE * int(since.sum())

    def _judgement(self, signal: Signal, because: str, samples: int) -> Judgement:
        ran = "began to run" if self.what.deployed else "was merged"
        said = f"the brake: {signal.service} broke down {self._since()} after the change {ran}: {because}"
        settings = f"{BRAKE}: burn {self.rule.burn or 0:g}, {self._minutes:g} min"
        return Judgement(
            change=self.what.change, ruling=Ruling.HARMFUL, at=self.now, because=said, signal=signal.key,
            samples=samples, settings=settings,
        )  # fmt: skip

    def _since(self) -> str:
        return f"{(self.now - self.what.since).total_seconds() / 60:.0f} min"


def _pairs(good: SeriesBlock, total: SeriesBlock) -> Iterator[tuple[Floats, Floats]]:
    """The good and the total events of each series that has both."""
    rows = {tuple(sorted(labels.items())): row for row, labels in enumerate(good.labels)}
    for row, labels in enumerate(total.labels):
        partner = rows.get(tuple(sorted(labels.items())))
        if partner is not None:
            yield good.values[partner], total.values[row]


def _share(failed: Floats, every: Floats, span: Mask) -> float | None:
    """The share that failed of the events there; None where fewer than three points say anything, or none happened."""
    there = span & np.isfinite(failed) & np.isfinite(every)
    events = float(every[there].sum())
    return float(failed[there].sum()) / events if there.sum() >= FEWEST and events > 0.0 else None


def _percent(share: float) -> str:
    return f"{figure(100 * share)}%"
