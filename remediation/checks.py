"""The checks of a trial: what each asks, and what its answer means.

| check | passes when |
|---|---|
| reproduction | the fault shows on base and is gone with the change |
| harm in production | for a rollback, in place of the reproduction: the watch judged the change harmful |
| new test fails without the change | it fails with the rest of the change taken out, and passes with it |
| what passed still passes | each test that passed on base passes; what a revert itself removes is named |
| linters | the change adds no finding: see `remediation.lint` |
| benchmark | of an improvement: it is shown to be faster: see `remediation.speed` |

Could not run is an error, and never the change's fault. No tests at all prove nothing. Whatever comes and goes between
runs of the same tree is flaky: it is said, and decides nothing: see `remediation.flaky`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from cases.change import Patch
from cases.outcome import Judgement, Ruling
from cases.trying import CommandReport, SandboxReport
from cases.verdict import Check, Verdict
from remediation.failure import Failure
from remediation.failures import ITS_OWN, failure_of, failures, outcomes_of
from remediation.neutral import neutral

NO_TESTS_COLLECTED = 5  # pytest's exit status
REPRODUCTION = "Reproduction"
HARM = "Harm in production"
NEW_TEST = "New test fails without the change"
STILL_PASSES = "What passed still passes"
NOT_RUN = "not run: "
"""How a report ends of a command that was never begun; why stands after it."""

Pair = tuple[CommandReport, CommandReport]
Found = tuple[Verdict, str]
"""What a comparison comes to, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The same commands on two trees. `base` has the change's new tests, and nothing else of it."""

    base: SandboxReport
    change: SandboxReport

    def of(self, name: str) -> Pair | None:
        """The two reports of a command, or None when it was not run."""
        base = next((report for report in self.base.commands if report.name == name), None)
        change = next((report for report in self.change.commands if report.name == name), None)
        return (base, change) if base and change else None


def harm(judgement: Judgement) -> Check:
    """A rollback is not about the first fault: what stands for it is the harm that was measured in production."""
    return Check(
        name=HARM,
        verdict=Verdict.PASSED if judgement.ruling is Ruling.HARMFUL else Verdict.INCONCLUSIVE,
        base=str(judgement.ruling),
        change="not run yet",
        detail=judgement.because,
    )


def asked_for(words: str) -> Check:
    """A rollback that a human asked for: no harm was measured, and none is claimed."""
    return Check(name=HARM, verdict=Verdict.INCONCLUSIVE, base="not measured", change="not run yet", detail=words)


def reproduction(reports: Pair | None) -> Check:
    """The repository's own `reproduce` command."""
    return compared(REPRODUCTION, reports, _reproduced, "the repository has no `reproduce` command")


def _reproduced(base: CommandReport, change: CommandReport) -> Found:
    if base.ended != "exited" or change.ended != "exited":
        return Verdict.ERROR, f"it could not be run to its end{unrun(base, change)}"
    if base.exit_code == 0:
        return Verdict.INCONCLUSIVE, "the fault does not show on base"
    if change.exit_code == 0:
        return Verdict.PASSED, "the fault shows on base and is gone with the change"
    return Verdict.FAILED, "the fault shows with the change as well"


def compared(
    name: str,
    reports: Pair | None,
    compare: Callable[[CommandReport, CommandReport], Found],
    none: str,
    shown: Callable[[CommandReport], str] | None = None,
) -> Check:
    """The check of one command on two trees. `none` says why there are no reports, `shown` what one comes to."""
    if reports is None:
        return Check(name=name, verdict=Verdict.INCONCLUSIVE, base="not run", change="not run", detail=none)
    base, change = reports
    verdict, detail = compare(base, change)
    word = shown or said
    return Check(
        name=name,
        verdict=verdict,
        base=word(base),
        change=word(change),
        detail=detail,
        seconds=base.seconds + change.seconds,
    )


def of_a_pin(cause: Check) -> Check:
    """A pin reaches a trial only where its image is made from it: a fault that stays says nothing against it."""
    if cause.verdict is not Verdict.FAILED:
        return cause
    detail = f"{cause.detail}; the trial's image has dependencies of its own, which no pin changes"
    return replace(cause, verdict=Verdict.INCONCLUSIVE, detail=detail)


