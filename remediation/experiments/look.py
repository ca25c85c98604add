"""One look at an experiment: what its users did so far, and what follows. It reads, and changes nothing.

Everything is said with more as better: where a goal wants less of its metric, its sign is turned here and nowhere else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from cases.case import Case
from cases.change import Experiment
from cases.errors import PermanentError
from cases.events import Deployed, Looked
from cases.goal import Constraint, Goal
from cases.measure import EVERYBODY, Measured, Segments, Users
from cases.outcome import Judgement
from cases.outcome import Ruling as Judged
from cases.telemetry import Signal
from inference.experiments.lift import Lift, NoLift, lift
from inference.experiments.mismatch import is_mismatch
from inference.experiments.ruling import Guardrail, Look, Ruling, Safety, Word, rule
from inference.experiments.sequence import Sequence
from inference.words import figure, signed
from remediation.experiments.apart import apart, arm_of, asked
from remediation.experiments.idea import idea_of, wanted_of
from remediation.ports import Ports

TWICE = 2
"""How many times the planned users an experiment may have."""
READINGS = 3
"""So many readings in a row beyond its limit, and a signal that nobody measures by user breaches it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one look came to.

    change   the number of the change that runs
    users    what was read
    found    the lift, more is better; None: nothing can be said yet
    levels   of the metric in the control and in the treated arm, in its own unit
    rails    the same of each guardrail that is measured by user
    segments the effects by a property of users; None where none is asked for
    """

    change: int
    users: Users
    found: Lift | None
    levels: tuple[float, float] | None
    rails: Mapping[str, tuple[float, float]]
    ruling: Ruling
    segments: Segments | None = None

    @property
    def looked(self) -> Looked:
        """As it is kept."""
        ruling, (control, treated) = self.ruling, self.levels or (None, None)
        counts = tuple(self.users.exposed.values())
        return Looked(
            change=self.change,
            users=(counts[0], counts[1]),
            crossed=self.users.crossed,
            because=ruling.because,
            control=control,
            treated=treated,
            lift=self.found.difference if self.found else None,
            low=ruling.low,
            high=ruling.high,
            hope=ruling.hope,
            safety={name: str(known) for name, known in ruling.safety.items()},
            rails=dict(self.rails),
            segments=self.segments,
        )


def look(case: Case, ports: Ports) -> Seen:
    """Look at what runs now.

    Raises SourceDown where nothing can be read, PermanentError where only a human can help.
    """
    if ports.measures is None:
        raise PermanentError(f"nothing measures users of {case.service}: `measures` in the configuration")
    goal, idea = idea_of(case)
    shown, since = _running(case)
    measured = {measure.signal for measure in ports.settings.measures}
    by_user = [one for one in goal.constraints if one.signal in measured]
    wanted = wanted_of(case, ports.settings)
    parts = asked(goal, wanted)
    users = ports.measures.look(
        Measured(
            service=case.service,
            flag=shown.flag.key,
            variants=(shown.control, shown.treated),
            signals=(goal.signal, *(one.signal for one in by_user)),
            since=since,
            until=ports.now,
            segment=goal.segment,
            by=parts.by if parts is not None else "",
        )
    )
    found = _lift(users, goal.signal, shown)
    levels = (found.control, found.treated) if found else None
    if found is not None and not goal.up:
        found = _turned(found)
    known = {
        one.signal: (rail.control, rail.treated)
        for one in by_user
        if (rail := _lift(users, one.signal, shown)) is not None
    }
    rails = {name: rail for one in by_user for name, rail in _guardrails(one, users, shown)}
    counts = (users.exposed.get(shown.control, 0), users.exposed.get(shown.treated, 0))
    planned = Sequence(planned=max(1, idea.plan.users), alpha=1 - goal.criteria.confidence)
    ran = ports.now - users.first if users.first is not None else timedelta()
    ruling = rule(
        Look(
            users=counts,
            found=found,
            guardrails=rails,
            bar=goal.criteria.lift,
            planned=planned,
            most=TWICE * idea.plan.users,
            expected=idea.prediction.size,
            ran=ran,
            mismatched=shown.share < 1 and is_mismatch(counts, (1 - shown.share, shown.share)),
            crossed=users.crossed if shown.measured else 0,
            most_crossed=wanted.most_crossed,
            shortest=wanted.shortest,
            over=_over(goal, ports.now, ran),
        )
    )
    if broken := _beyond(goal, ports, since, measured):
        safety = {**ruling.safety, **dict.fromkeys(broken, Safety.BREACHED)}
        ruling = replace(ruling, word=Word.KILL, because=f"it does harm: {', '.join(broken)}", safety=safety)
    exposed = {shown.control: counts[0], shown.treated: counts[1]}
    segments = (
        None if parts is None else apart(users, goal, (shown.control, shown.treated), parts, planned, idea.plan.least)
    )
    return Seen(
        change=case.merges[-1].change,
        users=replace(users, exposed=exposed),
        found=found,
        levels=levels,
        rails=known,
        ruling=ruling,
        segments=segments,
    )


def breached(seen: Seen) -> tuple[str, ...]:
    """The guardrails that it breaks."""
    return tuple(name for name, known in seen.ruling.safety.items() if known is Safety.BREACHED)


def judged(case: Case, seen: Seen, now: datetime) -> Judgement:
    """The judgement that ends it, or that scales it. The effect is in the signal's own unit and direction."""
    goal, _ = idea_of(case)
    ruling, found = seen.ruling, seen.found
    sign = 1.0 if goal.up else -1.0
    ends = None
    if ruling.low is not None and ruling.high is not None:
        ends = sorted((sign * ruling.low, sign * ruling.high))
    return Judgement(
        change=seen.change,
        ruling=_word(seen),
        at=now,
        because=said(goal, seen),
        signal=goal.signal,
        effect=sign * found.difference if found else None,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
        confidence=goal.criteria.confidence,
        normal=seen.levels[0] if seen.levels else None,
        after=seen.levels[1] if seen.levels else None,
        samples=sum(seen.users.exposed.values()),
        settings=f"always-valid interval at {goal.criteria.confidence:.0%}; bar {goal.criteria.lift:g}",
        recovered=ruling.word is Word.SCALE if found else None,
    )


