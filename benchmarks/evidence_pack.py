"""How large the evidence pack is, and whether it holds the culprit: over made-up incidents, plain and hostile.

    python benchmarks/evidence_pack.py [--each 4] [--seed 7] [--json]

Incidents are those of `benchmarks/detection/bundles.py`, 19 kinds over two systems, written to disk and read back as
`trackwalker rank --pack` does. Hostile ones are the same with what whoever writes logs and commits can add: lines of a
megabyte, names and messages of thousands of characters that cost more bytes than they show, diffs of 200 kB, a thousand
kinds of new error.

tokens   by the estimate of `remediation.packing` (a token is three bytes of what is sent, marks included)
culprit  its id stands in the pack; of incidents that somebody made
secrets  packs in which a planted secret is still readable
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks" / "detection")]

from bundles import KINDS, Incident, incident  # noqa: E402 - after the path

from daemon.rank.bundle import read_bundle  # noqa: E402
from daemon.rank.packed import pack_of  # noqa: E402
from remediation.packing import LIMIT, Packed  # noqa: E402

SHA = 40
DEAR = '"\\\u4e2d\U0001f600'  # escaped in JSON, three bytes, four bytes
PLANTED = "password=hunter2-not-a-word-9"


def hostile(made: Incident) -> Incident:
    """The same incident, with everything that others can write made as large and as dear as they can."""
    long = DEAR * 2_000
    rng = np.random.default_rng(made.culprit is not None)
    for line in made.logs:
        line["message"] = f"{line['message']} {PLANTED} {long}"
    onset = made.logs[-1]["timestamp"]
    words = [f"kind{''.join(chr(97 + int(d)) for d in str(number))}" for number in range(1_000)]
    for word in words:
        for _ in range(3):
            text = f"{word} {DEAR * 50}"
            line = {"timestamp": onset, "service": made.service, "severity": "ERROR", "message": text}
            made.logs.append({**line, "error": DEAR * 40, "stack": ""})
    made.logs.append({**made.logs[0], "message": "x" * 1_000_000})
    for commit in made.changes["commits"]:
        commit["message"] += " " + long
        filling = "".join(f"+    {PLANTED} {DEAR * 20} {int(rng.integers(1e9))}\n" for _ in range(400))
        path = f"src/{DEAR[2] * 60}/{int(rng.integers(1e9))}.py"
        commit["diff"] += f"--- a/{path}\n+++ b/{path}\n@@ -1,1 +1,400 @@ def {DEAR[2] * 100}():\n{filling}"
        commit["files"] = [*commit["files"], path]
    made.alert["summary"] += long
    return made


def incidents(seed: int, each: int, kinds: Sequence[str], large: Sequence[bool]) -> Iterator[tuple[str, Incident]]:
    """Of every kind, in systems of either size; every one plain and hostile."""
    for size in large:
        for kind in kinds:
            for number in range(seed * 1000, seed * 1000 + each):
                yield "plain", incident(number, kind, large=size)
                yield "hostile", hostile(incident(number, kind, large=size))


def held(pack: Packed, culprit: str) -> bool:
    """Whether the pack names the culprit: a commit by its first ten digits."""
    name = culprit[:10] if len(culprit) == SHA else culprit
    return any(name in piece.text for piece in pack.material)


def measure(
    seed: int, each: int, kinds: Sequence[str] = KINDS, large: Sequence[bool] = (False, True)
) -> dict[str, dict[str, Any]]:
    """The figures of each sort of incident."""
    seen: dict[str, list[tuple[int, bool | None, float, bool]]] = {"plain": [], "hostile": []}
    for sort, made in incidents(seed, each, kinds, large):
        with tempfile.TemporaryDirectory() as folder:
            bundle = read_bundle(made.write(Path(folder) / "incident"))
        began = time.process_time()
        pack = pack_of(bundle)
        spent = time.process_time() - began
        text = "\n".join(piece.text for piece in pack.material)
        found = None if made.culprit is None else held(pack, made.culprit)
        seen[sort].append((pack.tokens, found, spent, "hunter2" in text))
    return {sort: _figures(rows) for sort, rows in seen.items() if rows}


def _figures(rows: list[tuple[int, bool | None, float, bool]]) -> dict[str, Any]:
    tokens = [row[0] for row in rows]
    culprits = [row[1] for row in rows if row[1] is not None]
    return {
        "incidents": len(rows),
        "tokens p50": int(np.percentile(tokens, 50)),
        "tokens p95": int(np.percentile(tokens, 95)),
        "tokens most": max(tokens),
        "limit": LIMIT,
        "with a culprit": len(culprits),
        "culprit held": sum(culprits),
        "cpu ms p95": round(1000 * float(np.percentile([row[2] for row in rows], 95)), 1),
        "secrets shown": sum(row[3] for row in rows),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=4, help="incidents of each kind and system")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    figures = measure(wanted.seed, wanted.each)
    if wanted.json:
        print(json.dumps(figures, indent=1))
        return
    for sort, figure in figures.items():
        print(f"{sort}: " + ", ".join(f"{name} {value}" for name, value in figure.items()))


if __name__ == "__main__":
    main()