def by_the_new_test(
    command: Check, new: Check, reports: Pair | None, patch: Patch, production: Failure | None
) -> Check:
    """Let the new test stand for a reproduction: only if it fails as production does, and no command says otherwise.

    production  the exception and the file of the stack trace; None where none was seen
    """
    if command.verdict is not Verdict.INCONCLUSIVE or new.verdict is not Verdict.PASSED or reports is None:
        return command
    if production is None:
        return replace(command, detail=f"{command.detail}; no stack trace of production to hold the new test against")
    shown = sorted(
        {(found.exception, found.path) for found in _shown(reports, patch) if found is not None}
    )  # fmt: skip
    wanted = (production.exception.rpartition(".")[2], production.path)
    words = ", ".join(f"{neutral(exception, 60)} in {neutral(path, 60)}" for exception, path in shown) or "no exception"
    if wanted not in shown:
        return replace(
            command,
            detail=f"{command.detail}; the new test shows {words}, production {wanted[0]} in {neutral(wanted[1], 60)}",
        )
    return replace(
        command,
        verdict=Verdict.PASSED,
        base=f"{wanted[0]} in {wanted[1]}",
        change="passes",
        detail="the new test fails on base as production does, and passes with the change",
    )


def new_test(reports: Pair | None, patch: Patch) -> Check:
    """The regression test, with the rest of the change taken out, and with all of it."""
    if reports is None:
        return Check(
            name=NEW_TEST, verdict=Verdict.INCONCLUSIVE, base="not run", change="not run", detail="nothing ran tests"
        )  # fmt: skip
    without, with_it = (_new(report, patch) for report in reports)
    verdict, detail = _compare_new(reports, patch, without, with_it)
    return Check(
        name=NEW_TEST, verdict=verdict, base=_outcomes(without), change=_outcomes(with_it), detail=detail
    )  # fmt: skip


def _new(report: CommandReport, patch: Patch) -> Mapping[str, str]:
    held = {edit.path: edit.content or b"" for edit in patch.lead.edits}
    return {
        test: outcome
        for path in patch.tests
        for test, outcome in outcomes_of(report, path, held.get(path, b"")).items()
    }


def _turned(reports: Pair, patch: Patch) -> list[str]:
    """The new tests that fail without the change and pass with it."""
    without, with_it = (_new(report, patch) for report in reports)
    return sorted(test for test, outcome in with_it.items() if outcome == "passed" and without.get(test) == "failed")


def _shown(reports: Pair, patch: Patch) -> list[Failure | None]:
    known = failures(reports[0])
    return [failure_of(test, known) for test in _turned(reports, patch)]


def _compare_new(
    reports: Pair, patch: Patch, without: Mapping[str, str], with_it: Mapping[str, str]
) -> tuple[Verdict, str]:
    if any(report.ended != "exited" for report in reports):
        return Verdict.ERROR, f"the tests could not be run to their end{unrun(*reports)}"
    if not reports[1].tests:
        return Verdict.INCONCLUSIVE, "the test command leaves no report a test, so the new one cannot be told"
    failing = sorted(test for test, outcome in with_it.items() if outcome == "failed")
    if failing:
        return Verdict.FAILED, f"it fails with the change as well: {named(failing)}"
    if not any(outcome == "passed" for outcome in with_it.values()):
        return Verdict.FAILED, f"no test of {', '.join(neutral(path, 80) for path in patch.tests)} was run"
    turned = _turned(reports, patch)
    if not turned:
        if without:
            return Verdict.FAILED, f"it passes without the change: {named(sorted(without))}"
        return Verdict.FAILED, "without the change it cannot even be collected, which shows no fault"
    known = failures(reports[0])
    kinds = [failure_of(test, known) for test in turned]
    own = [kind for kind in kinds if kind and kind.exception in ITS_OWN and kind.path in {*patch.tests, ""}]
    if own and len(own) == len(kinds):
        return Verdict.FAILED, f"it fails by an error of its own ({own[0].exception}), not by the fault"
    telling = sorted({kind.exception for kind in kinds if kind and kind not in own})
    if not telling:
        return Verdict.INCONCLUSIVE, "it fails without the change, and the output does not say with what"
    return Verdict.PASSED, f"{named(turned)}: {', '.join(neutral(kind, 60) for kind in telling)} once the rest is out"


def still_passes(reports: Pair | None, patch: Patch) -> Check:
    """The repository's own tests."""
    none = "the repository has no `test` command"
    return compared(STILL_PASSES, reports, partial(_compare, patch=patch), none, _counted)


