"""Which strategy is asked first: by what became of it everywhere, for this signal, and in this service. Pure.

It only orders. What is drafted passes the same proof and the same gate, and no weight buys authority.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cases.case import Case
from cases.outcome import NO_CHANGE, Ending, Lesson
from inference.strategies import Tally, posterior

MODEL = "model"
"""The strategy of every edit that a language model drafts, whichever it is."""
MOST_LESSONS = 500
"""The newest lessons that are looked at."""

# What an ending says of its strategy: whether it worked, and how much that counts.
SAYS: Mapping[Ending, tuple[bool, float]] = {
    Ending.WORKED: (True, 1.0),
    Ending.UNCHANGED: (False, 1.0),
    Ending.HARMFUL: (False, 1.0),
    Ending.ROLLED_BACK: (False, 1.0),
    Ending.CLOSED_UNMERGED: (False, 0.5),  # a no may be for its moment
    Ending.DISMISSED: (False, 0.5),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """How much is expected of a strategy here, in (0, 1), and what that rests on."""

    strategy: str
    mean: float
    everywhere: Tally
    signal: Tally
    service: Tally

    def __str__(self) -> str:
        seen = (("everywhere", self.everywhere), ("for this signal", self.signal), ("in this service", self.service))
        told = ", ".join(f"{tally.worked:g} of {tally.tries:g} {where}" for where, tally in seen if tally.tries)
        return f"{self.strategy} {self.mean:.2f} ({told or 'never tried'})"


def strategy_of(origin: str) -> str:
    """The strategy that an origin belongs to: a playbook by its name, every model alike."""
    return MODEL if origin.startswith(f"{MODEL}:") else origin


def weights(case: Case, lessons: Iterable[Lesson], strategies: Sequence[str]) -> tuple[Weight, ...]:
    """The weight of each strategy for this case, in the order of `strategies`."""
    tries = [each for lesson in lessons for each in _tries(lesson)]
    name = case.anomaly.signal.name
    return tuple(_weight(strategy, tries, name, case.service) for strategy in strategies)


def ordered(found: Sequence[Weight]) -> tuple[Weight, ...]:
    """The best first; those that are alike to two digits stay in the order of least harm, which is that of the code."""
    return tuple(sorted(found, key=lambda weight: -round(weight.mean, 2)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Try:
    strategy: str
    signal: str
    service: str
    worked: float
    weight: float


def _tries(lesson: Lesson) -> Iterable[_Try]:
    """What one lesson says of strategies: of its own, and of those that the sandbox disproved before it."""
    signal = lesson.signal.rpartition("/")[2]

    def one(origin: str, *, worked: bool, weight: float) -> _Try:
        return _Try(
            strategy=strategy_of(origin), signal=signal, service=lesson.service, worked=weight * worked, weight=weight
        )

    said = SAYS.get(lesson.ending)
    if said is not None and lesson.strategy != NO_CHANGE and lesson.strategy not in lesson.disproved:
        yield one(lesson.strategy, worked=said[0], weight=said[1])
    for origin in lesson.disproved:
        yield one(origin, worked=False, weight=1.0)


def _weight(strategy: str, tries: Sequence[_Try], signal: str, service: str) -> Weight:
    mine = [each for each in tries if each.strategy == strategy]
    here = [each for each in mine if each.signal == signal and each.service == service]
    near = [each for each in mine if each.signal == signal and each.service != service]
    far = [each for each in mine if each.signal != signal]
    levels = [_tally(part) for part in (far, near, here)]
    return Weight(
        strategy=strategy,
        mean=posterior(levels).mean,
        everywhere=_tally(mine),
        signal=_tally([*near, *here]),
        service=levels[-1],
    )


def _tally(tries: Sequence[_Try]) -> Tally:
    return Tally(worked=sum(each.worked for each in tries), tries=sum(each.weight for each in tries))
