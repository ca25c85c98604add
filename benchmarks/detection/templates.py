"""Log templates: ours beside Drain3, in one run, on one core, in CPU time.

    python benchmarks/detection/templates.py [--labelled DIR] [--entries N] [--json]

grouping   grouping accuracy: the share of lines whose group holds all the lines of their template and no other; the
           mean over the systems. The systems are those of the tests' seeded generator, with and without the heads of
           their lines; with `--labelled`, each `*.csv` of a folder with the columns Content and EventTemplate as well.
short      lines a second on the generator's lines of all systems (about 100 bytes), new templates and all
long       megabytes a second on JSON lines of about 530 bytes, with four identifiers in hexadecimal each

Drain3 is installed into a folder of its own for the run: as it comes, and with masks for addresses, hexadecimal words
and numbers. What it is slow with it is given a part of.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from detectors.templates.mine import Miner  # noqa: E402 - after the path
from tests.detectors.templates.systems import SYSTEMS, accuracy, lines_of  # noqa: E402

DRAIN3 = "drain3==0.9.11"
SHORT_BYTES, LONG_BYTES = 48 << 20, 96 << 20
THEIR_LINES = 40_000
WINDOW = 8 << 20

THEIR_PROGRAM = """
import json, sys, time
from drain3 import TemplateMiner
from drain3.masking import MaskingInstruction
from drain3.template_miner_config import TemplateMinerConfig

def miner(masks):
    config = TemplateMinerConfig()
    if masks:
        config.masking_instructions = [
            MaskingInstruction(r"(?<![\\\\w.])\\\\d{1,3}(?:\\\\.\\\\d{1,3}){3}(?::\\\\d+)?(?![\\\\w.])", "IP"),
            MaskingInstruction(r"\\\\b(?:0x[0-9a-fA-F]+|[0-9a-fA-F-]*\\\\d[0-9a-fA-F-]{6,})\\\\b", "HEX"),
            MaskingInstruction(r"(?<![A-Za-z0-9])[-+]?\\\\d+(?:[.,:]\\\\d+)*(?![A-Za-z0-9])", "NUM"),
        ]
    return TemplateMiner(config=config)

print("ready", flush=True)
for order in sys.stdin:
    asked = json.loads(order)
    lines = open(asked["file"], encoding="utf-8").read().split("\\\\n")
    one = miner(asked["masks"])
    began = time.process_time()
    ids = [one.add_log_message(line)["cluster_id"] for line in lines]
    print(json.dumps([time.process_time() - began, ids]), flush=True)
"""

Contender = Callable[[Sequence[str]], tuple[float, list[int]]]
"""Lines in; CPU seconds and an id a line out."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Lines of one system, and the template of each."""

    kind: str
    name: str
    lines: Sequence[str]
    templates: Sequence[str]


def ours(lines: Sequence[str]) -> tuple[float, list[int]]:
    block = "\n".join(lines).encode()
    began = time.process_time()
    miner = Miner()
    found = [miner.feed(part) for part in windows(block)]
    return time.process_time() - began, [number for part in found for number in part.tolist()]


def windows(block: bytes) -> Iterator[bytes]:
    """What the command gives its miner at once."""
    place = 0
    while place < len(block):
        end = len(block) if len(block) - place <= WINDOW else block.rindex(b"\n", place, place + WINDOW) + 1
        yield block[place:end]
        place = end


