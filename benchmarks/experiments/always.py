"""How often an experiment that changes nothing wins or is killed, and how often one that does is found: every look.

The thresholds are the product's own, one a look: how many standard errors off its interval excludes zero, and from
which on its one-sided evidence reaches 1/alpha.
"""

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.experiments.worlds import Floats, Seen, World
from inference.experiments.daily import boundaries
from inference.experiments.sequence import FEWEST, Sequence

Rule = Callable[[Seen], "np.ndarray"]
"""Whether an experiment ever wins, [runs]."""


def multipliers(planned: int, alpha: float, users: Floats) -> Floats:
    """Standard errors that the two-sided interval reaches to either side, at each look."""
    sequence = Sequence(planned=planned, alpha=alpha)
    return np.array([sequence.around(0.0, 1.0, int(count))[1] for count in users])


def critical(planned: int, alpha: float, users: Floats) -> Floats:
    """Standard errors from which on the one-sided evidence is 1/alpha, at each look: it grows with them."""
    sequence = Sequence(planned=planned, alpha=alpha)
    low, high = np.full(len(users), -10.0), np.full(len(users), 40.0)
    for _ in range(50):
        middle = (low + high) / 2
        reached = [
            sequence.above(0.0, off, 1.0, int(count)) >= 1 / alpha for off, count in zip(middle, users, strict=True)
        ]
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return high


def enough(seen: Seen) -> "np.ndarray":
    """The looks at which anything is said."""
    return seen.users >= 2 * FEWEST


def ours(planned: int, alpha: float = 0.05) -> Rule:
    """The interval lies off zero at any look."""

    def ever(seen: Seen) -> "np.ndarray":
        off = np.abs(seen.difference / seen.se)
        return ((off > multipliers(planned, alpha, seen.users)) & enough(seen)).any(axis=1)

    return ever


def killed(planned: int, alpha: float = 0.01) -> Rule:
    """A guardrail is found breached at any look."""

    def ever(seen: Seen) -> "np.ndarray":
        worse = seen.difference / seen.se >= critical(planned, alpha, seen.users)
        return (worse & enough(seen)).any(axis=1)

    return ever


def once_a_day(planned: int, looks_a_day: int, alpha: float = 0.05) -> Rule:
    """One look at each day's end, with the chance of an error spent over the plan."""

    def ever(seen: Seen) -> "np.ndarray":
        users = seen.users[looks_a_day - 1 :: looks_a_day]
        bounds = np.array(boundaries([float(count) / planned for count in users], alpha))
        off = np.abs(seen.difference / seen.se)[:, looks_a_day - 1 :: looks_a_day]
        return (off > bounds).any(axis=1)

    return ever


def peeking(alpha_z: float = 1.959963984540054) -> Rule:
    """A test for one look, looked at always."""

    def ever(seen: Seen) -> "np.ndarray":
        return ((np.abs(seen.difference / seen.se) > alpha_z) & enough(seen)).any(axis=1)

    return ever


def at_the_end(alpha_z: float = 1.959963984540054) -> Rule:
    """The same test, looked at once: what it was made for."""

    def ever(seen: Seen) -> "np.ndarray":
        return np.abs(seen.difference[:, -1] / seen.se[:, -1]) > alpha_z

    return ever


def likely(chance: float = 0.95) -> Rule:
    """A "95% chance to win": the posterior of a flat prior, looked at always."""
    from scipy.special import ndtri

    bound = float(ndtri(chance))

    def ever(seen: Seen) -> "np.ndarray":
        return ((np.abs(seen.difference / seen.se) > bound) & enough(seen)).any(axis=1)

    return ever


def msprt(effect: float, alpha: float = 0.05) -> Rule:
    """MSPRT with a mixture as wide as the effect that is hoped for, and the variance that is seen.

    Johari, Koomen, Pekelis and Walsh (2017), "Peeking at A/B tests".
    """

    def ever(seen: Seen) -> "np.ndarray":
        grown = (effect / seen.se) ** 2
        off = (seen.difference / seen.se) ** 2
        evidence = 0.5 * off * grown / (1 + grown) - 0.5 * np.log1p(grown)
        return ((evidence >= -np.log(alpha)) & enough(seen)).any(axis=1)

    return ever


def rates(
    world: World, rules: Mapping[str, Rule], *, runs: int, looks: int, each: int, lift: float, seed: int
) -> dict[str, int]:
    """How many of `runs` experiments each rule ever calls, in chunks that fit into memory."""
    found = dict.fromkeys(rules, 0)
    for chunk, first in enumerate(range(0, runs, 250)):
        rng = np.random.default_rng([seed, chunk])
        seen = world(rng, min(250, runs - first), looks, each, lift)
        for name, rule in rules.items():
            found[name] += int(rule(seen).sum())
    return found
