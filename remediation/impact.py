"""What else moved since the onset: the service's other signals, business metrics first, with what the numbers support.

A signal's mean since the onset is held against its mean just before. How that ratio falls out at the same time on
earlier days (or, where there are too few, in the hours before) says what was to be expected, and how far chance alone
goes: a change is said only when it is beyond that. It is never said to be caused by anything.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.case import Case
from cases.diagnosis import Evidence
from cases.errors import PermanentError, SourceDown
from cases.events import Noted
from cases.telemetry import DAY, Signal
from remediation.evidence import Pack
from remediation.neutral import neutral
from remediation.ports import Ports
from remediation.shift import FEWEST, BlockOf, Labels, Shift, Span, Window, judge, mean

MOST_SIGNALS = 5
MOST_SERIES = 3
FEWEST_POINTS = 4  # of `detection.step` since the onset; before that there is too little to look at
MOST_DAYS, MOST_HOURS = 14, 10  # windows to compare with
PREFIX = "impact: "
"""How the fact of an impact begins in the evidence."""
SINCE = " since the onset"
NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a series did since the onset.

    now, expected  its mean since then, and what it would have been, in the signal's own unit
    noise          how far chance alone takes it from there, relative to what was expected
    windows        how many earlier windows it was compared with; `basis` which, in words
    """

    now: float
    expected: float
    noise: float
    windows: int
    basis: str

    @property
    def change(self) -> float:
        """Relative to what was expected: -0.12 is 12 % less."""
        return self.now / self.expected - 1

    @property
    def told(self) -> bool:
        """Whether the change is beyond the noise."""
        return abs(self.change) > self.noise

    def said_of(self, name: str) -> str:
        """The sentence about it."""
        compared = f"noise ±{self.noise:.0%}, compared with {self.basis}"
        if self.told:
            means = f"{self.now:.4g} where {self.expected:.4g} was expected"
            return f"{name} {self.change:+.0%}{SINCE} ({means}, {compared})"
        if self.noise >= 1:
            return f"{name} varies too much to tell ({compared})"
        return f"no change seen in {name}{SINCE} ({compared})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """One series beside the case. `measured` is None where nothing can be said, and `because` says why."""

    signal: Signal
    labels: Mapping[str, str]
    measured: Measured | None = None
    because: str = ""

    @property
    def sentence(self) -> str:
        """What can be said, in words that claim no more."""
        name = neutral(self.signal.name, 60) + _shown(self.labels)
        if self.measured is None:
            return f"{name} was not seen: {neutral(self.because, 200)}"
        return self.measured.said_of(name)

    @property
    def numbers(self) -> Mapping[str, float]:
        """The figures of the sentence: change and noise in percent, means in the signal's own unit."""
        if self.measured is None:
            return {}
        return {
            "change_percent": round(100 * self.measured.change, 1),
            "noise_percent": round(100 * self.measured.noise, 1),
            "now": self.measured.now,
            "expected": self.measured.expected,
            "windows": float(self.measured.windows),
        }