@contextmanager
def drain3() -> Iterator[dict[str, Contender]]:
    """Drain3 in a process and an environment of its own."""
    with tempfile.TemporaryDirectory(prefix="drain3-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, DRAIN3], check=True)
        with subprocess.Popen(
            [f"{folder}/bin/python", "-c", THEIR_PROGRAM.replace("\\\\", "\\")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
        ) as process:  # fmt: skip
            orders, told = process.stdin, process.stdout
            assert orders is not None
            assert told is not None
            assert told.readline() == "ready\n", "Drain3 did not start"
            file = Path(folder) / "lines"

            def contender(*, masks: bool) -> Contender:
                def run(lines: Sequence[str]) -> tuple[float, list[int]]:
                    file.write_text("\n".join(line.replace("\n", " ") for line in lines), encoding="utf-8")
                    print(json.dumps({"file": str(file), "masks": masks}), file=orders, flush=True)
                    seconds, ids = json.loads(told.readline())
                    return seconds, ids

                return run

            yield {"Drain3": contender(masks=False), "Drain3 + masks": contender(masks=True)}
            orders.close()
            process.wait(timeout=30)


def generated(entries: int) -> Iterator[Labelled]:
    for heads in (True, False):
        for system in SYSTEMS:
            lines = lines_of(system, entries, heads=heads)
            kind = "generated, whole lines" if heads else "generated, messages"
            yield Labelled(kind, system.name, [line for line, _ in lines], [template for _, template in lines])


def labelled(folder: Path) -> Iterator[Labelled]:
    csv.field_size_limit(1 << 30)
    for file in sorted(folder.glob("*.csv")):
        with file.open(newline="", encoding="utf-8", errors="replace") as rows:
            read = [(row["Content"].replace("\n", " "), row["EventTemplate"]) for row in csv.DictReader(rows)]
        yield Labelled("labelled", file.name, [line for line, _ in read], [template for _, template in read])


def short_lines() -> list[str]:
    lines: list[str] = []
    size, seed = 0, 0
    while size < SHORT_BYTES:
        seed += 1
        more = [line for system in SYSTEMS for line, _ in lines_of(system, 400, seed)]
        Random(seed).shuffle(more)  # noqa: S311 - a mixture
        lines += more
        size += sum(map(len, more))
    return lines


def long_lines() -> list[str]:
    random = Random(1)  # noqa: S311 - it only has to vary
    said = ("order placed", "stock reserved", "payment of card declined", "mail queued", "session renewed for user")
    unique: list[str] = []
    for _ in range(40_000):
        clock = f"{random.randrange(60):02d}:{random.randrange(60):02d}.{random.randrange(10**6):06d}"
        unique.append(
            json.dumps(
                {
                    "timestamp": f"2026-03-01T10:{clock}Z",
                    "level": "info",
                    "logger": "com.acme.shop.checkout.OrderService",
                    "thread": f"http-nio-8080-exec-{random.randrange(99)}",
                    "message": f"{random.choice(said)} in {random.randrange(999)} ms",
                    "trace_id": f"{random.getrandbits(128):032x}",
                    "span_id": f"{random.getrandbits(64):016x}",
                    "request_id": f"{random.getrandbits(128):032x}",
                    "pod": f"checkout-{random.getrandbits(36):09x}-x2v9k",
                    "node": f"node-{random.randrange(40)}",
                    "path": f"/api/v1/carts/{random.getrandbits(64):016x}/checkout",
                    "method": "POST",
                    "status": 200,
                }
            )
        )
    return unique * (LONG_BYTES // sum(map(len, unique)) + 1)


def speeds(contenders: dict[str, Contender]) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = {name: {} for name in contenders}
    for name_of, lines in (("short", short_lines()), ("long", long_lines())):
        for name, contender in contenders.items():
            given = lines if name == "ours" else lines[:THEIR_LINES]
            seconds, _ = contender(given)
            found[name][f"{name_of}_lines_s"] = len(given) / seconds
            found[name][f"{name_of}_mb_s"] = sum(map(len, given)) / seconds / 1e6
    return found


def groupings(contenders: dict[str, Contender], sets: Sequence[Labelled]) -> dict[str, dict[str, dict[str, float]]]:
    """By kind and system: the accuracy of each contender."""
    found: dict[str, dict[str, dict[str, float]]] = {}
    for one in sets:
        found.setdefault(one.kind, {})[one.name] = {
            name: accuracy(one.templates, contender(one.lines)[1]) for name, contender in contenders.items()
        }
    return found


def main() -> None:
    """Print the tables, or the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--labelled", type=Path)
    parser.add_argument("--entries", type=int, default=2_000)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    sets = [*generated(wanted.entries), *(labelled(wanted.labelled) if wanted.labelled else ())]
    with drain3() as theirs:
        contenders: dict[str, Contender] = {"ours": ours, **theirs}
        told: dict[str, Any] = {"grouping": groupings(contenders, sets), "speed": speeds(contenders)}
    if wanted.json:
        print(json.dumps(told, indent=2))
        return
    print(f"| grouping accuracy | {' | '.join(contenders)} |\n|---|{'---|' * len(contenders)}")
    for kind, systems in told["grouping"].items():
        for name, row in systems.items():
            print(f"| {kind}: {name} | {' | '.join(f'{row[each]:.3f}' for each in contenders)} |")
        means = [sum(row[each] for row in systems.values()) / len(systems) for each in contenders]
        print(f"| **{kind}, mean of {len(systems)}** | {' | '.join(f'**{mean:.3f}**' for mean in means)} |")
    print(f"\n| CPU | {' | '.join(contenders)} |\n|---|{'---|' * len(contenders)}")
    for key in ("short_lines_s", "short_mb_s", "long_lines_s", "long_mb_s"):
        row = [f"{told['speed'][each][key]:,.0f}" for each in contenders]
        print(f"| {key} | {' | '.join(row)} |")


if __name__ == "__main__":
    main()
