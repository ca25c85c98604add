"""DRAFTED → PROVED (or back to DIAGNOSED): run the target's own commands on base and on the change, in the sandbox.

A change with a regression test is tried on base plus that test, which is the change with its patch taken out, and
whole. One that sets which version runs is tried where that version's code is. What each check asks is in
`remediation.checks`.

What shows the fault once and misses it once may be luck: before anything is called proved, that is run again, and must
turn out the same each time.
"""

from collections.abc import Sequence
from dataclasses import replace

from cases.case import Case
from cases.change import ChangeClass, Patch
from cases.events import Disproved, Proved
from cases.steps import StepResult
from cases.trying import SandboxReport
from cases.verdict import Check, Claim, Trial, Verdict
from remediation import checks
from remediation.back_to_draft import disproved
from remediation.bench import Bench, tried_of, unreproduced
from remediation.checks import STILL_PASSES, Runs
from remediation.draft import give_up, redraft
from remediation.failure import in_production
from remediation.failures import outcomes_of
from remediation.flaky import settled, unsteady
from remediation.lint import LINT
from remediation.ports import Ports
from remediation.review import second_look
from remediation.values.rendering import RENDERING

RUNS = 3  # of each tree, before anything is called proved


def prove(case: Case, ports: Ports) -> StepResult:
    """Try the change in hand at the base it was drafted on."""
    change = case.change
    if ports.forge.head(change.lead.repository) != change.lead.base:
        return redraft(case, ports, "the watched branch moved on before the change was tried")
    began = ports.clock.monotonic()
    bench = Bench(case=case, ports=ports, tried=tried_of(case, ports))
    made, runs, own = steadied(case, bench)
    if claim(made) is Claim.PROVED:
        made, more = confirmed(case, bench, made, runs)
        own += more
    trial = Trial(
        change=change.number,
        base=change.lead.base,
        sandbox=ports.sandbox.describe(),
        at=ports.now,
        checks=made,
        claim=claim(made),
        seconds=ports.clock.monotonic() - began,
        own_seconds=own,
    )
    return _conclude(case, ports, looked_at(case, ports, trial))


def looked_at(case: Case, ports: Ports, trial: Trial) -> Trial:
    """The trial of a model's code that is proved, with the second look of a model: it may disprove, and never prove."""
    change = case.change
    written = change.kind is ChangeClass.EDIT and change.rolls_back is None
    tried = change.experiment is not None and bool(change.cost)  # what a person brought with an idea cost nothing
    asked = (written or tried) and ports.settings.edits.review
    if ports.model is None or not asked or trial.claim is not Claim.PROVED:
        return trial
    look = second_look(case, change, trial.checks, ports.model)
    vetoed = look.verdict is Verdict.FAILED
    return replace(trial, checks=(*trial.checks, look), claim=Claim.DISPROVED if vetoed else trial.claim)


def claim(made: tuple[Check, ...]) -> Claim:
    """Proved needs every check; with nothing against it, it is correlated; anything else is a guess."""
    if any(check.verdict is Verdict.FAILED for check in made):
        return Claim.DISPROVED
    if all(check.verdict is Verdict.PASSED for check in made if check.name != LINT):
        return Claim.PROVED  # linters that cannot say anything take nothing from what was shown
    return Claim.CORRELATED if _breaks_nothing(made) else Claim.GUESS


def _breaks_nothing(made: tuple[Check, ...]) -> bool:
    """Whether the tests pass; where a repository of configuration has none, its rendering stands for them."""
    tests = _check(made, STILL_PASSES).verdict
    rendered = any(check.name == RENDERING and check.verdict is Verdict.PASSED for check in made)
    return tests is Verdict.PASSED or (rendered and tests is Verdict.INCONCLUSIVE)


def steadied(case: Case, bench: Bench) -> tuple[tuple[Check, ...], list[Runs], float]:
    """The checks, the runs they rest on, the last of which they were made of, and the target's own seconds.

    What a change seems to break is run again, and what came and went with the change alone once more: only what
    differs between runs of base is no fault of the change. That is remembered for the next one.
    """
    change, memory, name = case.change, bench.ports.quarantine, bench.tried.repository.name
    known = memory.known(name) if memory else frozenset[str]()
    runs: list[Runs] = []
    own = 0.0
    while True:
        runs.append(bench.both())
        made, seconds = made_of(case, bench, runs[-1])
        made, own = settled(made, runs, known, change), own + seconds
        broken = _check(made, STILL_PASSES).verdict is Verdict.FAILED and len(runs) == 1
        alone = unsteady(runs).alone(known) and not change.undoes and len(runs) < RUNS
        if not broken and not alone:
            break
    if memory and not change.tests:
        memory.seen(name, unsteady(runs).base)
    return made, runs, own


def _check(made: Sequence[Check], name: str) -> Check:
    return next(check for check in made if check.name == name)