def _compare(base: CommandReport, change: CommandReport, *, patch: Patch) -> Found:
    if base.ended != "exited" or change.ended != "exited":
        return Verdict.ERROR, f"the tests could not be run to their end{unrun(base, change)}"
    passed = {test for test, outcome in base.tests if outcome == "passed"}
    if not base.tests:
        return _by_exit(base, change)
    if not passed:
        return Verdict.INCONCLUSIVE, "no test passes on base, so nothing shows that the change breaks nothing"
    now: Mapping[str, str] = dict(change.tests)
    lost = sorted(test for test in passed if now.get(test) != "passed")
    retired = {test for path in patch.retires for test in outcomes_of(base, path)}
    gone = [test for test in lost if test not in now] if change.tests else []
    removed = [test for test in gone if patch.undoes or test in retired]
    broken = [test for test in lost if test not in removed]
    if broken:
        # not "no longer pass:", or what follows would look like a password to whoever blots them out
        return Verdict.FAILED, f"{len(broken)} pass no longer: {named(broken)}"
    if base.exit_code == 0 and change.exit_code != 0 and not patch.undoes:
        new = sorted(test for test, outcome in change.tests if outcome == "failed")
        why = f"{named(new)}" if new else _last_line(change)
        return Verdict.FAILED, f"no test is lost, and the command fails all the same ({said(change)}): {why}"
    if removed:
        what = "revert" if patch.undoes else "clean-up"
        return Verdict.PASSED, f"the {what} removes {len(removed)}: {named(removed)}"
    return Verdict.PASSED, ""


def _by_exit(base: CommandReport, change: CommandReport) -> tuple[Verdict, str]:
    """Without a report a test, only the exit is known."""
    if base.exit_code == NO_TESTS_COLLECTED:
        return Verdict.INCONCLUSIVE, "the repository has no tests, so nothing shows that the change breaks nothing"
    if base.exit_code != 0:
        return Verdict.INCONCLUSIVE, f"the tests fail on base already ({said(base)}): {_last_line(base)}"
    if change.exit_code == 0:
        return Verdict.PASSED, "the test command succeeds on both"
    return Verdict.FAILED, f"the test command fails with the change: {_last_line(change)}"


def repeated(check: Check, further: Sequence[Check]) -> Check:
    """A check that passed, held against the same one made of further runs of the same trees: passing once may be luck.

    Unless each passes, it shows nothing; where the others could not be run, it is an error.
    """
    if not further:
        return check
    others = [other for other in further if other.verdict is not Verdict.PASSED]
    runs, agreed = len(further) + 1, len(further) + 1 - len(others)
    longer = replace(check, seconds=check.seconds + sum(other.seconds for other in further))
    if not others:
        return replace(longer, detail=f"{check.detail}, in each of {runs} runs")
    went = next((other for other in others if other.verdict is not Verdict.ERROR), None)
    return replace(
        longer,
        verdict=Verdict.INCONCLUSIVE if went else Verdict.ERROR,
        detail=f"came and went: {agreed} of {runs} runs agree; in another, {(went or others[0]).detail}",
    )


def said(report: CommandReport) -> str:
    """How a command ended, in two words."""
    if report.ended == "exited":
        return f"exit {report.exit_code}"
    return "not run" if report.ended.startswith(NOT_RUN) else report.ended


def unrun(*reports: CommandReport) -> str:
    """Why a command was not even begun, in brackets, where that is so."""
    because = next((report.ended for report in reports if report.ended.startswith(NOT_RUN)), "")
    return f" ({neutral(because.removeprefix(NOT_RUN), 300)})" if because else ""


def named(tests: Sequence[str]) -> str:
    """The first of them, as a pull request may show them."""
    return ", ".join(neutral(test, 80) for test in tests[:3])


def _outcomes(tests: Mapping[str, str]) -> str:
    counted = [(outcome, list(tests.values()).count(outcome)) for outcome in ("failed", "passed", "skipped")]
    return ", ".join(f"{count} {outcome}" for outcome, count in counted if count) or "not run"


def _counted(report: CommandReport) -> str:
    if report.ended != "exited" or not report.tests:
        return said(report)
    outcomes = [outcome for _, outcome in report.tests]
    failed = outcomes.count("failed")
    return f"{outcomes.count('passed')} passed" + (f", {failed} failed" if failed else "")


def _last_line(report: CommandReport) -> str:
    lines = [line for line in report.output.splitlines() if line.strip()]
    return neutral(lines[-1]) if lines else "no output"
