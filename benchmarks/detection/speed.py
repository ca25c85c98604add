"""What a tick costs: many series with season, levels, records and calibration, scored in blocks.

    python benchmarks/detection/speed.py [--series N] [--ticks N] [--json]

CPU seconds of this process, series past their learning, all read at one time as a poll does. Beside it stands what
numpy alone takes to copy the same state once (a floor of memory), so that a busy machine shows as such in both.
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

from detectors.engine.engine import Engine  # noqa: E402 - after the path

START_MS = 1_735_516_800_000
STEP_MS = 3_600_000  # learnt after eight days: 192 ticks
LEARNING = 240


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1_000_000)
    parser.add_argument("--ticks", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    engine = Engine()
    engine.claim(wanted.series)
    readings = 100 + np.random.default_rng(1).standard_normal((4, wanted.series))
    spent: list[float] = []
    for tick in range(LEARNING + wanted.ticks):
        begun = time.process_time()
        engine.tick(START_MS + tick * STEP_MS, readings[tick % 4])
        spent.append(time.process_time() - begun)
    state = np.zeros(engine.bytes_a_row * wanted.series // 8)
    begun = time.process_time()
    state.copy()
    floor = time.process_time() - begun
    late = np.array(spent[LEARNING:])
    report = {
        "series": wanted.series,
        "bytes a series": engine.bytes_a_row,
        "ms a tick, median": 1000 * float(np.median(late)),
        "ms a tick, least": 1000 * float(late.min()),
        "ns a series, least": 1e9 * float(late.min()) / wanted.series,
        "ms to copy the state": 1000 * floor,
        "peak MB of the process": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(report, indent=2) if wanted.json else "\n".join(f"{k:24s} {v:,.1f}" for k, v in report.items()))


if __name__ == "__main__":
    main()
