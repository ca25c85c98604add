"""The repository's own linters: a change may add no finding. Lines move, so a finding is a file and its words."""

import re
from collections import Counter
from functools import partial

from cases.change import Patch
from cases.trying import CommandReport
from cases.verdict import Check, Verdict
from remediation.checks import Found, Pair, compared, said, unrun
from remediation.neutral import neutral

LINT = "Linters"
CUT = re.compile(r"^\[\d+ bytes before this were left out\]")
# What nearly all of them print: `path:line:column: words`, `path:line: words`, `path(line,column): words`.
_FINDING = re.compile(
    r"^(?P<path>(?=[^:(]*[A-Za-z])[^\s:(][^:(]{0,300})[:(](?P<line>\d{1,7})(?:[:,]\d{1,7})?\)?:? +"
    r"(?P<words>\S.{0,400})$"
)
_NUMBERS = re.compile(r"\b\d+")  # a rule's own, as in F401, stays
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def lint(reports: Pair | None, patch: Patch) -> Check:
    """What the linters say of base and of the change. None: what went before them left no container to run them in."""
    return compared(LINT, reports, partial(_compare, patch=patch), "they were not run", _counted)


def findings(report: CommandReport) -> Counter[tuple[str, str]]:
    """The findings of an output: how often each file has each."""
    lines = (_FINDING.match(_COLOURS.sub("", line)) for line in report.output.splitlines())
    return Counter((line["path"].removeprefix("./"), _NUMBERS.sub("#", line["words"])) for line in lines if line)


def _compare(base: CommandReport, change: CommandReport, *, patch: Patch) -> Found:
    if base.ended != "exited" or change.ended != "exited":
        return (
            Verdict.INCONCLUSIVE,
            f"they could not be run to their end{unrun(base, change)}",
        )  # what cannot lint takes nothing from what was tested
    if any(CUT.match(report.output) for report in (base, change)):
        return Verdict.INCONCLUSIVE, "they say more than can be compared; let them name findings in short lines"
    added = findings(change) - findings(base)
    if added:
        words = "; ".join(f"{neutral(path, 60)}: {neutral(what, 80)}" for path, what in sorted(added)[:3])
        if patch.undoes:
            return Verdict.PASSED, f"what is taken back brings {added.total()} again: {words}"
        return Verdict.FAILED, f"the change adds {added.total()}: {words}"
    if change.exit_code == 0 or findings(change):
        return Verdict.PASSED, "the change adds none"
    if base.exit_code == 0:
        return Verdict.FAILED, f"they fail with the change: {_last(change)}"
    return Verdict.INCONCLUSIVE, f"they fail on base already, and name no finding: {_last(base)}"


def _counted(report: CommandReport) -> str:
    found = findings(report).total()
    return f"{found} findings" if report.ended == "exited" and (found or report.exit_code == 0) else said(report)


def _last(report: CommandReport) -> str:
    lines = [line for line in report.output.splitlines() if line.strip()]
    return neutral(lines[-1], 100) if lines else "no output"
