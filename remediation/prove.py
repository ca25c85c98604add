"""DRAFTED → PROVED (or back to DIAGNOSED): run the target's own commands on base and on the change, in the sandbox.

| check | passes when |
|---|---|
| reproduction | it fails on base and passes with the change |
| harm in production | for a rollback, in place of the reproduction: the watch judged the change harmful |
| what passed still passes | each test that passed on base passes; what the revert itself removes is named |

Could not run is an error, and never the change's fault. No tests at all prove nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cases.case import Case
from cases.change import Patch
from cases.events import Disproved, Proved
from cases.outcome import Ruling
from cases.ports import Command, CommandReport, SandboxReport, TrialOrder
from cases.steps import StepResult
from cases.verdict import Check, Claim, Trial, Verdict
from config.settings import RepositorySettings, ServiceSettings
from remediation.draft import give_up, redraft
from remediation.neutral import neutral
from remediation.ports import Ports

NO_TESTS_COLLECTED = 5  # pytest's exit status
REPRODUCTION = "Reproduction"
HARM = "Harm in production"
STILL_PASSES = "What passed still passes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The same commands on base and on the change."""

    base: SandboxReport
    change: SandboxReport

    def of(self, name: str) -> tuple[CommandReport, CommandReport] | None:
        """The two reports of a command, or None when it was not run."""
        base = next((report for report in self.base.commands if report.name == name), None)
        change = next((report for report in self.change.commands if report.name == name), None)
        return (base, change) if base and change else None


def prove(case: Case, ports: Ports) -> StepResult:
    """Try the change in hand at the base it was drafted on."""
    change = case.change
    repository = ports.settings.repository(change.lead.repository)
    if ports.forge.head(repository.name) != change.lead.base:
        return redraft(case, ports, "the watched branch moved on before the change was tried")
    began = ports.clock.monotonic()
    runs = _run(case, ports, repository)
    checks, own = _checks(runs, case), runs.base.own_seconds + runs.change.own_seconds
    still = next(check for check in checks if check.name == STILL_PASSES)
    if still.verdict is Verdict.FAILED:
        again = _run(case, ports, repository)
        checks, own = _settle(checks, runs, again, change), own + again.base.own_seconds + again.change.own_seconds
    trial = Trial(
        change=change.number,
        base=change.lead.base,
        sandbox=ports.sandbox.describe(),
        at=ports.now,
        checks=checks,
        claim=claim(checks),
        seconds=ports.clock.monotonic() - began,
        own_seconds=own,
    )
    return _conclude(case, ports, trial)


def claim(checks: tuple[Check, ...]) -> Claim:
    """Proved needs every check; with nothing against it, it is correlated; anything else is a guess."""
    if any(check.verdict is Verdict.FAILED for check in checks):
        return Claim.DISPROVED
    if all(check.verdict is Verdict.PASSED for check in checks):
        return Claim.PROVED
    tests = next(check for check in checks if check.name == STILL_PASSES)
    return Claim.CORRELATED if tests.verdict is Verdict.PASSED else Claim.GUESS


def _conclude(case: Case, ports: Ports, trial: Trial) -> StepResult:
    if trial.verdict is Verdict.FAILED:
        return StepResult(events=(Disproved(trial=trial),))
    proved = StepResult(events=(Proved(trial=trial),))
    tests = next(check for check in trial.checks if check.name == STILL_PASSES)
    if trial.verdict is not Verdict.ERROR and tests.verdict is Verdict.PASSED:
        return proved
    unproven = next(
        check
        for check in trial.checks
        if check.verdict in {Verdict.ERROR, tests.verdict} and check.verdict > Verdict.PASSED
    )
    asked = give_up(case, ports, f"the change could not be proved: {unproven.name.lower()}: {unproven.detail}")
    return StepResult(events=(*proved.events, *asked.events), effects=asked.effects)


def _run(case: Case, ports: Ports, repository: RepositorySettings) -> Runs:
    change = case.change
    forge, lead = ports.forge, change.lead
    orders = commands(repository, ports.settings.service(case.service), ports)
    if case.change.rolls_back is not None:
        orders = tuple(order for order in orders if order.name != "reproduce")
    reports = [
        ports.sandbox.run(
            TrialOrder(
                key=f"{case.id}-{change.number}-{side}",
                image=repository.sandbox.image,
                tree=forge.tree(lead.repository, lead.base, edits),
                commands=orders,
                memory_mib=repository.sandbox.memory_mib or ports.settings.sandbox.memory_mib,
                cpus=ports.settings.sandbox.cpus,
                pids=ports.settings.sandbox.pids,
            )
        )
        for side, edits in (("base", ()), ("change", lead.edits))
    ]
    return Runs(base=reports[0], change=reports[1])


def commands(repository: RepositorySettings, service: ServiceSettings, ports: Ports) -> tuple[Command, ...]:
    """What is run in the target, in this order; a service's own commands go before its repository's."""
    timeout = repository.sandbox.timeout or ports.settings.sandbox.timeout
    lines = (("reproduce", service.reproduce or repository.reproduce), ("test", service.test or repository.test))
    return tuple(Command(name=name, line=line, timeout=timeout) for name, line in lines if line)


def _checks(runs: Runs, case: Case) -> tuple[Check, ...]:
    change = case.change
    cause = _reproduction(runs.of("reproduce")) if change.rolls_back is None else _harm(case, change.rolls_back)
    return (cause, _still_passes(runs.of("test"), change))


