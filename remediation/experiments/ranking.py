"""Which hypothesis first: what is expected of it, as a share of the way to the target, for a dollar. It only orders.

The chance is a Beta-Binomial over what experiments taught: of other kinds of lever, of this kind, of this kind on this
signal, of this very idea elsewhere. What was learnt of users unlike the goal's is a step further away. The wider is the
prior of the narrower (`inference.strategies`), and each step away from the idea counts half as much.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cases.card import Card
from cases.goal import Goal
from cases.hypothesis import Effort, Hypothesis, Peril
from cases.outcome import Lesson
from inference.strategies import Tally, posterior
from inference.words import figure
from remediation.experiments.kindred import kindred
from remediation.experiments.levers import Levers
from remediation.experiments.marks import mark_in, mark_of, of_experiments
from remediation.strategies import SAYS

PRIOR = 1 / 3
"""The chance of an idea of which nothing is known: about a third of those that were tested well did what they were
meant to (Kohavi, Crook and Longbotham 2009, "Online experimentation at Microsoft")."""


_COUNTS = (1 / 8, 1 / 4, 1 / 2, 1.0)
"""How much one outcome counts, from other kinds of lever to this very idea."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """What things are reckoned at, in USD, to compare ideas. No bill says so: they are assumptions, and are shown.

    user    a user of the plan, times the risk's factor
    day     a day that it runs
    effort  who builds and reviews it
    """

    user: float = 0.001
    day: float = 1.0
    effort: Mapping[Effort, float] = field(
        default_factory=lambda: {Effort.SMALL: 10.0, Effort.MEDIUM: 80.0, Effort.LARGE: 400.0}
    )
    risk: Mapping[Peril, float] = field(default_factory=lambda: {Peril.LOW: 1.0, Peril.MEDIUM: 2.0, Peril.HIGH: 5.0})

    def __str__(self) -> str:
        efforts = ", ".join(f"{effort} ${usd:g}" for effort, usd in self.effort.items())
        risks = ", ".join(f"{risk} times {times:g}" for risk, times in self.risk.items())
        return f"reckoned at ${self.user:g} a user ({risks}), ${self.day:g} a day, effort {efforts}"


WEIGHTS = Weights()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranked:
    """A hypothesis with what orders it.

    gain    what it predicts, as a share of the way from baseline to target, 1 at the most
    chance  that it does so, in (0, 1); `record` what that rests on
    usd     what it is reckoned to cost
    """

    hypothesis: Hypothesis
    gain: float
    chance: float
    record: str
    usd: float

    @property
    def value(self) -> float:
        """The share of the way that is expected for 100 USD."""
        return 100 * self.gain * self.chance / self.usd

    def __str__(self) -> str:
        way = f"{self.gain:.0%} of the way to the target with a chance of {self.chance:.2f} ({self.record})"
        return f"{way}, for ${figure(self.usd)}: {figure(100 * self.value)}% of the way per $100"


def ranked(
    found: Sequence[Hypothesis],
    goal: Goal,
    levers: Levers,
    lessons: Sequence[Lesson],
    weights: Weights = WEIGHTS,
    cards: Sequence[Card] = (),
) -> tuple[Ranked, ...]:
    """The best first; those that are alike in the order in which they came. `cards` of segments say who is alike."""
    taught = [(lesson, kindred(mark_in(lesson).segment, goal.segment, cards)) for lesson in of_experiments(lessons)]
    rows = [_ranked(one, goal, levers, taught, weights) for one in found]
    return tuple(sorted(rows, key=lambda row: -round(row.value, 9)))


def _ranked(
    one: Hypothesis, goal: Goal, levers: Levers, lessons: Sequence[tuple[Lesson, bool]], weights: Weights
) -> Ranked:
    kind = mark_of(one, levers).kind
    names = ("for other kinds", f"for {kind}", f"for {kind} here", "for this")
    seen: dict[str, list[Lesson]] = {name: [] for name in names}
    far, near, here, this = seen.values()
    for lesson, kin in lessons:
        same = lesson.signal == goal.signal
        if lesson.id in one.cited:
            this.append(lesson)
        elif mark_in(lesson).kind != kind or not (same or kin):
            far.append(lesson)
        else:
            (here if same and kin else near).append(lesson)
    tallies = {name: _tally(part) for name, part in seen.items()}
    told = [f"{tally.worked:g} of {tally.tries:g} {name}" for name, tally in tallies.items() if tally.tries]
    levels = [
        Tally(worked=tally.worked * counts, tries=tally.tries * counts)
        for tally, counts in zip(tallies.values(), _COUNTS, strict=True)
    ]
    plan = one.plan
    return Ranked(
        hypothesis=one,
        gain=min(1.0, one.prediction.size / abs(goal.target - goal.baseline)),
        chance=posterior(levels, prior=PRIOR).mean,
        record=", ".join(told) or "never tried",
        usd=plan.users * weights.user * weights.risk[one.risk] + plan.days * weights.day + weights.effort[one.effort],
    )


def _tally(lessons: Sequence[Lesson]) -> Tally:
    said = [SAYS[lesson.ending] for lesson in lessons if lesson.ending in SAYS]
    return Tally(worked=sum(weight for worked, weight in said if worked), tries=sum(weight for _, weight in said))
