"""DEPLOYED → judged: look at what the change did to the metric it promised to move, and to every other one of its case.

The promised signal decides whether the change worked; each signal of the case can show harm. Nothing is remembered
between two looks: every look reads the series anew and judges all of it (`inference.its`), so a restart loses nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from cases.anomaly import Anomaly
from cases.case import Case
from cases.errors import PermanentError
from cases.events import Deployed, Escalated, Extended, Harmed, Judged
from cases.moments import from_milliseconds, iso, milliseconds
from cases.outcome import Judgement, Ruling
from cases.steps import PostComment, StepResult
from cases.telemetry import Deploy, Direction, SeriesBlock, Signal
from inference.interruption import Interruption, ItsReading, ItsSettings, describe
from inference.its import judge
from inference.words import span
from remediation.judgement_text import Seen, comment

MOST_SIGNALS = 4  # more would leave each too small a share of alpha to ever find harm
STALE_STEPS = 5

BlockOf = Callable[[Signal, datetime, datetime, timedelta], SeriesBlock]


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgementSettings:
    """How a deployed change is judged.

    warm_up      after the deploy, not looked at (restarts, caches, the smoothing window of the query)
    window       from the deploy to the day on which an answer is due
    act_within   from the deploy on: as long as harm is answered with a rollback; later a human is asked
    look_every   between two looks; `step` the grid of the readings; `history` how far back before the onset they reach
    min_samples  readings without which nothing is said
    alpha        chance of ever calling a harmless deploy harmful, over all of its signals
    holds        successive readings at which the evidence must hold
    margin       smallest harm that counts, in the promised signal's unit; None: a quarter of the normal deviation
    """

    warm_up: timedelta
    window: timedelta
    act_within: timedelta
    look_every: timedelta
    step: timedelta
    history: timedelta
    min_samples: int
    alpha: float
    holds: int
    margin: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    """One look at one case. `until` is when an answer is due; `its` how each series is judged."""

    case: Case
    deploy: Deploy
    now: datetime
    until: datetime
    settings: JudgementSettings
    its: ItsSettings

    @property
    def ended(self) -> bool:
        return self.now >= self.until

    @property
    def undecided(self) -> Literal["inconclusive"] | None:
        """The ruling where there is none to give."""
        return "inconclusive" if self.ended else None


def watch(case: Case, block_of: BlockOf, now: datetime, settings: JudgementSettings) -> StepResult:
    """Look once at the deployed change in hand.

    `block_of(signal, start, end, step)` reads a signal. Raises SourceDown as it does, and PermanentError for a case
    with no deploy or for a promise about a signal that is none of the case's.
    """
    if not case.deploys:
        raise PermanentError(f"case {case.id} is to be watched, and its history has no deploy")
    deploy = case.deploys[-1]
    until = case.watch_until or deploy.started + settings.window
    warm = deploy.started + settings.warm_up
    if now < min(warm, until):
        return StepResult(
            again=min(now + settings.look_every, warm, until),
            waiting=f"{deploy.commit[:10]} runs since {iso(deploy.started)}; its warm-up lasts until {iso(warm)}",
        )
    watched = _watched(case)
    its = _its_settings(settings, len(watched))
    looking = _Watch(case=case, deploy=deploy, now=now, until=until, settings=settings, its=its)
    return _concluded(looking, [_look(looking, anomaly, block_of) for anomaly in watched])


def _watched(case: Case) -> list[Anomaly]:
    """One anomaly a signal, the promised signal's first."""
    promised = case.change.promise.signal
    first: dict[str, Anomaly] = {}
    for anomaly in case.anomalies:
        first.setdefault(anomaly.signal.key, anomaly)
    lead = next((key for key, anomaly in first.items() if promised in {key, anomaly.signal.name}), None)
    if lead is None:
        raise PermanentError(
            f"change {case.change.number} of case {case.id} promises to move {promised!r}, and no anomaly of the case "
            f"is about it (there are: {', '.join(sorted(first))}); judge it by hand"
        )
    return [first.pop(lead), *first.values()][:MOST_SIGNALS]


