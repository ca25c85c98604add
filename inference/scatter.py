"""How wide a series scatters by the hour of the day: a night may be calm where a noon is not.

The logarithm of the innovations' size is described by two harmonics of the day, where those are worth their
coefficients (BIC; Schwarz, 1978). Innovations divided by it are of one width: weighted least squares. Source: Harvey
(1976), "Estimating regression models with multiplicative heteroscedasticity".
"""

import numpy as np
import numpy.typing as npt

from inference.season import Season

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_DAY = Season(daily=2, weekly=0)
_FEWEST = 500  # innovations, without which the hours of a day are not told apart
_LEAST = 0.1  # of the median size: smaller ones count as this, for the logarithm of nothing is boundless
_MOST = 5.0  # times as wide, or as narrow, as usual


def widths(times: Floats, innovations: Floats, calm: Mask) -> Floats:
    """How wide each innovation is by its hour, against the usual: [M]; all ones where the hours are alike.

    `times` epoch ms [M], `innovations` [M], of which those that are `calm` [M] say it.
    """
    usual = np.ones(len(times))
    sizes = np.abs(innovations[calm])
    if len(sizes) < _FEWEST or not np.median(sizes) > 0.0:
        return usual
    logs = np.log(np.maximum(sizes, _LEAST * np.median(sizes)))
    columns = _DAY.columns(times, 0.0)
    beta = np.linalg.lstsq(columns[calm], logs, rcond=None)[0]
    left = float(np.sum((logs - columns[calm] @ beta) ** 2))
    whole = float(np.sum((logs - np.mean(logs)) ** 2))
    if len(logs) * np.log(whole / left) < (columns.shape[1] - 1) * np.log(len(logs)):
        return usual
    scatter: Floats = np.clip(np.exp(columns[:, 1:] @ beta[1:]), 1.0 / _MOST, _MOST).astype(np.float64)
    return scatter
