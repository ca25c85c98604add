"""CausalImpact and Otava on the same series, by their own code, each in an environment and a process of its own.

CausalImpact   `bsts-causalimpact`, Google's model by Gibbs sampling as R's bsts has it: a local level, p < 1%, upwards
Otava          `apache-otava`, formerly Hunter: E-divisive with its own settings; a step upwards since the deploy

They are asked once a day for seven days, on hourly means of what least squares leaves of the season (as the Newey-West
rule has it): readings of five minutes are not what either is made for, and neither knows both the day and the week.
"""

import json
import os
import subprocess
import tempfile
import venv
from collections.abc import Iterable

import numpy as np
from rules import without_season
from worlds import BEFORE, Floats

PEERS = {"CausalImpact": "bsts-causalimpact==1.7.0", "Otava": "apache-otava==0.8.0"}
_HOUR = 12

PROGRAM = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np

def causalimpact(hours, before):
    import pandas as pd
    from causal_impact import CausalImpact
    frame = pd.DataFrame({"y": hours})
    stats = CausalImpact(frame, [0, before - 1], [before, len(hours) - 1], alpha=0.01).summary_stats
    return stats["p_value"] < 0.01 and stats["point_effect_mean"] > 0

def otava(hours, before):
    from otava.analysis import compute_change_points
    points, _ = compute_change_points(hours.tolist())
    return any(one.index >= before and one.stats.mean_after() > one.stats.mean_before() for one in points)

decide = {"CausalImpact": causalimpact, "Otava": otava}[sys.argv[1]]
before, series = int(sys.argv[3]), np.load(sys.argv[2])
decide(series[0], before)
began = time.process_time()
found = [any(decide(one[:end], before) for end in range(before + 24, len(one) + 1, 24)) for one in series]
print(json.dumps([sum(found), len(found), (time.process_time() - began) / len(found)]))
"""


def peers(worlds: dict[str, list[Floats]]) -> dict[str, dict[str, tuple[int, float]]]:
    """By peer and world: how many of the series would be rolled back within seven days, and CPU seconds a series."""
    return {peer: _asked(peer, package, worlds) for peer, package in PEERS.items()}


def _asked(peer: str, package: str, worlds: dict[str, list[Floats]]) -> dict[str, tuple[int, float]]:
    with tempfile.TemporaryDirectory(prefix="peer-") as folder:
        venv.create(f"{folder}/own", with_pip=True)
        python = f"{folder}/own/bin/python"
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", package], check=True)
        found: dict[str, tuple[int, float]] = {}
        for name, series in worlds.items():
            np.save(f"{folder}/series.npy", np.array(list(_hourly(series))))
            done = subprocess.run(
                [python, "-c", PROGRAM, peer, f"{folder}/series.npy", str(BEFORE // _HOUR)],
                check=True, stdout=subprocess.PIPE, text=True, cwd=folder,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
            hits, _, seconds = json.loads(done.stdout.splitlines()[-1])
            found[name] = int(hits), float(seconds)
        return found


def _hourly(series: Iterable[Floats]) -> Iterable[Floats]:
    for values in series:
        rest = without_season(values)
        yield rest[: len(rest) // _HOUR * _HOUR].reshape(-1, _HOUR).mean(axis=1)
