"""How often an experiment is called wrongly, how often rightly, and what scaling and killing come to: one run.

    nice python -P -m benchmarks.experiments.table [--runs 10000] [--experiments 4000] [--rivals] [--json]

2,016 looks (every 20 minutes for 28 days, or every 5 for 7) at users that arrive evenly in two arms; nothing is said of
fewer than 100 users an arm. Beside the product's rules stand the usual ones, on the same numbers; with --rivals the
intervals are held against those of gbstats, GrowthBook's own engine, in an environment of its own. Intervals of shares
are Clopper and Pearson's at 95%.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import beta

from benchmarks.experiments import always
from benchmarks.experiments.worlds import DEVIATION, WORLDS
from inference.experiments.lift import Lift
from inference.experiments.mismatch import is_mismatch
from inference.experiments.ruling import Look, Word, rule
from inference.experiments.sequence import Sequence, least_effect

LOOKS, EACH, DAY = 2_016, 10, 72
PLANNED = 2 * LOOKS * EACH
SEED = 20261122
GBSTATS = "gbstats==0.8.0"


def share(hits: int, of: int) -> dict[str, Any]:
    hits, of = int(hits), int(of)
    low = 0.0 if hits == 0 else float(beta.ppf(0.025, hits, of - hits + 1))
    high = 1.0 if hits == of else float(beta.ppf(0.975, hits + 1, of - hits))
    return {"share": hits / of, "hits": hits, "of": of, "interval": [round(low, 4), round(high, 4)]}


def nothing(metric: str, runs: int) -> dict[str, Any]:
    """A/A: nobody wins by right."""
    rules = {
        "wins, always valid": always.ours(PLANNED),
        "killed by a guardrail, always valid": always.killed(PLANNED),
        "wins, once a day by plan": always.once_a_day(PLANNED, DAY),
        "rival: mSPRT, mixture of one deviation in fifty": always.msprt(0.02),
        "rival: z-test looked at always": always.peeking(),
        "rival: 95% chance to win": always.likely(),
    }
    found = always.rates(WORLDS[metric], rules, runs=runs, looks=LOOKS, each=EACH, lift=0.0, seed=SEED)
    return {name: share(hits, runs) for name, hits in found.items()}


def something(metric: str, runs: int) -> dict[str, Any]:
    """The least effect that the plan was made for, which one look at its end finds four times in five."""
    effect = least_effect(PLANNED, DEVIATION[metric])
    if metric == "conversion":  # who converts more often varies more: the plan knows of both arms
        effect = least_effect(PLANNED, math.sqrt((0.05 * 0.95 + (0.05 + effect) * (0.95 - effect)) / 2))
    rules = {
        "always valid": always.ours(PLANNED),
        "once a day by plan": always.once_a_day(PLANNED, DAY),
        "rival: mSPRT, mixture as wide as the effect": always.msprt(effect),
        "one look at the end": always.at_the_end(),
    }
    found = always.rates(WORLDS[metric], rules, runs=runs, looks=LOOKS, each=EACH, lift=effect, seed=SEED + 1)
    return {name: share(hits, runs) for name, hits in found.items()}


def mismatches(runs: int) -> dict[str, Any]:
    """Users shared out as planned, or one in a hundred too many; looked at each 2,000 users up to 100,000."""
    report: dict[str, Any] = {}
    for name, truth in {"as planned": 0.5, "51 for 50": 0.51, "50.5 for 50": 0.505}.items():
        rng = np.random.default_rng([SEED, int(1_000 * truth)])
        counts, users = rng.binomial(2_000, truth, (runs, 50)).cumsum(axis=1), 2_000 * np.arange(1, 51)
        found = sum(
            any(is_mismatch((int(n), int(of - n)), (0.5, 0.5)) for n, of in zip(run, users, strict=True))
            for run in counts
        )
        report[name] = share(found, runs)
    return report


def portfolio(experiments: int, spread: float) -> dict[str, Any]:
    """Experiments of a fortnight's plan, looked at daily, at most twice the plan; lifts are normal around zero.

    spread  the deviation of the true lifts, in effects that the plan was made for
    """
    rng = np.random.default_rng([SEED, int(10 * spread)])
    planned, daily = 20_160, 1_440
    effect, sequence = least_effect(planned, 1.0), Sequence(planned=planned, alpha=0.05)
    scaled, below, weeks, naive, naive_below = 0, 0, 0.0, 0, 0
    for truth in rng.normal(0, spread * effect, experiments):
        steps = rng.normal(truth, math.sqrt(4 / daily), 28)
        reached = False
        for day in range(1, 29):
            users, found = day * daily, float(steps[:day].mean())
            lift = Lift(
                control=0.0, treated=found, difference=found, se=math.sqrt(4 / users), relative=None, relative_se=None,
                users=users, explained=0.0,
            )  # fmt: skip
            reached = reached or found >= effect
            ruling = rule(
                Look(
                    users=(users // 2, users // 2), found=lift, guardrails={}, bar=0.0, planned=sequence,
                    most=2 * planned, expected=effect, ran=timedelta(days=day), mismatched=False,
                )
            )  # fmt: skip
            if ruling.word is not Word.CONTINUE:
                scaled += ruling.word is Word.SCALE
                below += ruling.word is Word.SCALE and truth <= 0
                weeks += day / 7
                break
        naive += reached
        naive_below += reached and truth <= 0
    return {
        "scaled": share(scaled, experiments),
        "of these below the bar": share(below, scaled),
        "scaled in 100 experiment-weeks": round(100 * scaled / weeks, 1),
        "days until a ruling": round(7 * weeks / experiments, 1),
        "rival: the threshold was reached once, below the bar": share(naive_below, naive),
    }


def speed(runs: int = 400) -> dict[str, float]:
    seen = WORLDS["normal"](np.random.default_rng(1), 1, runs, EACH)
    sequence = Sequence(planned=PLANNED, alpha=0.05)
    begun = time.process_time()
    for found, se, users in zip(seen.difference[0], seen.se[0], seen.users, strict=True):
        sequence.around(float(found), float(se), int(users))
    return {"us an interval": 1e6 * (time.process_time() - begun) / runs}


THEIRS = """
import json, sys
from gbstats.models.statistics import SampleMeanStatistic
from gbstats.frequentist.tests import SequentialConfig, SequentialTwoSidedTTest
said = []
for n, mean, square, other, other_square, planned in json.load(sys.stdin):
    arms = [
        SampleMeanStatistic(n=n, sum=n * m, sum_squares=s) for m, s in ((mean, square), (other, other_square))
    ]
    config = SequentialConfig(alpha=0.05, difference_type="absolute", sequential_tuning_parameter=planned)
    said.append(list(SequentialTwoSidedTTest(*arms, config).compute_result().ci))
