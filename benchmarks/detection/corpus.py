"""A labelled corpus of repeated, similar incidents: what an operator's week looks like, and what NAB does not hold.

    python benchmarks/detection/corpus.py FOLDER [--seed N] [--series N]

writes one CSV a series (`timestamp,value,label`). `made` gives the same in memory. A series has a kind (how it behaves
when all is well) and one kind of incident, which comes again and again, alike in size and length, a few times a week.
Whatever is drawn is drawn from the seed; seeds up to 99 are for trying things out, from 100 on they are held out.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parent))

from scoring import Labelled

Floats = npt.NDArray[np.float64]
Random = np.random.Generator

DAY_S = 86_400
MONDAY_S = 1_735_516_800
HELD_OUT = (101, 102, 103)
STEPS_S = (60, 300, 300, 600)
WARM_UP_DAYS = 3  # without incidents, and not scored
WEEKS = 3


@dataclass(frozen=True, slots=True)
class Setting:
    """One series to be made: its times [T] in seconds, the step, and the size of its noise."""

    times: Floats
    step: int
    random: Random

    @property
    def day(self) -> Floats:
        """The time of day in [0, 1)."""
        return self.times % DAY_S / DAY_S

    @property
    def weekend(self) -> npt.NDArray[np.bool_]:
        """Saturday and Sunday."""
        return (self.times - MONDAY_S) // DAY_S % 7 >= 5

    def noise(self, correlated: float = 0.0) -> Floats:
        """Gaussian, of variance 1, with that autocorrelation at lag one."""
        white = self.random.standard_normal(len(self.times))
        if not correlated:
            return white
        out, last, rest = np.empty_like(white), 0.0, np.sqrt(1 - correlated**2)
        for place, shock in enumerate(white.tolist()):
            last = correlated * last + rest * shock
            out[place] = last
        return out


def requests(s: Setting) -> tuple[Floats, Floats]:
    """Traffic: a day's shape, quieter at weekends, noise that grows with the level."""
    depth, shift = s.random.uniform(0.3, 0.7), s.random.uniform(0, 1)
    shape = 1 + depth * np.sin(2 * np.pi * (s.day - shift)) + 0.15 * np.sin(4 * np.pi * (s.day - shift))
    level = s.random.uniform(50, 5000) * shape * np.where(s.weekend, s.random.uniform(0.7, 1.0), 1.0)
    spread = s.random.uniform(0.03, 0.08) * level
    return level + spread * s.noise(s.random.uniform(0, 0.5)), spread


def latency(s: Setting) -> tuple[Floats, Floats]:
    """Milliseconds: a skewed, correlated body over a floor, somewhat slower by day."""
    base = s.random.uniform(20, 400)
    level = base * (1 + s.random.uniform(0, 0.25) * np.sin(2 * np.pi * (s.day - 0.3)))
    sigma = s.random.uniform(0.08, 0.2)
    return level * np.exp(sigma * s.noise(s.random.uniform(0.2, 0.7))), sigma * level


def errors(s: Setting) -> tuple[Floats, Floats]:
    """A ratio: mostly nothing, sometimes a few."""
    traffic = s.random.uniform(200, 2000)
    rate = s.random.uniform(0.0005, 0.004)
    counts = s.random.poisson(traffic * rate, len(s.times))
    return counts / traffic, np.full(len(s.times), np.sqrt(rate / traffic))


def utilisation(s: Setting) -> tuple[Floats, Floats]:
    """Per cent: a steady level, correlated noise, a job at a fixed time every day."""
    level = s.random.uniform(15, 45)
    spread = s.random.uniform(1, 3)
    job = (s.day > 0.125) & (s.day < 0.125 + s.random.uniform(0.01, 0.04))
    values = level + spread * s.noise(0.4) + job * s.random.uniform(5, 10) * spread
    return np.clip(values, 0, 100), np.full(len(s.times), spread)


def queue(s: Setting) -> tuple[Floats, Floats]:
    """A depth that wanders: short bursts that drain, never below zero."""
    spread = s.random.uniform(5, 50)
    arrivals = s.random.exponential(1.0, len(s.times)) * (s.random.random(len(s.times)) < 0.3)
    depth, values = 0.0, np.empty(len(s.times))
    for place, come in enumerate(arrivals.tolist()):
        depth = 0.6 * depth + come
        values[place] = depth
    return spread * values, np.full(len(s.times), spread)


def memory(s: Setting) -> tuple[Floats, Floats]:
    """A saw tooth: grows, is collected, grows again; around a level that drifts a little."""
    period = s.random.uniform(1.5, 8) * 3600
    height = s.random.uniform(5, 20)
    teeth = height * ((s.times + s.random.uniform(0, period)) % period / period)
    drift = np.cumsum(s.random.standard_normal(len(s.times))) * 0.01 * height
    spread = 0.05 * height
    return 50 + teeth + drift + spread * s.noise(), np.full(len(s.times), height / 3)