def _its_settings(settings: JudgementSettings, signals: int) -> ItsSettings:
    """Each signal gets its share of alpha."""
    return ItsSettings(
        alpha=settings.alpha / signals,
        margin=settings.margin,
        warm_up=_ms(settings.warm_up),
        min_samples=settings.min_samples,
        holds=settings.holds,
    )


def _look(looking: _Watch, anomaly: Anomaly, block_of: BlockOf) -> Seen:
    """Read one signal and judge it."""
    case, signal, now = looking.case, anomaly.signal, looking.now
    start, onset = _spans(looking, anomaly)
    block = block_of(signal, start, now, looking.settings.step)
    promised = case.change.promise.signal in {signal.key, signal.name}
    its = looking.its if promised else replace(looking.its, margin=None)  # the margin is in the promised signal's unit
    seen = Seen(signal=signal, its=its, reading=_nothing(looking, "", its), newest=None)
    if block.partial:
        return replace(seen, reading=_nothing(looking, "the source says that its answer is not whole", its))
    row = next((row for row, labels in enumerate(block.labels) if dict(labels) == dict(anomaly.labels)), None)
    if row is None:
        return replace(seen, reading=_nothing(looking, "the series is not there any more: missing is not healthy", its))
    recovered = case.recovered if case.recovered and case.recovered > onset else None
    event = Interruption(
        deploy=milliseconds(looking.deploy.started),
        harm="up" if (signal.harm or anomaly.direction) is Direction.UP else "down",
        anomaly=(milliseconds(onset), milliseconds(recovered) if recovered else None),
        ended=looking.ended,
    )
    values = block.values[row]
    present = np.flatnonzero(np.isfinite(values))
    newest = from_milliseconds(int(block.times[present[-1]])) if len(present) else None
    return _fresh(looking, replace(seen, reading=judge(block.times, values, event, its), newest=newest))


def _spans(looking: _Watch, anomaly: Anomaly) -> tuple[datetime, datetime]:
    """Where the readings begin, and where the trouble does that the change is to end.

    A rollback is judged by the same test: its trouble began when the change that it undoes was deployed, and normal is
    what was there just before, which is the anomaly itself if it was still on.
    """
    case, history = looking.case, looking.settings.history
    onset = anomaly.onset - timedelta(seconds=anomaly.onset_bound_s)
    undone = _deployed(case, case.change.rolls_back)
    if undone is None:
        return onset - history, onset
    was_on = onset < undone.started and not (case.recovered and case.recovered < undone.started)
    return (anomaly.onset if was_on else undone.started - history), undone.started


def _deployed(case: Case, change: int | None) -> Deploy | None:
    """The deploy of an earlier change of the case, if it ever ran."""
    events = (entry.event for entry in reversed(case.history))
    return next((event.deploy for event in events if isinstance(event, Deployed) and event.change == change), None)


def _nothing(looking: _Watch, because: str, its: ItsSettings) -> ItsReading:
    """A look that saw no series."""
    return ItsReading(ruling=looking.undecided, because=because, samples=0, confidence=1.0 - 2.0 * its.alpha)


def _fresh(looking: _Watch, seen: Seen) -> Seen:
    """Take a good ruling back while the newest reading is too old to speak for now; harm that was seen stays."""
    patience = looking.settings.look_every + STALE_STEPS * looking.settings.step
    if seen.newest is None or looking.now - seen.newest <= patience:
        return seen
    if seen.reading.ruling == "harmful" or not seen.reading.samples:
        return seen
    silent = f"no reading since {iso(seen.newest)}: missing is not healthy; before that: {seen.reading.because}"
    return replace(seen, reading=replace(seen.reading, ruling=looking.undecided, because=silent))