print(json.dumps(said))
"""


def beside_gbstats(cases: int = 200) -> dict[str, Any]:
    """The largest relative difference of an interval's ends from those of GrowthBook's engine, over many arms."""
    rng = np.random.default_rng(SEED)
    asked, ours = [], []
    for _ in range(cases):
        users, planned = int(rng.integers(100, 100_000)), int(rng.integers(1_000, 200_000))
        means, deviations = rng.normal(10, 0.1, 2), rng.uniform(0.5, 3, 2)
        squares = [users * m**2 + (users - 1) * d**2 for m, d in zip(means, deviations, strict=True)]
        asked.append([users, means[0], squares[0], means[1], squares[1], planned])
        se = math.sqrt(sum(d**2 for d in deviations) / users)
        sequence = Sequence(planned=planned, alpha=0.05)
        ours.append(sequence.around(means[1] - means[0], se, 2 * users))
    with tempfile.TemporaryDirectory(prefix="experiments-") as folder:
        venv.create(folder, with_pip=True)
        python = Path(folder) / "bin/python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", GBSTATS], check=True)
        done = subprocess.run(
            [python, "-c", THEIRS], input=json.dumps(asked), capture_output=True, text=True, check=True
        )
    theirs = np.array(json.loads(done.stdout))
    return {"intervals": cases, "largest difference": float(np.max(np.abs(theirs / np.array(ours) - 1)))}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--experiments", type=int, default=4_000)
    parser.add_argument("--rivals", action="store_true")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    report: dict[str, Any] = {}

    def told(name: str, figures: Callable[[], dict[str, Any]]) -> None:
        report[name] = figures()
        if not wanted.json:
            print(name, json.dumps(report[name]), flush=True)

    told("speed", speed)
    for metric in DEVIATION:
        told(f"the planned effect: {metric}", lambda metric=metric: something(metric, wanted.runs // 4))
    told("mismatch", lambda: mismatches(wanted.runs // 2))
    for spread in (1.0, 2.0):
        told(f"portfolio, lifts of {spread:g}", lambda spread=spread: portfolio(wanted.experiments, spread))
    if wanted.rivals:
        told("gbstats", beside_gbstats)
    for metric in WORLDS:
        told(f"nothing: {metric}", lambda metric=metric: nothing(metric, wanted.runs))
    if wanted.json:
        json.dump(report, sys.stdout, indent=1)


if __name__ == "__main__":
    main()