def impacts(case: Case, signals: Iterable[Signal], ports: Ports) -> tuple[Impact, ...]:
    """Look at the service's other signals, those of databases first. A source that is down is said, and stops nothing.

    `signals` are all that are watched. Five signals at the most are read, each in a few short stretches.
    """
    onset = min(anomaly.onset for anomaly in case.anomalies)
    settings = ports.settings
    if ports.now - onset < FEWEST_POINTS * settings.detection.step:
        return ()
    span = Span.since(onset, ports.now, settings.detection.step)
    days = min(MOST_DAYS, settings.detection.history // DAY)
    business = {source.name: source.slow for source in settings.signals.seldom}
    found: list[Impact] = []
    for signal in _others(case, signals, business):
        every = business.get(signal.source, NO_TIME)
        if ports.now - onset < 2 * every:
            because = f"it is asked every {length_of(every)}, and nothing of it is from after the onset yet"
            found.append(Impact(signal=signal, labels={}, because=because))
            continue
        try:
            found += impact_of(signal, onset, span, days, ports.read)
        except (SourceDown, PermanentError) as error:
            found.append(Impact(signal=signal, labels={}, because=str(error)))
    return tuple(found)


def _others(case: Case, signals: Iterable[Signal], business: Container[str]) -> list[Signal]:
    known = {anomaly.signal.key for anomaly in case.anomalies}
    others = [signal for signal in signals if signal.service == case.service and signal.key not in known]
    return sorted(others, key=lambda signal: signal.source not in business)[:MOST_SIGNALS]


def impact_of(signal: Signal, onset: datetime, span: Span, days: int, block_of: BlockOf) -> list[Impact]:
    """What each series of one signal did since the onset. Raises SourceDown and PermanentError as `block_of` does."""
    # The oldest first: a source that keeps its last answer then has the others in it.
    daily = [span.windows(signal, onset - day * DAY, block_of) for day in range(days, 0, -1)]
    today = span.windows(signal, onset, block_of)
    if not today:
        return [Impact(signal=signal, labels={}, because="there is no reading since the onset")]
    if len(today) > MOST_SERIES:
        return [Impact(signal=signal, labels={}, because=f"it has {len(today)} series; watch their sum to see it here")]
    judged = {labels: judge(window, _of(daily, labels)) for labels, window in today.items()}
    basis = "the same time on {} earlier days"
    if all(found is None for found in judged.values()):
        length = span.before + span.after
        hourly = [span.windows(signal, onset - count * length, block_of) for count in range(MOST_HOURS, 0, -1)]
        judged = {labels: judge(window, _of(hourly, labels)) for labels, window in today.items()}
        basis = "{} stretches of " + length_of(length) + " before"
    return [_impact(signal, dict(labels), today[labels], judged[labels], basis) for labels in sorted(judged)]


def _impact(signal: Signal, labels: Mapping[str, str], today: Window, found: Shift | None, basis: str) -> Impact:
    before, after = mean(today.before), mean(today.after)
    if before is None or after is None:
        return Impact(signal=signal, labels=labels, because="too few readings around the onset")
    if before <= 0:
        return Impact(signal=signal, labels=labels, because="it was not above zero before the onset")
    if found is None:
        return Impact(signal=signal, labels=labels, because=f"there are fewer than {FEWEST} earlier windows like it")
    measured = Measured(
        now=after,
        expected=before * found.usual,
        noise=found.noise,
        windows=found.windows,
        basis=basis.format(found.windows),
    )
    return Impact(signal=signal, labels=labels, measured=measured)


def add_impacts(facts: Pack, found: Iterable[Impact], at: datetime) -> None:
    """Store each as a fact with its numbers."""
    for impact in found:
        source = f"{impact.signal.source}: {impact.signal.query}"
        facts.add(PREFIX + impact.sentence, source, at, impact.numbers)


def impact_lines(facts: Iterable[Evidence]) -> list[str]:
    """The lines of a pull request about what else moved: from stored evidence, those that moved first."""
    told = [fact for fact in facts if fact.fact.startswith(PREFIX)]
    told.sort(key=lambda fact: not _moved(fact))
    return [f"- {fact.id}: {fact.fact.removeprefix(PREFIX)}" for fact in told]


def impact_headline(case: Case, facts: Iterable[Evidence]) -> str:
    """`error-ratio is up since 12:34:56 UTC, orders -12%`: what moved, in one line; "" when nothing else did."""
    moved = [fact.fact.removeprefix(PREFIX).partition(SINCE)[0] for fact in facts if _moved(fact)]
    if not moved:
        return ""
    anomaly = case.anomaly
    lead = f"{neutral(anomaly.signal.name, 60)} is {anomaly.direction} since {anomaly.onset:%H:%M:%S} UTC"
    return ", ".join((lead, *moved[:MOST_SERIES]))


def moved_lines(facts: Iterable[Evidence]) -> list[str]:
    """Of those lines, the ones about what moved beyond the noise."""
    return impact_lines(fact for fact in facts if _moved(fact))


def look_around(case: Case, ports: Ports) -> tuple[Noted, ...]:
    """What else moved since the onset, as evidence behind what is there: looked at now, with all readings since."""
    diagnosis = case.diagnosis
    if diagnosis is None:
        return ()
    pack = Pack(diagnosis.facts)
    add_impacts(pack, impacts(case, ports.watched(), ports), ports.now)
    new = tuple(pack.facts[len(diagnosis.facts) :])
    return (Noted(facts=new),) if new else ()


def _moved(fact: Evidence) -> bool:
    """Whether a fact tells of a change beyond the noise."""
    change, noise = fact.numbers.get("change_percent"), fact.numbers.get("noise_percent")
    return fact.fact.startswith(PREFIX) and change is not None and noise is not None and abs(change) > noise


def _of(windows: Sequence[Mapping[Labels, Window]], labels: Labels) -> list[Window]:
    return [window[labels] for window in windows if labels in window]


def length_of(length: timedelta) -> str:
    """A length of time as a sentence has it."""
    minutes = length.total_seconds() / 60
    return f"{minutes / 60:.3g} h" if minutes >= 120 else f"{minutes:.3g} min"  # noqa: PLR2004 - minutes in two hours


def _shown(labels: Mapping[str, str]) -> str:
    text = ", ".join(
        f"{neutral(name, 40)}={neutral(value, 40)}" for name, value in sorted(labels.items()) if name != "__name__"
    )
    return f" ({text})" if text else ""
