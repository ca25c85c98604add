"""Tests that come and go: what differs between runs of the same tree decides nothing.

A test that differs on base, or was seen to before, is left out of the verdict and named. One that differs with the
change alone is no such test: the change may be what makes it come and go. Only where the change takes back what ran
before is it left out as well, for it says nothing of the trees that ran.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from cases.change import Patch
from cases.trying import CommandReport, SandboxReport
from cases.verdict import Check, Verdict
from remediation.checks import STILL_PASSES, Pair, Runs, named, still_passes

MOST_SHARE = 0.2
MOST_FEW = 3
"""More than three tests, and more than a fifth of those that base ran: nothing can rest on what is left."""
WHOLE = "the command"  # what comes and goes of a suite that leaves no report a test


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsteady:
    """What differed between runs of the same tree, of each of the two."""

    base: frozenset[str]
    change: frozenset[str]

    def alone(self, known: Collection[str]) -> frozenset[str]:
        """What came and went with the change only."""
        return self.change - self.base - frozenset(known)


def unsteady(runs: Sequence[Runs]) -> Unsteady:
    """Compare runs of the same two trees."""
    return Unsteady(
        base=_differing([run.base for run in runs]),
        change=_differing([run.change for run in runs]),
    )


def settled(checks: tuple[Check, ...], runs: Sequence[Runs], known: Collection[str], patch: Patch) -> tuple[Check, ...]:
    """The checks, with the tests' own made again without what comes and goes. The last of the runs is compared."""
    found = unsteady(runs)
    pair = runs[-1].of("test")
    left_out = found.base | frozenset(known) | (found.change if patch.undoes else frozenset[str]())
    if pair is None or not (left_out or found.change):
        return checks
    again = _again(pair, left_out, found.alone(known) - left_out, len(runs), patch)
    return tuple(again if check.name == STILL_PASSES else check for check in checks)


def _again(pair: Pair, left_out: frozenset[str], alone: frozenset[str], runs: int, patch: Patch) -> Check:
    here = {test for test, _ in pair[0].tests} & left_out
    aside = here | alone
    steady = still_passes((_without(pair[0], aside), _without(pair[1], aside)), patch)
    if steady.verdict is Verdict.FAILED and WHOLE not in aside:
        return steady
    if WHOLE in left_out | alone:
        return _nothing(steady, "the tests come and go as a whole, and leave no report that says which")
    if len(here) > max(MOST_FEW, MOST_SHARE * len(pair[0].tests)):
        return _nothing(
            steady, f"{len(here)} of {len(pair[0].tests)} tests come and go: nothing can rest on the others"
        )
    if alone:
        return _nothing(
            steady, f"{named(sorted(alone))}: comes and goes with the change, and in {runs} runs never did without it"
        )
    if not here:
        return steady
    left = f"flaky, left out: {named(sorted(here))}"
    return replace(steady, detail="; ".join(filter(None, (steady.detail, left))))


def _nothing(check: Check, why: str) -> Check:
    return replace(check, verdict=max(check.verdict, Verdict.INCONCLUSIVE), detail=why)


def _differing(reports: Sequence[SandboxReport]) -> frozenset[str]:
    """The tests that did not come to the same in each run; a run that had no such test says nothing of it."""
    runs = [
        report for each in reports for report in each.commands if report.name == "test" and report.ended == "exited"
    ]
    ends: dict[str, set[str]] = {}
    for run in runs:
        for test, outcome in _outcomes(run):
            ends.setdefault(test, set()).add(outcome)
    return frozenset(test for test, outcomes in ends.items() if len(outcomes) > 1)


def _outcomes(report: CommandReport) -> tuple[tuple[str, str], ...]:
    return report.tests or ((WHOLE, "passed" if report.exit_code == 0 else "failed"),)


def _without(report: CommandReport, aside: Collection[str]) -> CommandReport:
    """The report without these; what they alone made of its exit code is taken out as well."""
    kept = tuple((test, outcome) for test, outcome in report.tests if test not in aside)
    theirs = any(outcome == "failed" for test, outcome in report.tests if test in aside)
    return replace(report, tests=kept, exit_code=0 if theirs else report.exit_code)
