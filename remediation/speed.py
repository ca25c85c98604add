"""Whether an improvement is faster: the repository's `bench`, run in turn without and with the change.

The time is the sandbox's own, around the command: what a benchmark prints of itself is the change's own word. Each run
has a fresh container. Which goes first changes from pair to pair, so that whatever the machine does meanwhile hits
both.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from cases.trying import CommandReport, SandboxReport
from cases.verdict import Check, Verdict
from inference.paired import paired_ratio
from remediation.checks import said

BENCH = "Benchmark"
PAIRS = 10
ALPHA = 0.01
LONGEST = timedelta(minutes=2)
"""How long one run may take: twenty-two of them are made."""

Run = Callable[[], SandboxReport]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the interval must show: all of it below `below`, as a share of the time on base.

    shown, missed  the words for that, and for when it is not shown
    """

    below: float
    shown: str
    missed: str


FASTER = Wanted(below=1.0, shown="faster", missed="not shown to be faster")
NO_SLOWER = Wanted(below=1.05, shown="no slower by a twentieth", missed="not shown to be no slower")
"""For what saves something else than time: it may cost none that counts."""


def speed(base: Run | None, change: Run | None, wanted: Wanted = FASTER) -> Check:
    """Run both in pairs, after one of each that does not count. None: there is no command for it."""
    if base is None or change is None:
        return _check(Verdict.INCONCLUSIVE, "not run", "not run", "the repository has no `bench` command")
    took: tuple[list[float], list[float]] = ([], [])
    for pair in range(PAIRS + 1):
        for side in (0, 1) if pair % 2 else (1, 0):
            report = (base, change)[side]().commands[0]
            bad = _unusable(report)
            if bad:
                verdict = Verdict.FAILED if side and took[0] and report.ended == "exited" else Verdict.INCONCLUSIVE
                where = "with the change" if side else "on base"
                return _check(verdict, "not measured", "not measured", f"{where}: {bad}")
            if pair:  # the first fills the caches of the machine
                took[side].append(report.seconds)
    return _judged(*took, wanted)


def _unusable(report: CommandReport) -> str:
    if report.ended != "exited" or report.exit_code != 0:
        return f"it ends with {said(report)}"
    if report.seconds > LONGEST.total_seconds():
        return f"one run takes {report.seconds:.0f} s; make it shorter than {LONGEST.total_seconds():.0f} s"
    return ""


def _judged(base: list[float], change: list[float], wanted: Wanted) -> Check:
    ratio = paired_ratio(base, change, alpha=ALPHA)
    said_so = (
        f"{ratio.estimate:.2f} of the time, between {ratio.low:.2f} and {ratio.high:.2f} "
        f"({1 - ALPHA:.0%}, {ratio.pairs} pairs)"
    )
    if ratio.high < wanted.below:
        verdict, detail = Verdict.PASSED, f"{wanted.shown}: it takes {said_so}"
    elif ratio.low > 1:
        verdict, detail = Verdict.FAILED, f"slower: it takes {said_so}"
    else:
        verdict, detail = Verdict.INCONCLUSIVE, f"{wanted.missed}: it takes {said_so}"
    return _check(verdict, _middle(base), _middle(change), detail, sum(base) + sum(change))


def _middle(seconds: list[float]) -> str:
    return f"{sorted(seconds)[len(seconds) // 2]:.3g} s"


def _check(verdict: Verdict, base: str, change: str, detail: str, seconds: float = 0.0) -> Check:
    return Check(name=BENCH, verdict=verdict, base=base, change=change, detail=detail, seconds=seconds)
