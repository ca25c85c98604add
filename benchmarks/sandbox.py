"""What a trial costs beside the target's own commands: a container that waited, against one started for its order.

Both kinds take turns in one run, so that whatever else the machine does meets both: the ratio is the figure.

    python -m benchmarks.sandbox [--rounds N] [--json]
"""

import argparse
import io
import json
import os
import statistics
import sys
import tarfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from cases.trying import Command, TrialOrder
from sandbox.base_image import ensure_base_image
from sandbox.docker import DockerSandbox
from sandbox.pool import Pool, Stock
from sandbox.shape import Shape, life_of

FILES = 200  # of a small service's tree
PERCENT = 95
FILLED_SECONDS = 60.0
GOAL = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Seconds beside the commands (`overhead`), and until the verdict is there (`whole`)."""

    overhead: float
    overhead_p95: float
    whole: float
    whole_p95: float

    @classmethod
    def of(cls, overheads: Sequence[float], wholes: Sequence[float]) -> "Figures":
        """Medians, and 95th percentiles."""
        return cls(
            overhead=statistics.median(overheads),
            overhead_p95=percentile(overheads),
            whole=statistics.median(wholes),
            whole_p95=percentile(wholes),
        )


def percentile(seconds: Sequence[float]) -> float:
    """The 95th, by the nearest rank."""
    ranked = sorted(seconds)
    return ranked[max(0, -(-len(ranked) * PERCENT // 100) - 1)]


def an_order(image: str) -> TrialOrder:
    """A tree of some files, and two commands that do next to nothing."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for number in range(FILES):
            info = tarfile.TarInfo(f"src/module_{number}.py")
            info.size = 2000
            tar.addfile(info, io.BytesIO(b"#" * 2000))
    commands = tuple(Command(name=name, line="true", timeout=timedelta(minutes=1)) for name in ("reproduce", "test"))
    return TrialOrder(key="benchmark", image=image, tree=buffer.getvalue(), commands=commands)


def measured(rounds: int) -> dict[str, object]:
    """Both kinds, in turns."""
    order = an_order(ensure_base_image())
    stock = Stock(size=2, shapes=((Shape.of(order), life_of(order)),))
    owner = f"benchmark-{os.getpid()}"
    pooled, fresh = DockerSandbox(owner=owner, stock=stock), DockerSandbox(owner=owner)
    told: list[str] = []
    seconds: dict[str, tuple[list[float], list[float]]] = {"pooled": ([], []), "fresh": ([], [])}
    assert pooled.pool is not None
    pooled.pool.told = told.append
    try:
        for _ in range(rounds):
            filled(pooled.pool, 2)
            for name, sandbox in (("pooled", pooled), ("fresh", fresh)):
                if name == "fresh":
                    filled(pooled.pool, 2)  # what replaces it is not to slow this one down
                began = time.monotonic()
                report = sandbox.run(order)
                overheads, wholes = seconds[name]
                wholes.append(time.monotonic() - began)
                overheads.append(report.seconds - report.own_seconds)
    finally:
        pooled.close()
        fresh.reap()
    kinds = {name: Figures.of(*both) for name, both in seconds.items()}
    return {
        "rounds": rounds,
        "taken": told.count("taken"),
        **{name: asdict(figures) for name, figures in kinds.items()},
        "ratio": {
            field: asdict(kinds["pooled"])[field] / asdict(kinds["fresh"])[field] for field in asdict(kinds["fresh"])
        },
        "goal": GOAL,
    }


def filled(pool: Pool, size: int) -> None:
    """Wait until that many wait, and nothing is being started or removed."""
    pool.tend()
    by = time.monotonic() + FILLED_SECONDS
    while pool.waiting < size or pool.at_work:
        if time.monotonic() > by:
            sys.exit("the pool is not filled: is there an engine?")
        threading.Event().wait(0.02)


def main() -> None:
    """Print the figures; exit status 1 when the median ratio is over the goal."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measured(asked.rounds)
    if asked.json:
        print(json.dumps(found))
    else:
        for name in ("pooled", "fresh", "ratio"):
            print(name, json.dumps(found[name]))
    ratio = found["ratio"]
    assert isinstance(ratio, dict)
    sys.exit(int(ratio["overhead"] > GOAL))


if __name__ == "__main__":
    main()
