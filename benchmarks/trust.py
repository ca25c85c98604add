"""How often the ladder promotes a class that does harm too often: `python -P -m benchmarks.trust`.

Each simulated class has a true rate of harm; its outcomes are drawn one after the other, the score is looked at after
each, and a demotion (two bad ones within ten) begins it anew, as in the daemon. A class is promoted when the score ever
reaches 20. Beside it, in the same runs, the rule "19 of the last 20 were good".
"""

import argparse
import math

import numpy as np

from inference.shares import share
from inference.trust import ELIGIBLE, HARM, REFUSAL, TOO_MANY, WINDOW, Bar


def promoted(
    rate: float, bar: Bar, runs: int, looks: int, rng: np.random.Generator, *, demote: bool, anew: bool = False
) -> np.ndarray:
    """For each run whether, and after how many outcomes, it was promoted; 0 for never."""
    score = np.ones(runs)
    recent = np.ones((runs, WINDOW), dtype=bool)
    when = np.zeros(runs, dtype=np.int64)
    for look in range(1, looks + 1):
        good = rng.random(runs) >= rate
        score *= np.where(good, bar.good, bar.bad)
        if demote:
            recent = np.concatenate([recent[:, 1:], good[:, None]], axis=1)
            fallen = (~recent).sum(axis=1) >= TOO_MANY
            score[fallen] = 1.0 if anew else np.minimum(score[fallen], 1.0)
            recent[fallen] = True
        when[(when == 0) & (score >= ELIGIBLE)] = look
    return when


def of_the_last_twenty(rate: float, runs: int, looks: int, rng: np.random.Generator) -> np.ndarray:
    """The rule of thumb: promoted as soon as 19 of the last 20 were good."""
    recent = np.zeros((runs, 20), dtype=bool)
    when = np.zeros(runs, dtype=np.int64)
    for look in range(1, looks + 1):
        recent = np.concatenate([recent[:, 1:], (rng.random(runs) >= rate)[:, None]], axis=1)
        when[(when == 0) & (recent.sum(axis=1) >= 19)] = look
    return when


def said(when: np.ndarray) -> str:
    yes = int((when > 0).sum())
    found = share(yes, len(when))
    median = f"{int(np.median(when[when > 0]))} outcomes" if yes else "-"
    return f"{found.mean:7.2%}  ({found.low:.2%} to {found.high:.2%})  median {median}"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--runs", type=int, default=20_000)
    asked.add_argument("--looks", type=int, default=1000)
    asked.add_argument("--seed", type=int, default=1)
    given = asked.parse_args()
    print(f"{given.runs} classes, {given.looks} outcomes each, a look after each; 95% intervals (Wilson)")
    for name, bar, rates, demote in (
        ("to auto_merge, by harm", HARM, (0.05, 0.10, 0.20, 0.01), True),
        ("the same, without demotions", HARM, (0.05,), False),
        ("to pull_request, by refusals", REFUSAL, (0.5, 0.6, 0.2), False),
    ):
        print(name)
        for rate in rates:
            rng = np.random.default_rng(given.seed)
            when = promoted(rate, bar, given.runs, given.looks, rng, demote=demote)
            print(f"  true rate {rate:4.0%}: promoted {said(when)}")
    rng = np.random.default_rng(given.seed)
    when = promoted(0.05, HARM, given.runs, given.looks, rng, demote=True, anew=True)
    print(f"beside it: each demotion lifts the score back to 1\n  true rate   5%: promoted {said(when)}")
    print("beside it: 19 of the last 20 were good")
    for rate in (0.05, 0.10, 0.20):
        rng = np.random.default_rng(given.seed)
        print(f"  true rate {rate:4.0%}: promoted {said(of_the_last_twenty(rate, given.runs, given.looks, rng))}")
    print(f"clean outcomes in a row that promote: {math.ceil(math.log(ELIGIBLE) / math.log(HARM.good))}")


if __name__ == "__main__":
    main()
