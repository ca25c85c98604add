"""Days of a daemon's life in an hour: does it keep within its memory, and leave nothing behind?

    python benchmarks/soak.py [--minutes 60] [--speed 100] [--every 15] [--no-model] [--json] [--folder DIR]

One real daemon in a process of its own, on a clock that runs `--speed` times as fast. Around it: a Prometheus-shaped
server that now and then answers with 200 MB, a gzip bomb, garbage, an error or not at all; a forge with real git, whose
API now and then answers with 200 MB; logs with floods; receivers that are sometimes away; a model's API; real trials in
Docker, of which every tenth writes a gigabyte; people who break a service every few seconds and merge what mends it.

Looked at from outside every 5 s. Broken promises are named, and the exit status is 1 then.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.faults.soak.run import soak  # noqa: E402 - after the path
from tests.faults.soak.samples import Sample  # noqa: E402
from tests.faults.soak.world import World  # noqa: E402


def main() -> None:
    """Run it, and print what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--speed", type=float, default=100)
    parser.add_argument("--every", type=float, default=15, help="real seconds between two faults")
    parser.add_argument("--no-model", action="store_true")
    parser.add_argument("--json", type=Path, help="also write every sample there")
    parser.add_argument("--folder", type=Path, help="where everything is kept, to look at it later")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = wanted.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        found, samples, world = soak(
            folder, minutes=wanted.minutes, speed=wanted.speed, every=wanted.every, model=not wanted.no_model, say=_say
        )
    if wanted.json is not None:
        document = {"outcome": asdict(found), "did": _did(world), "samples": [asdict(sample) for sample in samples]}
        wanted.json.write_text(json.dumps(document))
    print(found.table())
    print(json.dumps(_did(world), indent=1))
    sys.exit(1 if found.broken else 0)


def _say(sample: Sample, world: World) -> None:
    del world
    print(" ".join(f"{name}={value}" for name, value in asdict(sample).items()), flush=True)


def _did(world: World) -> dict[str, object]:
    return {
        "telemetry": dict(world.telemetry.did),
        "people": dict(world.people.did),
        "people failed": world.people.failed[-5:],
        "model was asked": len(world.asked),
    }


if __name__ == "__main__":
    main()
