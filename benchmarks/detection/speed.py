"""What a tick costs: many series with season, levels, records and calibration, scored in blocks.

    python benchmarks/detection/speed.py [--series N] [--ticks N] [--step SECONDS] [--missing SHARE] [--further]

CPU seconds of this process, series past their learning, all read at one time as a poll does. The learning is done on
few series, and their rows are repeated. The ticks begin shortly before the end of a half day and of a span of
de-duplication, when all series have more to learn: those ticks are the worst. Beside it stands what numpy alone takes
to add a number to columns of single precision, as many as there are rows: a pass, by which a busy machine shows.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from detectors.engine.block import Block  # noqa: E402 - after the path
from detectors.engine.engine import Engine  # noqa: E402
from detectors.engine.pace import Floats  # noqa: E402
from detectors.engine.rows import ROWS  # noqa: E402

DAY_S = 86_400
START_S = 20_160 * DAY_S
LEARNT_DAYS = 8.5
FEW = 1_024


def learnt(step_s: int, days: float, rng: np.random.Generator, *, further: bool) -> tuple[Engine, int]:
    """An engine with few series that have learnt all they have to, and the time of the next tick, seconds."""
    engine = Engine(further=further)
    engine.claim(FEW)
    last = int(days * DAY_S / step_s)
    for tick in range(last):
        engine.tick(1000 * (START_S + tick * step_s), 100 + rng.standard_normal(FEW))
    return engine, START_S + last * step_s


def blocks(engine: Engine) -> list[Block]:
    """Its blocks of rows: there is no other way to have a million old series in a minute."""
    return engine._blocks  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def many(few: Engine, series: int, *, further: bool) -> Engine:
    """An engine with so many series, which are those few again and again."""
    engine = Engine(further=further)
    engine.claim(series)
    rows = blocks(few)[0].rows
    for number, block in enumerate(blocks(engine)):
        size = min(ROWS, series - number * ROWS)
        block.rows.put(np.arange(size), rows.take(np.arange(size) % FEW))
    return engine


def passes(series: int) -> float:
    """Seconds that one pass takes over columns of all rows, in blocks: the least of some."""
    column, spent = np.zeros(series, dtype=np.float32), list[float]()
    for _ in range(9):
        begun = time.process_time()
        for first in range(0, series, ROWS):
            part = column[first : first + ROWS]
            np.add(part, np.float32(1), out=part)
        spent.append(time.process_time() - begun)
    return min(spent)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1_000_000)
    parser.add_argument("--ticks", type=int, default=120)
    parser.add_argument("--step", type=int, default=60, help="seconds from one tick to the next")
    parser.add_argument(
        "--missing", type=float, default=0.0, help="the share of readings that are missing in each tick"
    )
    parser.add_argument("--further", action="store_true", help="with the further channels")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    rng = np.random.default_rng(1)
    days = LEARNT_DAYS - wanted.ticks * wanted.step / 2 / DAY_S
    few, now_s = learnt(wanted.step, days, rng, further=wanted.further)
    engine = many(few, wanted.series, further=wanted.further)
    spent, said = list[float](), 0
    for tick in range(wanted.ticks):
        readings: Floats = 100 + rng.standard_normal(int(wanted.series))
        if wanted.missing:
            readings[rng.random(wanted.series) < wanted.missing] = np.nan
        begun = time.process_time()
        judged = engine.tick(1000 * (now_s + tick * wanted.step), readings)
        spent.append(time.process_time() - begun)
        said += len(judged.said.places)
    ms = 1000 * np.array(spent[2:])  # the first ones find out that the rows keep step
    one = 1000 * passes(wanted.series)
    report = {
        "series": wanted.series,
        "bytes a series": engine.bytes_a_row,
        "ms a tick, median": float(np.median(ms)),
        "ms a tick, least": float(ms.min()),
        "ms a tick, worst": float(ms.max()),
        "ns a series, median": 1e6 * float(np.median(ms)) / wanted.series,
        "ns a series, least": 1e6 * float(ms.min()) / wanted.series,
        "ms a pass": one,
        "passes a tick, median": float(np.median(ms)) / one,
        "scores said, share": said / wanted.series / wanted.ticks,
        "peak MB of the process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(report, indent=2) if wanted.json else "\n".join(f"{k:24s} {v:,.4g}" for k, v in report.items()))


if __name__ == "__main__":
    main()
