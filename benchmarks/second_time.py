"""The same fault twice: what the second time costs, with what the first one taught.

    python -P -m benchmarks.second_time [--only NAME]... [--json]

One daemon and one ledger live through a generated scenario (see `benchmarks.scenarios`): the trouble comes, a pull
request is opened, a human merges it, and it is judged. Two days later somebody has taken the mending out again, other
work was deployed as well, and the same trouble comes. Counted is what each time took until its pull request: questions
to a model, tokens (three bytes each, of what was asked and of what was answered), changes that were tried in the
sandbox, and seconds of this machine. The model answers by script, from nothing but what it is shown: no model is
measured, only what is asked of it. Trees are run as plain processes.

The first eight of `FAULTS` are code that nobody had changed, in eight repositories: an edit mends it, so a model is
asked. The others are mended by playbooks, and ask nothing either time: they are there to show that nothing gets worse.

--only NAME    only this scenario, as in bug-3; may be given again. Otherwise those of `FAULTS`
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.parts.hub import TOKEN
from tests.scenarios.catalogue import scenario
from tests.scenarios.scenario import Scenario
from tests.scenarios.twice import Cost, Twice, played_twice

FAULTS = (
    "bug-3", "bug-7", "bug-11", "bug-15", "bug-19", "bug-23", "bug-27", "bug-31",
    "bug-0", "config-0", "n-plus-one-1", "retry-storm-1", "bad-flag-0", "small-pool-0", "tight-timeout-1",
    "cache-ttl-0",
)  # fmt: skip


def main() -> None:
    """Play, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    os.environ["TOKEN"] = TOKEN
    rows: list[dict[str, Any]] = []
    for name in wanted.only or FAULTS:
        kind, _, seed = name.rpartition("-")
        rows.append(row(played(scenario(kind, int(seed)))))
        sys.stderr.write(f"{rows[-1]}\n")
    found = {"faults": rows, **summed(rows)}
    print(json.dumps(found, indent=1) if wanted.json else text(rows, found))


def played(one: Scenario) -> Twice:
    """One fault, twice."""
    known = [one.truth.mending] if one.truth.mending is not None else []
    with tempfile.TemporaryDirectory(prefix="second-time-") as folder:
        return played_twice(Path(folder), one, known)


def row(it: Twice) -> dict[str, Any]:
    """The figures of one fault."""
    lesson = it.first.lesson.id if it.first.lesson is not None else ""
    diagnosis = it.second.diagnosis if it.second is not None else None
    return {
        "fault": it.scenario.name,
        "first": _cost(it.before),
        "ended": str(it.first.outcome.ending) if it.first.outcome else str(it.first.phase),
        "strategy": it.first.changes[-1].origin if it.first.changes else "",
        "second": _cost(it.after) if it.after else None,
        "again": it.second.changes[-1].origin if it.second and it.second.changes else "",
        "phase": str(it.second.phase) if it.second else "",
        "cited": bool(lesson) and diagnosis is not None and lesson in diagnosis.cited,
        "in_text": bool(lesson) and lesson in it.text,
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "asked": list(cost.asked), "tokens": cost.tokens, "input": cost.tokens_in, "output": cost.tokens_out,
        "trials": cost.trials, "seconds": round(cost.seconds, 1),
    }  # fmt: skip


def summed(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """All of those that were proposed both times, and those of them for which anything was asked the first time."""
    both = [one for one in rows if one["second"] is not None and one["phase"] == "proposed"]
    asked = [one for one in both if one["first"]["tokens"]]
    return {"proposed_twice": _ratio(both), "where_a_model_was_asked": _ratio(asked)}


def _ratio(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    def of(time: str, what: str) -> float:
        return sum(len(one[time][what]) if what == "asked" else one[time][what] for one in rows)

    first, second = of("first", "tokens"), of("second", "tokens")
    return {
        "n": len(rows),
        "cited": sum(one["cited"] and one["in_text"] for one in rows),
        "cheaper": sum(one["second"]["tokens"] < one["first"]["tokens"] for one in rows),
        **{what: [of("first", what), of("second", what)] for what in ("asked", "input", "output", "trials", "seconds")},
        "tokens": [first, second],
        "ratio": round(second / first, 3) if first else None,
    }


def text(rows: Sequence[dict[str, Any]], found: dict[str, Any]) -> str:
    """For people."""
    lines = ["| fault | first | tokens | trials | s | second | tokens | trials | s | cited |", "|" + "---|" * 10]
    for one in rows:
        cells = [one["fault"]]
        for time, how in (("first", one["strategy"]), ("second", one["again"])):
            cost: dict[str, Any] = one[time] or {"asked": (), "tokens": "", "trials": "", "seconds": ""}
            cells += [f"{how} ({', '.join(cost['asked']) or 'nothing asked'})"]
            cells += [str(cost[name]) for name in ("tokens", "trials", "seconds")]
        lines.append(f"| {' | '.join(cells)} | {'yes' if one['cited'] and one['in_text'] else one['ended']} |")
    return "\n".join([*lines, "", *(f"{name}: {json.dumps(found[name])}" for name in found if name != "faults")])


if __name__ == "__main__":
    main()
