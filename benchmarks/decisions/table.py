"""How often a deploy that did nothing is rolled back, how soon harm is found, and what is credited: one run.

    nice python benchmarks/decisions/table.py [--runs 1000] [--rivals 100] [--peers 40] [--nab NAB.tar.xz] [--jobs 2]

The judgement is `inference.its.first_ruling`, which `trackwalker judge` calls: alpha 1%, 20 minutes of warm-up, three
readings in a row, up to seven days of looks. Intervals are Clopper and Pearson's at 95%. Seconds are of CPU time.
"""

import argparse
import itertools
import json
import resource
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import beta

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent), str(ROOT / "benchmarks/detection")]

from credits import MEMORYLESS, STORIES, back_within_a_day  # noqa: E402 - after the path
from peers import peers  # noqa: E402
from rules import RULES  # noqa: E402
from worlds import AFTER, BEFORE, DAY, HARD, QUIET, SIZE, STEP_MS, Floats, ar9, noise  # noqa: E402

from inference.interruption import Interruption, ItsReading, ItsSettings  # noqa: E402
from inference.its import first_ruling  # noqa: E402

TIMES = np.arange(SIZE) * STEP_MS
DEPLOY = float(TIMES[BEFORE])
SETTINGS = ItsSettings(min_samples=3)
HOUR = 3_600_000.0
ACTS = 48 * HOUR
SEED = [20261122]


def share(hits: int, of: int) -> dict[str, Any]:
    hits = int(hits)
    low = 0.0 if hits == 0 else float(beta.ppf(0.025, hits, of - hits + 1))
    high = 1.0 if hits == of else float(beta.ppf(0.975, hits + 1, of - hits))
    return {"share": hits / of, "hits": hits, "of": of, "interval": [round(low, 4), round(high, 4)]}


def rngs(runs: int, name: str) -> Iterable[np.random.Generator]:
    for run in range(runs):
        yield np.random.default_rng([*SEED, run, *name.encode()])


def ruled(values: Floats, name: str, *, until: int = SIZE, **more: Any) -> ItsReading:  # noqa: ANN401 - of an Interruption
    settings = replace(SETTINGS, kind="count" if name == "counts" else "gauge", unattended=more.pop("unattended", ()))
    event = Interruption(deploy=DEPLOY, harm="up", ended=True, **more)
    return first_ruling(TIMES[:until], values[:until], event, settings)


def false_rollbacks(name: str, runs: int) -> dict[str, Any]:
    found = [ruled((QUIET | HARD)[name](rng), name) for rng in rngs(runs, name)]
    harmful = [reading.decided or 0.0 for reading in found if reading.ruling == "harmful"]
    acted = sum(decided <= DEPLOY + ACTS for decided in harmful)
    return {"7 days": share(len(harmful), runs), "48 hours": share(acted, runs)}


def rivals(name: str, runs: int) -> dict[str, Any]:
    series = [QUIET[name](rng) for rng in rngs(runs, name)]
    return {rule: share(sum(map(decide, series)), runs) for rule, decide in RULES.items()}


def steps(runs: int, size: float, within: int, world: str = "AR(1) .9") -> dict[str, Any]:
    """Points from the deploy to the ruling, of those that it took."""
    points: list[float] = []
    for rng in rngs(runs, f"step {size} {world}"):
        values = QUIET[world](rng)
        values[BEFORE:] += size
        points.append(_points(values))
    return _soon(points, within)


def control_steps(runs: int, size: float, within: int) -> dict[str, Any]:
    """The same where most of the noise is shared with a series that was not deployed."""
    points: list[float] = []
    for rng in rngs(runs, f"control {size}"):
        common = 2.0 * noise(0.9, rng.standard_normal(SIZE + 1000))
        values = 0.45 * ar9(rng) + common
        values[BEFORE:] += size
        points.append(_points(values, common + 0.3 * rng.standard_normal(SIZE)))
    return _soon(points, within)


