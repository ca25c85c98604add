"""DEPLOYED → judged: look at what the change did to the metric it promised to move, and to every other one of its case.

The promised signal decides whether the change worked; each signal of the case can show harm. Nothing is remembered
between two looks: every look reads the series anew and judges all of it (`inference.its`), so a restart loses nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from cases.anomaly import Anomaly
from cases.case import Case
from cases.errors import PermanentError
from cases.events import Deployed, Escalated, Extended, Harmed, Judged
from cases.moments import from_milliseconds, iso, milliseconds
from cases.outcome import Judgement, Ruling
from cases.steps import Effect, PostComment, StepResult, StorePlot
from cases.telemetry import Deploy, Direction, Signal
from inference.interruption import Interruption, ItsReading, ItsSettings, describe
from inference.words import figure, signed, span
from remediation.controls import BlockOf, controls_of
from remediation.judgement_text import comment
from remediation.seen import Judged as Basis
from remediation.seen import Seen

OTHERS_BACK = timedelta(hours=6)  # other deploys before ours by more than that are part of what was before
MOST_SIGNALS = 4  # more would leave each too small a share of alpha to ever find harm
STALE_STEPS = 5


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


def _nobody(since: datetime, until: datetime) -> Sequence[Deploy]:
    """No other deploy is known."""
    del since, until
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What else bears on a judgement.

    others      the deploys of the case's service in a stretch
    unattended  how long those anomalies of a signal lasted that nobody touched, each that is on record
    plot        draws a look into a picture at a path in a repository, and says where it will be seen; None: no pictures
    """

    others: Callable[[datetime, datetime], Sequence[Deploy]] = _nobody
    unattended: Callable[[Signal], Sequence[timedelta]] = field(default=lambda _: ())
    plot: Callable[[Seen, Judgement, str, str], tuple[StorePlot, str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Watch:
    """One look at one case. `until` is when an answer is due; `its` how each series is judged."""

    case: Case
    deploy: Deploy
    now: datetime
    until: datetime
    settings: JudgementSettings
    its: ItsSettings
    around: Around

    @property
    def ended(self) -> bool:
        return self.now >= self.until

    @property
    def undecided(self) -> Literal["inconclusive"] | None:
        """The ruling where there is none to give."""
        return "inconclusive" if self.ended else None


def watch(
    case: Case, block_of: BlockOf, now: datetime, settings: JudgementSettings, around: Around | None = None
) -> StepResult:
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
    looking = _Watch(
        case=case, deploy=deploy, now=now, until=until, settings=settings, its=its, around=around or Around()
    )
    seen = [_look(looking, anomaly, block_of) for anomaly in watched]
    if any(look.reading.ruling == "harmful" for look in seen):
        seen = _beside_others(looking, seen)
    return _concluded(looking, seen)


def _beside_others(looking: _Watch, seen: list[Seen]) -> list[Seen]:
    """Before anything is laid to the change: what else was deployed, and may have done it as well?"""
    ours = [event.deploy for event in _deploys(looking.case)]
    told = looking.around.others(looking.deploy.started - OTHERS_BACK, looking.now)
    others = tuple(
        float(milliseconds(other.started)) for other in told if not any(other.runs(own.commit) for own in ours)
    )
    if not others:
        return seen
    again: list[Seen] = []
    for look in seen:
        if look.judged is None or look.reading.ruling != "harmful":
            again.append(look)
            continue
        judged = replace(look.judged, event=replace(look.judged.event, others=others))
        again.append(replace(look, judged=judged, reading=judged.look(look.its)))
    return again


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
    its = replace(
        looking.its,
        kind=signal.scale.value,
        margin=looking.its.margin if promised else None,  # it is in the promised signal's unit
        unattended=tuple(map(_ms, looking.around.unattended(signal))),
    )
    seen = Seen(anomaly=anomaly, its=its, reading=_nothing(looking, "", its))
    if block.partial:
        return replace(seen, reading=_nothing(looking, "the source says that its answer is not whole", its))
    row = next((row for row, labels in enumerate(block.labels) if dict(labels) == dict(anomaly.labels)), None)
    if row is None:
        return replace(seen, reading=_nothing(looking, "the series is not there any more: missing is not healthy", its))
    recovered = case.recovered if case.recovered and case.recovered > onset else None
    better = case.improvement and case.change.rolls_back is None
    event = Interruption(
        deploy=milliseconds(looking.deploy.started),
        harm="up" if (signal.harm or anomaly.direction) is Direction.UP else "down",
        # before an improvement nothing was wrong: what it is held against is how it has been
        anomaly=None if better else (milliseconds(onset), milliseconds(recovered) if recovered else None),
        ended=looking.ended,
    )
    values = block.values[row]
    present = np.flatnonzero(np.isfinite(values))
    newest = from_milliseconds(int(block.times[present[-1]])) if len(present) else None
    controls = controls_of(signal, block, block_of, looking.settings.step)
    judged = Basis(event=event, times=block.times, values=values, controls=controls)
    reading = judged.look(its)
    if better and promised:
        reading = gained(reading, event.harm)
    return _fresh(looking, replace(seen, reading=reading, newest=newest, judged=judged))


def gained(reading: ItsReading, harm: Literal["up", "down"]) -> ItsReading:
    """The reading, ruled "worked" where all of its interval lies beyond the margin on the good side.

    The interval is always valid: it may be looked at as often as one likes.
    """
    if reading.ruling == "harmful" or reading.low is None or reading.high is None or reading.margin is None:
        return reading
    least = -reading.high if harm == "up" else reading.low
    if least <= reading.margin:
        return reading
    moved = f"{figure(reading.reference or 0.0)} to {figure(reading.after or 0.0)}"
    span_of = f"{signed(reading.low)} to {signed(reading.high)}"
    because = f"better than before the change: {moved}, by {span_of} ({100 * reading.confidence:.3g}% always-valid)"
    return replace(reading, ruling="worked", because=because)


def _spans(looking: _Watch, anomaly: Anomaly) -> tuple[datetime, datetime]:
    """Where the readings begin, and where the trouble does that the change is to end.

    A rollback is judged by the same test: its trouble began when the change that it undoes was deployed, and normal is
    what was there just before, which is the anomaly itself if it was still on.
    """
    case, history = looking.case, looking.settings.history
    if case.improvement and case.change.rolls_back is None:
        return looking.deploy.started - history, looking.deploy.started
    onset = anomaly.onset - timedelta(seconds=anomaly.onset_bound_s)
    undone = _deployed(case, case.change.rolls_back)
    if undone is None:
        return onset - history, onset
    was_on = onset < undone.started and not (case.recovered and case.recovered < undone.started)
    return (anomaly.onset if was_on else undone.started - history), undone.started


def _deployed(case: Case, change: int | None) -> Deploy | None:
    """The deploy of an earlier change of the case, if it ever ran."""
    return next((event.deploy for event in reversed(_deploys(case)) if event.change == change), None)


def _deploys(case: Case) -> list[Deployed]:
    """Each change of the case that ran, in order."""
    return [entry.event for entry in case.history if isinstance(entry.event, Deployed)]


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
    contested = next((look for look in seen if look.reading.contested), None)
    if contested is not None:
        return _contested(looking, contested, seen)
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


def _contested(looking: _Watch, contested: Seen, seen: list[Seen]) -> StepResult:
    """Harm that another deploy explains as well: nothing is rolled back, a human decides."""
    change, name = looking.case.change, f"{contested.signal.name} of {contested.signal.service}"
    follows = "another deploy of that time explains it about as well, so nothing is rolled back"
    reason = f"change {change.number} may do harm: {name} is {contested.reading.because}; {follows}: decide what to do"
    return StepResult(events=(Escalated(reason=reason),), effects=_effects(looking, contested, seen, follows))


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
        settings=describe(seen.its, reading.method),
        recovered=reading.recovered if reading.effect is not None else None,
    )


def _effects(looking: _Watch, decisive: Seen, seen: list[Seen], follows: str) -> tuple[Effect, ...]:
    """One comment on the change's pull request, with its picture. A human's own merge has none."""
    case, change = looking.case, looking.case.change
    if not any(proposal.change == change.number for proposal in case.proposals):
        return ()
    others = [look for look in seen if look is not decisive]
    key, repository = f"{case.id}-{change.number}-judgement", change.lead.repository
    stored: tuple[StorePlot, ...] = ()
    plot = ""
    if looking.around.plot is not None and decisive.judged is not None:
        said = _judgement(looking, decisive, Ruling(decisive.reading.ruling or "inconclusive"))
        picture, plot = looking.around.plot(decisive, said, key, repository)
        stored = (picture,)
    body = comment(decisive, others, looking.deploy, looking.now - looking.deploy.started, change, follows, plot)
    return (*stored, PostComment(key=key, repository=repository, branch=change.branch(case.id), body=body))


def _ms(duration: timedelta) -> float:
    return duration.total_seconds() * 1000.0
