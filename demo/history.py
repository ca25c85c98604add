"""Two weeks of the shop before the story: the recorded series as they would have been, made from a seed.

The level is the live one: `demo.load` sends 30 requests a second of which 1 % fail. Each value is what a 5 s window
of that traffic would show, so the noise is the live noise too (Poisson counts). The daily season is anchored at the
end, where the live readings take over.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from demo.load import BASE_ERROR_RATIO, SHARES
from demo.rules import ERROR_RATIO, LATENCY, REQUESTS, ROUTE_ERROR_RATIO, WINDOW_S, target_labels
from demo.selector import NAME

STEP = timedelta(minutes=1)
LENGTH = timedelta(days=14)
DENSE = timedelta(minutes=5)
"""How much of the end is there by the second: what a watch of seconds compares with."""
RATE = 30.0
"""Requests a second, at the end."""
SEASON = 0.25
"""How far the rate of requests swings around its mean within a day, as a share."""
ERROR_SEASON = 0.15
"""The same, for the share of requests that fail."""
ORDER_S, PAGE_S = 0.0122, 0.0001
"""Seconds that a placed order takes (the card network answers after 12 ms), and every other request."""

Floats = npt.NDArray[np.float64]
Seconds = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class History:
    """Series at shared times: labels (with the name), and float64 values of the times' length."""

    times: Seconds
    series: tuple[tuple[dict[str, str], Floats], ...]

    @property
    def samples(self) -> int:
        """How many readings there are in all."""
        return len(self.times) * len(self.series)

    def write_openmetrics(self, path: Path) -> None:
        """Write what `promtool tsdb create-blocks-from openmetrics` reads: families in one piece, times in seconds."""
        times = self.times.tolist()
        families = dict.fromkeys(labels[NAME] for labels, _ in self.series)
        with path.open("w") as out:
            for family in families:
                out.write(f"# TYPE {family} gauge\n")
                for labels, values in self.series:
                    if labels[NAME] != family:
                        continue
                    pairs = ",".join(f'{label}="{value}"' for label, value in labels.items() if label != NAME)
                    readings = zip(values.tolist(), times, strict=True)
                    out.writelines(f"{family}{{{pairs}}} {value!r} {time}\n" for value, time in readings)
            out.write("# EOF\n")


def make_history(*, end: datetime, revision: str, length: timedelta = LENGTH, seed: int = 11) -> History:
    """Make the readings of every minute, and then of every second of the last minutes, up to `end`.

    The same arguments give the same numbers. `revision` is the commit that ran all the while.
    """
    dice = np.random.default_rng(seed)
    last = int(end.timestamp())
    every = int(STEP.total_seconds())
    minutes = last - np.arange(length // STEP - 1, -1, -1, dtype=np.int64) * every
    seconds = last - np.arange(int(DENSE.total_seconds()) - 1, -1, -1, dtype=np.int64)
    times = np.concatenate([minutes[minutes < seconds[0]], seconds])
    season = np.sin(2 * np.pi * (times - last) / timedelta(days=1).total_seconds())
    rate = RATE * (1 + SEASON * season)
    failing = BASE_ERROR_RATIO / SHARES["/checkout"] * (1 + ERROR_SEASON * season)
    answered = {route: np.maximum(1, _counts(dice, rate * share)) for route, share in SHARES.items()}
    failed = np.minimum(answered["/checkout"], _counts(dice, rate * SHARES["/checkout"] * failing))
    total = np.sum(list(answered.values()), axis=0)
    placed = (answered["/checkout"] - failed) / total
    latency = (ORDER_S * placed + PAGE_S * (1 - placed)) * np.exp(0.03 * dice.standard_normal(len(times)))
    shop = {"service": "shop"}
    series: list[tuple[dict[str, str], Floats]] = [
        ({NAME: ERROR_RATIO.record, **shop}, failed / total),
        ({NAME: REQUESTS.record, **shop}, total / WINDOW_S),
        ({NAME: LATENCY.record, **shop}, latency),
    ]
    for route in SHARES:
        errors = failed if route == "/checkout" else np.zeros(len(times))
        series.append(({NAME: ROUTE_ERROR_RATIO.record, **shop, "route": route}, errors / answered[route]))
    running = {NAME: "build_info", **target_labels(), "revision": revision}
    series.append((running, np.ones(len(times))))
    return History(times=times, series=tuple(series))


def _counts(dice: np.random.Generator, per_second: Floats) -> Seconds:
    """What the window that ends at each time counts: a new one each minute, a sliding one where times are seconds."""
    dense = int(DENSE.total_seconds())
    apart = dice.poisson(per_second[:-dense] * WINDOW_S)
    lead_in = np.full(WINDOW_S - 1, per_second[-dense])
    each_second = dice.poisson(np.concatenate([lead_in, per_second[-dense:]]))
    return np.concatenate([apart, np.convolve(each_second, np.ones(WINDOW_S, dtype=np.int64), "valid")])