def _conclude(case: Case, ports: Ports, trial: Trial) -> StepResult:
    unshown = case.change.kind is ChangeClass.IMPROVEMENT and trial.verdict is Verdict.INCONCLUSIVE
    if trial.verdict is Verdict.FAILED or unshown:  # an improvement that shows nothing gives way to the next remedy
        return StepResult(events=(Disproved(trial=trial),), effects=disproved(case, trial))
    proved = StepResult(events=(Proved(trial=trial),))
    tests = _check(trial.checks, STILL_PASSES)
    if trial.verdict is not Verdict.ERROR and _breaks_nothing(trial.checks):
        return proved
    unproven = next(
        check
        for check in trial.checks
        if check.verdict in {Verdict.ERROR, tests.verdict} and check.verdict > Verdict.PASSED
    )
    asked = give_up(case, ports, f"the change could not be proved: {unproven.name.lower()}: {unproven.detail}")
    return StepResult(events=(*proved.events, *asked.events), effects=asked.effects)


def made_of(case: Case, bench: Bench, runs: Runs) -> tuple[tuple[Check, ...], float]:
    """The checks of a trial, and the seconds inside the target's own commands."""
    made, own = _made_of(case, bench, runs)
    return (*made, *bench.lint(runs)), own


def _made_of(case: Case, bench: Bench, runs: Runs) -> tuple[tuple[Check, ...], float]:
    change, own = case.change, _own(runs.base, runs.change)
    tests = runs.of("test")
    if case.hypothesis is not None:
        from remediation.experiments.proof import exposed, treated_too

        still = checks.still_passes(tests, change)
        if change.experiment is None:
            return (still,), own
        told, treated = exposed(case, bench.ports), bench.as_treated()
        also = treated_too(tests, treated, change)
        new = (checks.new_test(tests, change),) if change.tests else ()
        return (told, *new, still, also), own + (_own(treated) if treated is not None else 0.0)
    if change.rolls_back is not None:
        judgement = next((j for j in reversed(case.judgements) if j.change == change.rolls_back), None)
        harm = checks.harm(judgement) if judgement is not None else checks.asked_for(case.escalation)
        return (harm, checks.still_passes(tests, change)), own
    if change.kind is ChangeClass.IMPROVEMENT:
        still, faster = checks.still_passes(tests, change), bench.speed()
        return (faster, still), own + faster.seconds
    causes = causes_of(case, runs)
    if not needs_a_test(change):
        return (*causes, *bench.rendered(runs), checks.still_passes(tests, change)), own
    if tests is not None and _breaks_others(runs, change):
        # A new test may break its neighbours: then base is asked without it, or they would look broken before.
        plain = bench.plain()
        own += _own(plain)
        found = next((report for report in plain.commands if report.name == "test"), None)
        tests = (found, tests[1]) if found else None
    return (*causes, checks.still_passes(tests, change)), own


def needs_a_test(change: Patch) -> bool:
    """Whether it brings a regression test, or has to: a model's edit. A playbook's own is shown by the reproduction."""
    return bool(change.tests) or (change.kind is ChangeClass.EDIT and change.origin.startswith("model:"))


def causes_of(case: Case, runs: Runs) -> tuple[Check, ...]:
    """The checks that show that the change mends the fault: the reproduction, and an edit's new test."""
    change, cause = case.change, checks.reproduction(runs.of("reproduce"))
    if not needs_a_test(change):
        return (checks.of_a_pin(cause) if change.kind is ChangeClass.PIN else cause,)
    tests = runs.of("test")
    new = checks.new_test(tests, change)
    return checks.by_the_new_test(cause, new, tests, change, in_production(case.diagnosis)), new


def confirmed(case: Case, bench: Bench, made: tuple[Check, ...], runs: list[Runs]) -> tuple[tuple[Check, ...], float]:
    """Checks that prove, held against further runs of what they rest on, and the seconds that these took."""
    if case.change.rolls_back is not None or unreproduced(case):
        return made, 0.0  # it rests on what production showed, or on twenty measurements
    by_command = checks.reproduction(runs[-1].of("reproduce")).verdict is Verdict.PASSED
    names = {"reproduce"} if by_command else set[str]()
    names |= {"test"} if case.change.tests else set()
    more = bench.again(frozenset(names), RUNS - len(runs))
    further = [check for run in (*runs[:-1], *more) for check in causes_of(case, run)]
    held = tuple(checks.repeated(check, [other for other in further if other.name == check.name]) for check in made)
    return held, sum(_own(run.base, run.change) for run in more)


def _breaks_others(runs: Runs, change: Patch) -> bool:
    """Whether a test other than the new ones fails on base with the new ones."""
    pair = runs.of("test")
    if pair is None:
        return False
    new = {test for path in change.tests for test in outcomes_of(pair[0], path)}
    return any(outcome == "failed" and test not in new for test, outcome in pair[0].tests)


def _own(*reports: SandboxReport) -> float:
    return sum(report.own_seconds for report in reports)