def heavy(s: Setting) -> tuple[Floats, Floats]:
    """A gauge with heavy tails: Student's t with 3 degrees of freedom."""
    spread = s.random.uniform(0.5, 5)
    return 100 + spread * s.random.standard_t(3, len(s.times)), np.full(len(s.times), 1.7 * spread)


Kind = Callable[[Setting], tuple[Floats, Floats]]
KINDS: tuple[Kind, ...] = (requests, latency, errors, utilisation, queue, memory, heavy)


def shift_up(x: Floats, spread: Floats, size: float, _: Random) -> Floats:
    """A higher level."""
    return x + size * spread


def shift_down(x: Floats, spread: Floats, size: float, _: Random) -> Floats:
    """A lower level."""
    return x - size * spread


def ramp(x: Floats, spread: Floats, size: float, _: Random) -> Floats:
    """A climb, and a sudden end."""
    return x + 1.5 * size * spread * np.linspace(0.1, 1, len(x))


def spikes(x: Floats, spread: Floats, size: float, random: Random) -> Floats:
    """Single readings far up, every third or so."""
    hit = random.random(len(x)) < 0.35
    hit[0] = True
    return x + 2 * size * spread * hit


def unrest(x: Floats, spread: Floats, size: float, random: Random) -> Floats:
    """The same level with much more noise."""
    return x + 0.8 * size * spread * random.standard_normal(len(x))


def outage(x: Floats, _: Floats, __: float, ___: Random) -> Floats:
    """Nothing arrives."""
    return 0 * x


Incident = Callable[[Floats, Floats, float, Random], Floats]
INCIDENTS: dict[str, tuple[Incident, ...]] = {
    "requests": (shift_down, shift_up, outage, ramp, unrest),
    "latency": (shift_up, ramp, spikes, unrest),
    "errors": (shift_up, ramp, spikes),
    "utilisation": (shift_up, ramp, shift_down, spikes),
    "queue": (shift_up, ramp),
    "memory": (shift_up, ramp),
    "heavy": (shift_up, shift_down, ramp, unrest),
}


def one(seed: int, number: int) -> Labelled:
    """The series of that number: kinds take turns, all else is drawn."""
    random = np.random.default_rng([seed, number])
    kind = KINDS[number % len(KINDS)]
    step = int(random.choice(STEPS_S))
    times = MONDAY_S + np.arange(0, WEEKS * 7 * DAY_S, step, dtype=np.float64)
    setting = Setting(times, step, random)
    values, spread = kind(setting)
    possible = INCIDENTS[kind.__name__]
    incident = possible[int(random.integers(len(possible)))]
    windows = _incidents(values, spread, setting, incident)
    if kind is not memory and kind is not heavy:
        values = np.maximum(values, 0)
    name = f"{seed}-{number:03d}-{kind.__name__}-{incident.__name__}"
    return Labelled(name, times, values, tuple(windows), WARM_UP_DAYS * DAY_S // step)


def _incidents(values: Floats, spread: Floats, s: Setting, incident: Incident) -> list[tuple[int, int]]:
    """Put the incidents into the values; where they are, first and last place."""
    count = int(s.random.integers(4, 13))
    size, length_s = s.random.uniform(5, 12), s.random.uniform(1200, 7200)
    room = (WEEKS * 7 - WARM_UP_DAYS) * DAY_S / count
    windows: list[tuple[int, int]] = []
    for turn in range(count):
        begin_s = WARM_UP_DAYS * DAY_S + turn * room + s.random.uniform(0, max(room - 3 * length_s, 1))
        first = int(begin_s // s.step)
        last = first + max(int(length_s * s.random.uniform(0.8, 1.25) // s.step), 2)
        if last >= len(values):
            break
        mine = slice(first, last + 1)
        values[mine] = incident(values[mine], spread[mine], size * s.random.uniform(0.85, 1.15), s.random)
        windows.append((first, last))
    return windows


def made(seed: int, count: int = 70) -> list[Labelled]:
    """So many labelled series; the same for the same seed."""
    return [one(seed, number) for number in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=HELD_OUT[0])
    parser.add_argument("--series", type=int, default=70)
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    for series in made(wanted.seed, wanted.series):
        label = np.zeros(len(series.times), dtype=np.int64)
        for first, last in series.windows:
            label[first : last + 1] = 1
        rows = zip(series.times.tolist(), series.values.tolist(), label.tolist(), strict=True)
        text = "timestamp,value,label\n" + "".join(f"{t:.0f},{v!r},{w}\n" for t, v, w in rows)
        (wanted.folder / f"{series.name}.csv").write_text(text)


if __name__ == "__main__":
    main()
