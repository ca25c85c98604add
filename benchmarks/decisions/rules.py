"""What others do about a deploy, each as a rule over one series: whether it would roll back within the watch.

Written after their documents, not their code: they compare a canary with a baseline at one time, and have here what a
team without a canary has, the time before. Each looks every hour (Argo- and Flagger-like: at each reading).
"""

from collections.abc import Callable

import numpy as np
from scipy.stats import mannwhitneyu, norm, ttest_ind
from worlds import AFTER, BEFORE, DAY, SIZE, WEEK, Floats

_HOUR, _WARM = 12, 4


def kayenta(values: Floats) -> bool:
    """Mann-Whitney at 98% of the last hour against the same hour a day before the deploy's day, twice in a row."""
    bad = 0
    for end in range(BEFORE + _WARM + _HOUR, BEFORE + AFTER + 1, _HOUR):
        back = DAY * -(-(end - BEFORE) // DAY)
        now, then = values[end - _HOUR : end], values[end - _HOUR - back : end - back]
        bad = bad + 1 if mannwhitneyu(now, then, alternative="greater").pvalue < 0.02 else 0
        if bad > 1:
            return True
    return False


def argo(values: Floats) -> bool:
    """A condition at mean and three deviations of two weeks; the fourth failed measurement ends it (failureLimit 3)."""
    past = values[BEFORE - 2 * WEEK : BEFORE]
    return int(np.sum(values[BEFORE + _WARM :] > past.mean() + 3 * past.std())) > 3


def flagger(values: Floats) -> bool:
    """A threshold at the 99.5th percentile of two weeks; the tenth failed check ends it."""
    limit = np.percentile(values[BEFORE - 2 * WEEK : BEFORE], 99.5)
    return int(np.sum(values[BEFORE + _WARM :] > limit)) >= 10


def welch(values: Floats) -> bool:
    """Welch's t-test of all since the deploy against the week before it, p < 1%, each hour."""
    past = values[BEFORE - WEEK : BEFORE]
    ends = range(BEFORE + _WARM + _HOUR, SIZE + 1, _HOUR)
    return any(
        ttest_ind(values[BEFORE + _WARM : end], past, equal_var=False, alternative="greater").pvalue < 0.01
        for end in ends
    )


def without_season(values: Floats) -> Floats:
    """What least squares on four weeks leaves of waves of the day and of the week."""
    at = np.arange(SIZE)
    turns = [2 * np.pi * k * at / DAY for k in range(1, 5)] + [2 * np.pi * k * at / WEEK for k in range(1, 4)]
    design = np.column_stack([np.ones(SIZE), *(wave(turn) for turn in turns for wave in (np.sin, np.cos))])
    beta = np.linalg.lstsq(design[:BEFORE], values[:BEFORE], rcond=None)[0]
    rest: Floats = values - design @ beta
    return rest


def newey_west(values: Floats) -> bool:
    """Season by least squares, the mean since the deploy with Newey and West's error by their rule of lags, p < 1%."""
    rest = without_season(values)
    past, lags = rest[:BEFORE], int(4 * (BEFORE / 100) ** (2 / 9))
    shares = [1 - lag / (lags + 1) for lag in range(1, lags + 1)]
    long_run = past @ past + 2 * sum(s * (past[lag:] @ past[:-lag]) for lag, s in enumerate(shares, start=1))
    since = rest[BEFORE + _WARM :]
    counts = np.arange(1, len(since) + 1)
    z = np.cumsum(since) / counts / np.sqrt(long_run / BEFORE / counts)
    return bool(np.any(z[_HOUR - 1 :: _HOUR] > norm.ppf(0.99)))


RULES: dict[str, Callable[[Floats], bool]] = {
    "Kayenta-like": kayenta, "Argo-like": argo, "Flagger-like": flagger, "Welch": welch, "Newey-West": newey_west,
}  # fmt: skip