def said(goal: Goal, seen: Seen) -> str:
    """What the look came to, as a sentence without its full stop."""
    counts = tuple(seen.users.exposed.values())
    people = f"{counts[1]:,} users were shown it, {counts[0]:,} the control"
    broken = [f"{name} {figure(seen.rails[name][0])} → {figure(seen.rails[name][1])}" for name in breached(seen)
              if name in seen.rails]  # fmt: skip
    if broken:
        return f"it does harm: {', '.join(broken)} ({people})"
    if seen.found is None or seen.ruling.low is None or seen.ruling.high is None or seen.levels is None:
        return f"{seen.ruling.because} ({people})"
    sign = 1.0 if goal.up else -1.0
    low, high = sorted((sign * seen.ruling.low, sign * seen.ruling.high))
    effect = (
        f"{goal.signal} {signed(sign * seen.found.difference)} ({figure(seen.levels[0])} → {figure(seen.levels[1])}"
    )
    interval = f"always-valid {goal.criteria.confidence:.0%} interval {signed(low)} to {signed(high)})"
    return f"{seen.ruling.because}: {effect}, {interval}; {people}"


def _word(seen: Seen) -> Judged:
    if seen.ruling.word is Word.SCALE:
        return Judged.WORKED
    if breached(seen):
        return Judged.HARMFUL
    below = seen.ruling.high is not None and seen.ruling.because == "the interval lies below the bar"
    return Judged.UNCHANGED if below else Judged.INCONCLUSIVE


def _running(case: Case) -> tuple[Experiment, datetime]:
    """What users are shown, and since when this very share of it runs."""
    shown = case.shows
    if shown is None:
        raise PermanentError(f"case {case.id} shows nobody anything now")
    number = case.merges[-1].change
    for entry in reversed(case.history):
        if isinstance(entry.event, Deployed) and entry.event.change == number:
            return shown, entry.event.deploy.started
    return shown, min(merge.merged_at for merge in case.merges if merge.change == number)


def _lift(users: Users, signal: str, shown: Experiment) -> Lift | None:
    """The lift of one metric over everybody; None while nothing can be said of it."""
    control, treated = (arm_of(users.tallies.get((EVERYBODY, signal, name))) for name in (shown.control, shown.treated))
    if control is None or treated is None:
        return None
    try:
        return lift(control, treated)
    except NoLift:
        return None


def _turned(found: Lift) -> Lift:
    """The same where less is better."""
    return replace(
        found,
        control=-found.control,
        treated=-found.treated,
        difference=-found.difference,
        relative=None,
        relative_se=None,
    )


def _guardrails(limit: Constraint, users: Users, shown: Experiment) -> Iterator[tuple[str, Guardrail]]:
    """How much worse the treated users may be: as much as is left to the limit from where the control is."""
    found = _lift(users, limit.signal, shown)
    if limit.at_most is not None:
        room = limit.at_most - found.control if found else 0.0
        yield limit.signal, Guardrail(found=found, margin=max(0.0, room), up=True)
    if limit.at_least is not None:
        room = found.control - limit.at_least if found else 0.0
        name = limit.signal if limit.at_most is None else f"{limit.signal} (at least)"
        yield name, Guardrail(found=found, margin=max(0.0, room), up=False)


def _beyond(goal: Goal, ports: Ports, since: datetime, measured: set[str]) -> tuple[str, ...]:
    """The constraints that no user is measured for, and whose signal has been beyond its limit since it runs."""
    signals: Mapping[str, Signal] = {signal.key: signal for signal in ports.watched()}
    return tuple(
        one.signal
        for one in goal.constraints
        if one.signal not in measured and one.signal in signals and _broken(one, signals[one.signal], ports, since)
    )


def _broken(limit: Constraint, signal: Signal, ports: Ports, since: datetime) -> bool:
    step = ports.settings.detection.step
    begin = max(since, ports.now - (READINGS + 2) * step)
    block = ports.read(signal, begin, ports.now, step)
    if not len(block.labels) or block.partial:
        return False
    values = block.values[0][~block.missing[0]][-READINGS:]
    if len(values) < READINGS:
        return False
    high = limit.at_most is not None and bool(np.all(values > limit.at_most))
    return high or (limit.at_least is not None and bool(np.all(values < limit.at_least)))


def _over(goal: Goal, now: datetime, ran: timedelta) -> str:
    """Why it may not go on undecided."""
    if ran >= timedelta(days=goal.days):
        return f"undecided after the {goal.days} days that it may run"
    return f"undecided, and {goal.horizon} was the last day of outcome {goal.name}" if goal.over(now) else ""
