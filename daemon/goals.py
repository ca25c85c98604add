"""What becomes of a goal: it is declared, activated where it can be measured and is not met yet, given up.

Nothing starts by being declared. Activation looks at the world first: a signal without fresh readings, a target that is
met already, or a last day that has passed is refused with the reason, and nothing changes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

from cases.errors import PermanentError, TemporaryError
from cases.goal import Constraint, Goal, Pursued, State, Step
from cases.ports import Clock, SignalSource
from cases.telemetry import Sight, Signal
from config.settings import Settings
from daemon.ledger.goals import LedgerGoals

LOOK_BACK = timedelta(minutes=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a signal reads now, and of which series, or why that is not known (`value` None)."""

    value: float | None
    because: str = ""
    labels: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(kw_only=True)
class Gauge:
    """Reads the signals of goals as they are now."""

    settings: Settings
    clock: Clock
    sources: Mapping[str, SignalSource]

    @cached_property
    def _signals(self) -> Mapping[str, Signal]:
        from daemon.watches import WatchList

        return {
            watch.signal.key: watch.signal for watch in WatchList(self.settings, self.sources, self.clock).current()
        }

    def read(self, signal: str) -> Reading:
        """The newest reading of a watch of one series. Raises TemporaryError where its source does not answer."""
        from detectors.sight import sight
        from signals.shared import picked

        found = self._signals.get(signal)
        if found is None:
            return Reading(value=None, because=f"no watch is named {signal} now")
        now = self.clock.now()
        source = self.sources[found.source]
        block = picked(source.read(found, now - LOOK_BACK, now, self.settings.detection.step), found)
        state = sight(block, now, self.settings.detection.stale_after)
        if state.sight is not Sight.FRESH:
            return Reading(value=None, because=f"{signal} is {state.sight}: {state.because}")
        if len(block.labels) > 1:
            count = f"{signal} has {len(block.labels)} series"
            return Reading(value=None, because=f"{count}: let its query give one number, as with sum or avg")
        return Reading(value=state.value, labels=dict(block.labels[0]) if block.labels else {})

    def tell(self, signal: str) -> Reading:
        """The same, for a list: a source that does not answer is a reason like any other."""
        try:
            return self.read(signal)
        except (TemporaryError, PermanentError) as error:
            return Reading(value=None, because=f"{signal} cannot be read: {error}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """Declares goals and leads them from state to state, in the name of whoever asks."""

    ledger: LedgerGoals
    clock: Clock

    def declare(self, goal: Goal, text: str, by: str) -> Pursued:
        """Keep it as a draft. Raises as `LedgerGoals.add`."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        return self.ledger.add(goal, digest, Step(to=State.DRAFT, at=self.clock.now(), by=by, because="declared"))

    def activate(self, name: str, gauge: Gauge, by: str) -> tuple[Pursued, bool]:
        """Make it active, and whether it was not before. Raises PermanentError with why it cannot be."""
        known = self.ledger.load(name)
        now = self.clock.now()
        if known.state is State.ACTIVE:
            return known, False
        if known.state is State.DRAFT:
            goal = known.goal
            if goal.over(now):
                raise PermanentError(f"outcome {name} is not activated: its last day, {goal.horizon}, has passed")
            value = _known(name, gauge.read(goal.signal))
            if goal.met(value):
                raise PermanentError(
                    f"outcome {name} is not activated: it is met already, {goal.signal} reads {value:g} and "
                    f"{goal.target:g} is the target"
                )
            for limit in goal.constraints:
                if broken := _broken(limit, _known(name, gauge.read(limit.signal))):
                    raise PermanentError(f"outcome {name} is not activated: {broken} before anything was tried")
            because = f"{goal.signal} reads {value:g}; {goal.target:g} by {goal.horizon} is wanted"
        else:
            because = ""
        return self.ledger.step(name, Step(to=State.ACTIVE, at=now, by=by, because=because))

    def abandon(self, name: str, by: str, because: str) -> tuple[Pursued, bool]:
        """Give it up, and whether it was not before. Raises as `LedgerGoals.step`."""
        return self.ledger.step(name, Step(to=State.ABANDONED, at=self.clock.now(), by=by, because=because))


def _known(name: str, reading: Reading) -> float:
    if reading.value is None:
        raise PermanentError(f"outcome {name} is not activated: {reading.because}")
    return reading.value


def _broken(limit: Constraint, value: float) -> str:
    if limit.at_most is not None and value > limit.at_most:
        return f"{limit.signal} reads {value:g}, and {limit.at_most:g} is the most that it may"
    if limit.at_least is not None and value < limit.at_least:
        return f"{limit.signal} reads {value:g}, and {limit.at_least:g} is the least that it may"
    return ""
