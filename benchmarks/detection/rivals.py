"""Detectors of others on the corpora of `nab.py`, each in its own environment, by their own code.

river       half-space trees (Tan, Ting and Liu, 2011) over readings scaled to what was seen so far, reading by reading
PyOD        distance from the fifth nearest of the last 512 windows of eight readings, fitted anew every 32 readings
stumpy      the left matrix profile of windows of 24 readings: how far each is from the most alike one before it
Gaussian    how improbable a reading is by mean and deviation of the 6,400 before it, as NAB's windowed one

All are causal. What they answer is judged as it is, and once more scaled by the most that the series has shown, slowly
forgotten, and kept where it is the greatest of half a day: that alone lifts any of them (`lifted`).
"""

import json
import os
import subprocess
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scoring import Floats, Labelled

PACKAGES = ("river==0.26.1", "pyod==3.6.7", "stumpy==1.14.1")
_HALF_DAY_S, _FORGOTTEN_S = 43_200, 12 * 86_400

PROGRAM = """
import json, sys, time, warnings
warnings.filterwarnings("ignore")
import numpy as np
import stumpy
from pyod.models.knn import KNN
from river import anomaly, compose, preprocessing
from scipy.stats import norm

def gaussian(x, span=6400):
    scores = np.zeros(len(x))
    total, squares = np.concatenate([[0], np.cumsum(x)]), np.concatenate([[0], np.cumsum(x * x)])
    for at in range(10, len(x)):
        first = max(0, at - span)
        mean = (total[at] - total[first]) / (at - first)
        variance = max((squares[at] - squares[first]) / (at - first) - mean * mean, 1e-12)
        scores[at] = -norm.logsf(abs(x[at] - mean) / variance ** .5)
    return scores

def river(x):
    model = compose.Pipeline(preprocessing.MinMaxScaler(), anomaly.HalfSpaceTrees(seed=1))
    scores = np.zeros(len(x))
    for at, value in enumerate(x.tolist()):
        scores[at] = model.score_one({"value": value})
        model.learn_one({"value": value})
    return scores

def pyod(x, width=8, kept=512, again=32):
    scores, windows = np.zeros(len(x)), np.lib.stride_tricks.sliding_window_view(x, width)
    for first in range(64, len(windows), again):
        model = KNN(n_neighbors=5)
        model.fit(windows[max(0, first - kept):first])
        scores[first + width - 1:first + again + width - 1] = model.decision_function(windows[first:first + again])
    return scores

def profile(x, width=24):
    scores, begin = np.zeros(len(x)), 3 * width
    stream = stumpy.stumpi(x[:begin].astype(float), width, egress=False)
    for at in range(begin, len(x)):
        stream.update(x[at])
        scores[at] = stream.left_P_[-1]
    return np.where(np.isfinite(scores), scores, 0.0)

series = np.load(sys.argv[1])
names = [name for name in series.files]
warm = np.random.default_rng(0).standard_normal(200)
for name, find in {"river": river, "PyOD": pyod, "stumpy": profile, "Gaussian": gaussian}.items():
    find(warm)
    began = time.process_time()
    found = {key: find(series[key]) for key in names}
    spent = time.process_time() - began
    np.savez(f"{sys.argv[2]}/{name}.npz", **found)
    print(json.dumps([name, spent]), flush=True)
"""


def rivals(corpora: dict[str, Sequence[Labelled]]) -> dict[str, dict[str, tuple[list[Floats], float]]]:
    """Scores by detector and corpus, and the CPU seconds of them, shared out by readings."""
    series = {f"{name}|{place}": one.values for name, corpus in corpora.items() for place, one in enumerate(corpus)}
    with tempfile.TemporaryDirectory(prefix="rivals-") as folder:
        venv.create(f"{folder}/own", with_pip=True)
        python = f"{folder}/own/bin/python"
        subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", *PACKAGES], check=True)
        np.savez(f"{folder}/series.npz", **series)
        done = subprocess.run(
            [python, "-c", PROGRAM, f"{folder}/series.npz", folder],
            check=True, stdout=subprocess.PIPE, text=True, cwd=folder,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        spent = dict(json.loads(line) for line in done.stdout.splitlines())
        return {name: _read(Path(folder) / f"{name}.npz", corpora, seconds) for name, seconds in spent.items()}


def _read(path: Path, corpora: dict[str, Sequence[Labelled]], spent: float) -> dict[str, tuple[list[Floats], float]]:
    readings = sum(len(one.values) for corpus in corpora.values() for one in corpus)
    with np.load(path) as found:
        return {
            name: (
                [found[f"{name}|{place}"] for place in range(len(corpus))],
                spent * sum(len(one.values) for one in corpus) / readings,
            )
            for name, corpus in corpora.items()
        }


def lifted(corpus: Sequence[Labelled], scores: Sequence[Floats]) -> list[Floats]:
    """The same scores as ratios to the most so far, which is slowly forgotten, where none of half a day was greater."""
    return [_lifted(series, score) for series, score in zip(corpus, scores, strict=True)]


def _lifted(series: Labelled, scores: Floats) -> Floats:
    decay, span = 0.5 ** (series.step / _FORGOTTEN_S), max(24, int(_HALF_DAY_S / series.step))
    most, ratios = 0.0, np.zeros_like(scores)
    for place, score in enumerate(scores.tolist()):
        ratios[place] = score / most if most > 0 else 0.0
        most = max(most * decay, score)
    kept = np.zeros_like(ratios)
    for place, ratio in enumerate(ratios.tolist()):
        before = ratios[max(0, place - span) : place]
        kept[place] = ratio if not len(before) or ratio > before.max() else 0.0
    return kept