def _points(values: Floats, *controls: Floats) -> float:
    event = Interruption(deploy=DEPLOY, harm="up", ended=True)
    reading = first_ruling(TIMES, values, event, SETTINGS, controls)
    found = reading.ruling == "harmful" and reading.decided is not None
    return ((reading.decided or 0.0) - DEPLOY) / STEP_MS + 1 if found else np.inf


def _soon(points: list[float], within: int) -> dict[str, Any]:
    return {
        f"within {within}": share(int(np.sum(np.array(points) <= within)), len(points)),
        "median points": float(np.median(points)),
        "p95 points": float(np.percentile(points, 95, method="higher")),
    }


def short(runs: int, days: int, name: str) -> dict[str, Any]:
    """Less than a week of history, which the plain judge has: false within seven days, and five deviations found."""
    first, false, acted, found = BEFORE - days * DAY, 0, 0, 0
    event = Interruption(deploy=DEPLOY, harm="up", ended=True)
    for rng in rngs(runs, f"short {days} {name}"):
        values = QUIET[name](rng)
        reading = first_ruling(TIMES[first:], values[first:], event, SETTINGS)
        false += reading.ruling == "harmful"
        acted += reading.ruling == "harmful" and (reading.decided or 0.0) <= DEPLOY + ACTS
        values[BEFORE:] += 5.0
        reading = first_ruling(TIMES[first:], values[first:], event, SETTINGS)
        found += reading.ruling == "harmful"
    return {"false in 7 days": share(false, runs), "48 hours": share(acted, runs), "+5 found": share(found, runs)}


def credited(runs: int, name: str, *, mends: bool) -> dict[str, Any]:
    story, hits, naive = STORIES[name], 0, 0
    for rng in rngs(runs, f"credit {name} {mends}"):
        values, record = story.told(rng, mends=mends)
        onset = DEPLOY - story.readings * STEP_MS
        reading = ruled(values, "", anomaly=(onset, None), unattended=tuple(HOUR * hours for hours in record))
        hits += reading.ruling == "worked"
        naive += back_within_a_day(values, story)
    return {"credited": share(hits, runs), "back within 24 h": share(naive, runs)}


def placebos(archive: Path, every: int = 1) -> dict[str, Any]:
    """A deploy that never was, each day of NAB's real series from the eighth on, away from what is labelled."""
    from nab import load

    day = 24 * HOUR
    false, late, found, judged, names = 0, 0, 0, 0, set[str]()
    skipped, deploys = 0, 0
    for series in load(archive):
        stamps, first = np.unique(1000.0 * series.times, return_index=True)
        if series.name.startswith("artificial") or stamps[-1] - stamps[0] < 9 * day:
            continue
        values = series.values[first]
        windows = [(1000.0 * series.times[a], 1000.0 * series.times[b]) for a, b in series.windows]
        for deploy in np.arange(stamps[0] + 7.5 * day, stamps[-1] - 2 * day, day):
            until = min(deploy + 7 * day, stamps[-1])
            near = [start for start, end in windows if end > deploy - day and start < until]
            until = min([until, *near])
            if until - deploy < day:
                continue
            deploys += 1
            if deploys % every:
                continue
            seen = stamps <= until
            event = Interruption(deploy=float(deploy), harm="up", ended=True)
            for sign in (1.0, -1.0):
                calm = first_ruling(stamps[seen], sign * values[seen], event, SETTINGS)
                if calm.method.startswith("plain") or calm.sd is None:
                    skipped += 1
                    continue
                names.add(series.name)
                judged += 1
                harmful = calm.ruling == "harmful"
                false += harmful and (calm.decided or 0.0) <= deploy + ACTS
                late += harmful
                worse = sign * values + 3.0 * calm.sd * (stamps >= deploy)
                found += first_ruling(stamps[seen], worse[seen], event, SETTINGS).ruling == "harmful"
    return {
        "series": len(names), "left to the plain judge": skipped,
        "false in 48 hours": share(false, judged), "false in 7 days": share(late, judged),
        "+3 found": share(found, judged),
    }  # fmt: skip