def _harm(case: Case, undone: int) -> Check:
    """A rollback is not about the first fault: what stands for it is the harm that was measured in production."""
    judgement = next(judgement for judgement in reversed(case.judgements) if judgement.change == undone)
    return Check(
        name=HARM,
        verdict=Verdict.PASSED if judgement.ruling is Ruling.HARMFUL else Verdict.INCONCLUSIVE,
        base=str(judgement.ruling),
        change="not run yet",
        detail=judgement.because,
    )


def _said(report: CommandReport) -> str:
    return f"exit {report.exit_code}" if report.ended == "exited" else report.ended


def _reproduction(reports: tuple[CommandReport, CommandReport] | None) -> Check:
    if reports is None:
        return Check(
            name=REPRODUCTION,
            verdict=Verdict.INCONCLUSIVE,
            base="not run",
            change="not run",
            detail="the repository has no `reproduce` command",
        )
    base, change = reports
    if base.ended != "exited" or change.ended != "exited":
        verdict, detail = Verdict.ERROR, "it could not be run to its end"
    elif base.exit_code == 0:
        verdict, detail = Verdict.INCONCLUSIVE, "the fault does not show on base"
    elif change.exit_code == 0:
        verdict, detail = Verdict.PASSED, "the fault shows on base and is gone with the change"
    else:
        verdict, detail = Verdict.FAILED, "the fault shows with the change as well"
    return Check(
        name=REPRODUCTION,
        verdict=verdict,
        base=_said(base),
        change=_said(change),
        detail=detail,
        seconds=base.seconds + change.seconds,
    )


def _still_passes(reports: tuple[CommandReport, CommandReport] | None, patch: Patch) -> Check:
    if reports is None:
        return Check(
            name=STILL_PASSES,
            verdict=Verdict.INCONCLUSIVE,
            base="not run",
            change="not run",
            detail="the repository has no `test` command",
        )
    base, change = reports
    verdict, detail = _compare(base, change, patch)
    return Check(
        name=STILL_PASSES,
        verdict=verdict,
        base=_counted(base),
        change=_counted(change),
        detail=detail,
        seconds=base.seconds + change.seconds,
    )


def _compare(base: CommandReport, change: CommandReport, patch: Patch) -> tuple[Verdict, str]:
    if base.ended != "exited" or change.ended != "exited":
        return Verdict.ERROR, "the tests could not be run to their end"
    passed = {test for test, outcome in base.tests if outcome == "passed"}
    if not base.tests:
        if base.exit_code == NO_TESTS_COLLECTED:
            return Verdict.INCONCLUSIVE, "the repository has no tests, so nothing shows that the change breaks nothing"
        if base.exit_code != 0:
            return Verdict.INCONCLUSIVE, f"the tests fail on base already ({_said(base)}): {_last_line(base)}"
        if change.exit_code == 0:
            return Verdict.PASSED, "the test command succeeds on both"
        return Verdict.FAILED, f"the test command fails with the change: {_last_line(change)}"
    if not passed:
        return Verdict.INCONCLUSIVE, "no test passes on base, so nothing shows that the change breaks nothing"
    now: Mapping[str, str] = dict(change.tests)
    lost = sorted(test for test in passed if now.get(test) != "passed")
    removed = [test for test in lost if test not in now] if patch.inverse_of and change.tests else []
    broken = [test for test in lost if test not in removed]
    if broken:
        return Verdict.FAILED, f"{len(broken)} no longer pass: {', '.join(neutral(test, 80) for test in broken[:3])}"
    if removed:
        return (
            Verdict.PASSED,
            f"the revert removes {len(removed)}: {', '.join(neutral(test, 80) for test in removed[:3])}",
        )
    return Verdict.PASSED, ""


def _settle(checks: tuple[Check, ...], first: Runs, second: Runs, patch: Patch) -> tuple[Check, ...]:
    """Compare again without the tests that differ between two runs of the same tree: those are flaky, and are named."""
    flaky = _unsteady(first.base, second.base) | _unsteady(first.change, second.change)
    if not flaky:
        return checks
    pair = second.of("test")
    if pair is None:
        return checks
    steady = _still_passes((_without(pair[0], flaky), _without(pair[1], flaky)), patch)
    named = f"flaky, left out: {', '.join(neutral(test, 80) for test in sorted(flaky)[:3])}"
    settled = Check(
        name=steady.name,
        verdict=steady.verdict,
        base=steady.base,
        change=steady.change,
        detail="; ".join(filter(None, (steady.detail, named))),
        seconds=steady.seconds,
    )
    return tuple(settled if check.name == STILL_PASSES else check for check in checks)


def _unsteady(one: SandboxReport, two: SandboxReport) -> set[str]:
    first, second = (
        dict(next((report.tests for report in run.commands if report.name == "test"), ())) for run in (one, two)
    )
    return {test for test in first if test in second and first[test] != second[test]}


def _without(report: CommandReport, flaky: set[str]) -> CommandReport:
    return CommandReport(
        name=report.name,
        exit_code=report.exit_code,
        ended=report.ended,
        output=report.output,
        seconds=report.seconds,
        tests=tuple((test, outcome) for test, outcome in report.tests if test not in flaky),
    )


def _counted(report: CommandReport) -> str:
    if report.ended != "exited" or not report.tests:
        return _said(report)
    outcomes = [outcome for _, outcome in report.tests]
    failed = outcomes.count("failed")
    return f"{outcomes.count('passed')} passed" + (f", {failed} failed" if failed else "")


def _last_line(report: CommandReport) -> str:
    lines = [line for line in report.output.splitlines() if line.strip()]
    return neutral(lines[-1]) if lines else "no output"