def _concluded(looking: _Watch, seen: list[Seen]) -> StepResult:
    """What the looks come to: harm on any signal first, then what the promised one says."""
    harmed = next((look for look in seen if look.reading.ruling == "harmful"), None)
    if harmed is not None:
        return _harmed(looking, harmed, seen)
    lead = seen[0]
    if lead.reading.ruling is None:
        again = min(looking.now + looking.settings.look_every, looking.until)
        return StepResult(again=again, waiting=_waiting(looking, lead))
    if looking.ended and looking.case.watch_until is None and 0 < lead.reading.samples < looking.settings.min_samples:
        return _extended(looking, lead)
    judgement = _judgement(looking, lead, Ruling(lead.reading.ruling))
    return StepResult(events=(Judged(judgement=judgement),), effects=_effects(looking, lead, seen, ""))


def _harmed(looking: _Watch, harmed: Seen, seen: list[Seen]) -> StepResult:
    """A rollback as long as the change is young; a human's turn later, and when a rollback itself did harm."""
    change, name = looking.case.change, f"{harmed.signal.name} of {harmed.signal.service}"
    since = looking.now - looking.deploy.started
    follows = ""
    if change.rolls_back is not None:
        follows = f"this change is itself the rollback of change {change.rolls_back}, and a rollback is not rolled back"
    elif since > looking.settings.act_within:
        follows = (
            f"that is {span(_ms(since))} after the deploy, past the {span(_ms(looking.settings.act_within))} in which "
            "harm is answered with a rollback"
        )
    if follows:
        reason = f"change {change.number} does harm: {name} is {harmed.reading.because}; {follows}: decide what to do"
        return StepResult(events=(Escalated(reason=reason),), effects=_effects(looking, harmed, seen, follows))
    judgement = _judgement(looking, harmed, Ruling.HARMFUL)
    return StepResult(events=(Harmed(judgement=judgement),), effects=_effects(looking, harmed, seen, ""))


def _extended(looking: _Watch, lead: Seen) -> StepResult:
    """Something was read, and too little: go on once, for as long again (48 h at the most, by default)."""
    longer = min(looking.settings.window, looking.settings.act_within)
    because = f"{lead.signal.name} of {lead.signal.service}: {lead.reading.because}"
    event = Extended(until=looking.now + longer, because=because)
    return StepResult(
        events=(event,),
        again=looking.now + min(looking.settings.look_every, longer),
        waiting=f"the watch goes on until {iso(event.until)}; {because}",
    )


def _waiting(looking: _Watch, lead: Seen) -> str:
    """The sentence for a watch that goes on."""
    since = span(_ms(looking.now - looking.deploy.started))
    return (
        f"watching {lead.signal.name} of {lead.signal.service}, {since} after the deploy: {lead.reading.because}; "
        f"an answer is due {iso(looking.until)}"
    )


def _judgement(looking: _Watch, seen: Seen, ruling: Ruling) -> Judgement:
    """The ruling with its statistics."""
    reading = seen.reading
    return Judgement(
        change=looking.case.change.number,
        ruling=ruling,
        at=looking.now,
        because=f"{seen.signal.name} of {seen.signal.service}: {reading.because}",
        signal=seen.signal.key,
        effect=reading.effect,
        low=reading.low,
        high=reading.high,
        confidence=reading.confidence,
        normal=reading.normal,
        anomalous=reading.anomalous,
        after=reading.after,
        evidence=reading.evidence,
        samples=reading.samples,
        settings=describe(seen.its),
    )


def _effects(looking: _Watch, decisive: Seen, seen: list[Seen], follows: str) -> tuple[PostComment, ...]:
    """One comment on the change's pull request. A change that a human merged as their own has none of ours."""
    case, change = looking.case, looking.case.change
    if not any(proposal.change == change.number for proposal in case.proposals):
        return ()
    others = [look for look in seen if look is not decisive]
    body = comment(decisive, others, looking.deploy, looking.now - looking.deploy.started, change, follows)
    return (
        PostComment(
            key=f"{case.id}-{change.number}-judgement",
            repository=change.lead.repository,
            branch=change.branch(case.id),
            body=body,
        ),
    )


def _ms(duration: timedelta) -> float:
    return duration.total_seconds() * 1000.0