def speed(runs: int = 12) -> dict[str, float]:
    """CPU microseconds of a look: a week of them less one of thirty, over what they differ by."""
    series = [ar9(rng) for rng in rngs(runs, "speed")]
    ruled(series[0], "")

    def spent(until: int) -> float:
        begun = time.process_time()
        for values in series:
            ruled(values, "", until=until)
        return (time.process_time() - begun) / runs

    few, all_of_them = spent(BEFORE + 30), spent(SIZE)
    return {"us a look": 1e6 * (all_of_them - few) / (AFTER - 30), "ms a history": 1e3 * few}


def asked_of_peers(runs: int) -> dict[str, Any]:
    found = peers({name: [world(rng) for rng in rngs(runs, name)] for name, world in QUIET.items()})
    return {
        peer: {world: share(hits, runs) | {"CPU s": round(spent, 2)} for world, (hits, spent) in worlds.items()}
        for peer, worlds in found.items()
    }


Sections = dict[str, tuple[Callable[..., dict[str, Any]], dict[str, Any]]]


def sections(wanted: argparse.Namespace) -> Sections:
    """What is measured: a name, and the function with its arguments."""
    runs, few = wanted.runs, wanted.rivals
    table: Sections = {"speed": (speed, {})}
    table |= {f"nothing, {name}": (false_rollbacks, {"name": name, "runs": runs}) for name in QUIET | HARD}
    for name in STORIES:
        of = runs if name in MEMORYLESS else 4 * few
        table[f"no-op, {name}"] = (credited, {"runs": of, "name": name, "mends": False})
    table |= _harm(runs, few)
    if wanted.nab:
        table["NAB placebos"] = (placebos, {"archive": wanted.nab, "every": wanted.nab_every})
    table |= {f"rules, {name}": (rivals, {"name": name, "runs": few}) for name in QUIET}
    if wanted.peers:
        table["peers"] = (asked_of_peers, {"runs": wanted.peers})
    table |= {f"mended, {name}": (credited, {"runs": few, "name": name, "mends": True}) for name in STORIES}
    for days, name in itertools.product((2, 6), ("AR(1) .9", "misfit")):
        table[f"{days} d of history, {name}"] = (short, {"runs": few // 2, "days": days, "name": name})
    return {name: one for name, one in table.items() if wanted.only in name}


def _harm(runs: int, few: int) -> Sections:
    """Steps of five, three and one deviation."""
    table: Sections = {
        f"+{size:g}, {name}": (steps, {"runs": of, "size": size, "within": within, "world": name})
        for size, within in ((5.0, 12), (3.0, 48))
        for name, of in {"AR(1) .9": runs, "t with 4 degrees": few, "uneven scatter": few, "misfit": few}.items()
    }
    table["+1"] = (steps, {"runs": few, "size": 1.0, "within": AFTER})
    table["+1 with a control series"] = (control_steps, {"runs": few, "size": 1.0, "within": AFTER})
    return table


def timed(measure: Callable[..., dict[str, Any]], asked: dict[str, Any]) -> dict[str, Any]:
    """What it found, and the CPU seconds that it and the processes it started took."""
    found = measure(**asked)
    spent = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return found | {"CPU s": round(sum(one.ru_utime + one.ru_stime for one in spent))}


def _seeded(seed: int) -> None:
    SEED[:] = [seed]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--rivals", type=int, default=100)
    parser.add_argument("--peers", type=int, default=0)
    parser.add_argument("--nab", type=Path)
    parser.add_argument("--nab-every", type=int, default=1, help="judge each second, third … of those deploys")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=SEED[0])
    parser.add_argument("--only", default="", help="sections whose name has this")
    wanted = parser.parse_args()
    with ProcessPoolExecutor(
        wanted.jobs,
        mp_context=get_context("spawn"),
        max_tasks_per_child=1,
        initializer=_seeded,
        initargs=(wanted.seed,),
    ) as pool:
        going = {pool.submit(timed, *section): name for name, section in sections(wanted).items()}
        for done in as_completed(going):
            print(json.dumps({going[done]: done.result()}), flush=True)


if __name__ == "__main__":
    main()
