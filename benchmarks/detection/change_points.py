"""Change points: ours beside Otava, ruptures' PELT and the bare rank-sum scan, on seeded series whose truth is known.

    python benchmarks/detection/change_points.py [--seeds 0,1,2] [--readings 150] [--phi 0.6] [--json]

A seed is 480 series of 150 readings around 100: Gaussian noise, heavy tails (Student, 3 degrees, and 1 in 100 readings
half as large again), or an AR(1) with the same wild readings; each of standard deviation 2; 40 each without a step and
with one of 3, 5 and 10% at a place drawn from the second half. A step is recalled if a change point lies within 5
readings of it; every other one is false, also on series with a step. Time is that of the CPU, in one process, one after
the other; "to scan" is held against the bare scan in the same run, as a busy machine makes all of them slow.

The rivals are installed into a folder of their own for the run, at the versions and settings below.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: CPU time is of one thread

import numpy as np
import numpy.typing as npt

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from inference.change_points import change_points  # noqa: E402 - after the path

Floats = npt.NDArray[np.float64]

RIVALS = ("apache-otava==0.8.0", "ruptures==1.1.10", "scipy")
NOISES = ("gaussian", "heavy", "autocorrelated")
STEPS = (0.0, 0.03, 0.05, 0.10)
TOLERANCE = 5
OURS, SCAN = "ours", "rank-sum scan"

RIVALS_PROGRAM = """
import json, sys, time
import numpy as np
import ruptures
from otava.analysis import compute_change_points
from scipy.stats import rankdata

def otava(x):
    found = compute_change_points(list(map(float, x)), window_len=50, max_pvalue=.001, min_magnitude=.0)
    return [int(c.index) for c in (found[0] if isinstance(found, tuple) else found)]

def pelt(x):
    scale = np.median(np.abs(np.diff(x))) / .954
    return ruptures.Pelt(model="l2", min_size=5, jump=1).fit(x / scale).predict(pen=3 * np.log(len(x)))[:-1]

def scan(x):
    found = []
    def within(a, b):
        m = b - a
        if m < 16:
            return
        k = np.arange(1, m)
        z = np.abs(np.cumsum(rankdata(x[a:b]))[:-1] - k * (m + 1) / 2) / np.sqrt(k * (m - k) * (m + 1) / 12)
        z[:5] = z[-5:] = 0
        i = int(z.argmax())
        if z[i] > 4.5:
            found.append(a + i + 1)
            within(a, a + i + 1)
            within(a + i + 1, b)
    within(0, len(x))
    return sorted(found)

series = np.load(sys.argv[1])
for name, find in {"rank-sum scan": scan, "Otava": otava, "ruptures PELT l2": pelt}.items():
    find(series[0])
    began = time.process_time()
    found = [find(x) for x in series]
    print(json.dumps([name, time.process_time() - began, [list(map(int, one)) for one in found]]), flush=True)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One series, and where its level was moved (None: nowhere)."""

    noise: str
    step: float
    place: int | None
    values: Floats


def made(seed: int, *, readings: int, phi: float, each: int = 40) -> list[Made]:
    """The series of one seed."""
    rng = np.random.default_rng(seed)
    return [
        _one(rng, noise, step, readings, phi) for noise in NOISES for step in STEPS for _ in range(each)
    ]  # the order of draws is the grid's: seed 0 is the published one


def _one(rng: np.random.Generator, noise: str, step: float, readings: int, phi: float) -> Made:
    drawn = rng.standard_normal(readings) if noise == "gaussian" else rng.standard_t(3, readings) / 1.7
    if noise == "autocorrelated":
        drawn = rng.standard_normal(readings)
        for at in range(1, readings):
            drawn[at] = phi * drawn[at - 1] + (1 - phi**2) ** 0.5 * drawn[at]
    values = 100 * (1 + 0.02 * drawn)
    place = int(rng.integers(int(0.4 * readings), readings - 20))
    if step:
        values[place:] *= 1 + step * rng.choice([-1, 1])
    if noise != "gaussian":
        values[rng.random(readings) < 0.01] *= 1.5
    return Made(noise=noise, step=step, place=place if step else None, values=values)


def scored(series: list[Made], found: list[list[int]], seconds: float) -> dict[str, Any]:
    """Recall by noise and step, false change points a series by noise, and milliseconds a series."""
    recall: dict[str, dict[str, float]] = {}
    false: dict[str, float] = {}
    for noise in NOISES:
        mine = [(one, places) for one, places in zip(series, found, strict=True) if one.noise == noise]
        hits = [
            one.place is not None and any(abs(place - one.place) <= TOLERANCE for place in places)
            for one, places in mine
        ]
        recall[noise] = {
            f"{step:.0%}": float(np.mean([hit for hit, (one, _) in zip(hits, mine, strict=True) if one.step == step]))
            for step in STEPS
            if step
        }
        false[noise] = float(np.mean([len(places) - hit for hit, (_, places) in zip(hits, mine, strict=True)]))
    return {"recall": recall, "false": false, "ms": 1000 * seconds / len(series)}


def ours(series: list[Made]) -> tuple[list[list[int]], float]:
    """What ours finds, and the CPU seconds that it takes."""
    change_points(series[0].values)
    began = time.process_time()
    found = [change_points(one.values) for one in series]
    return [[change.index for change in one] for one in found], time.process_time() - began


def run(seeds: list[int], *, readings: int, phi: float) -> dict[str, Any]:
    """Every contender on the series of all seeds, in one run."""
    series = [one for seed in seeds for one in made(seed, readings=readings, phi=phi)]
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="tw-rivals-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, *RIVALS], check=True)
        np.save(f"{folder}/series.npy", np.array([one.values for one in series]))
        told[OURS] = scored(series, *ours(series))
        theirs = subprocess.run(
            [f"{folder}/bin/python", "-c", RIVALS_PROGRAM, f"{folder}/series.npy"],
            check=True, stdout=subprocess.PIPE, text=True, cwd=folder,
        )  # fmt: skip
    for line in theirs.stdout.splitlines():
        name, seconds, found = json.loads(line)
        told[name] = scored(series, found, seconds)
    for one in told.values():
        one["to_scan"] = one["ms"] / told[SCAN]["ms"]
    return {"seeds": seeds, "readings": readings, "phi": phi, "series": len(series), "contenders": told}


def main() -> None:
    """Print the table, or the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0", help="numbers with commas between them")
    parser.add_argument("--readings", type=int, default=150)
    parser.add_argument("--phi", type=float, default=0.6)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    told = run([int(seed) for seed in wanted.seeds.split(",")], readings=wanted.readings, phi=wanted.phi)
    if wanted.json:
        print(json.dumps(told))
        return
    print(f"{told['series']} series of {told['readings']} readings, phi {told['phi']:g}, seeds {wanted.seeds}\n")
    print("|  | ms | to scan | recall of 3 / 5 / 10%: " + " | ".join(NOISES) + " | false a series |")
    print("|---|---|---|---|---|---|---|")
    for name, one in told["contenders"].items():
        recall = " | ".join(" / ".join(f"{hit:.2f}" for hit in one["recall"][noise].values()) for noise in NOISES)
        false = " / ".join(f"{one['false'][noise]:.3f}" for noise in NOISES)
        print(f"| {name} | {one['ms']:.2f} | {one['to_scan']:.2f} | {recall} | {false} |")


if __name__ == "__main__":
    main()
