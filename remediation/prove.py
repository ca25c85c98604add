"""DRAFTED → PROVED (or back to DIAGNOSED): run the target's own commands on base and on the change, in the sandbox.

A change with a regression test is tried on base plus that test, which is the change with its patch taken out, and
whole. One that sets which version runs is tried where that version's code is. What each check asks is in
`remediation.checks`.

What shows the fault once and misses it once may be luck: before anything is called proved, that is run again, and must
turn out the same each time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from cases.anomaly import AnomalyKind
from cases.case import Case
from cases.change import ChangeClass, FileEdit, Patch
from cases.errors import NotPrepared
from cases.events import Disproved, Proved
from cases.steps import StepResult
from cases.trying import Command, CommandReport, SandboxReport, TrialOrder
from cases.verdict import Check, Claim, Trial, Verdict
from config.settings import DeployedConfigSettings, RepositorySettings
from remediation import checks
from remediation.checks import STILL_PASSES, Runs
from remediation.draft import give_up, redraft
from remediation.failure import in_production
from remediation.failures import outcomes_of
from remediation.flaky import settled, unsteady
from remediation.giving_way import yield_the_bench
from remediation.lint import LINT, lint
from remediation.orders import commands, not_run
from remediation.ports import Ports
from remediation.recipes import image_of
from remediation.review import second_look
from remediation.speed import FASTER, NO_SLOWER, speed
from remediation.values.rendering import RENDERING, file_check, intended, render_check

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
    """The trial of an edit that is proved, with the second look of a model: it may disprove, and never prove."""
    asked = case.change.kind is ChangeClass.EDIT and case.change.rolls_back is None and ports.settings.edits.review
    if ports.model is None or not asked or trial.claim is not Claim.PROVED:
        return trial
    look = second_look(case, case.change, trial.checks, ports.model)
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


def steadied(case: Case, bench: "Bench") -> tuple[tuple[Check, ...], list[Runs], float]:
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
        return StepResult(events=(Disproved(trial=trial),))
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A commit with edits on top."""

    commit: str
    edits: tuple[FileEdit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What is tried against what, in which repository."""

    repository: RepositorySettings
    without: Tree
    change: Tree


def tried_of(case: Case, ports: Ports) -> Tried:
    """The trees of a change: for one that sets which version runs, those of the code behind it."""
    change, lead = case.change, case.change.lead
    code = ports.settings.service(case.service).repository
    if lead.runs is not None and change.blames is not None and lead.repository != code:
        repository = ports.settings.repository(code)
        for part in change.parts[1:]:
            if part.repository == code:
                return Tried(
                    repository=repository,
                    without=Tree(commit=part.base),
                    change=Tree(commit=part.base, edits=part.edits),
                )
        return Tried(repository=repository, without=Tree(commit=change.blames), change=Tree(commit=lead.runs))
    tests = tuple(edit for edit in lead.edits if edit.path in change.tests)
    return Tried(
        repository=ports.settings.repository(lead.repository),
        without=Tree(commit=lead.base, edits=tests),
        change=Tree(commit=lead.base, edits=lead.edits),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """Where the trees of one change are run."""

    case: Case
    ports: Ports
    tried: Tried
    images: dict[tuple[str, Tree], str] = field(default_factory=dict[tuple[str, Tree], str])  # found out once

    def both(self) -> Runs:
        """Run everything without the change (but with its new tests, if it has any), and with it."""
        lead = self.case.change.lead
        runs = self._pair(self._commands())
        line = self.render()
        if not line or self.tried.repository.name == lead.repository:
            return runs
        # what is deployed is rendered where it lives, which is not where its code is
        repository = self.ports.settings.repository(lead.repository)
        render = (self._rendering(line),)
        base = self._run("rendered-base", Tree(commit=lead.base), render, repository)
        change = self._run("rendered-change", Tree(commit=lead.base, edits=lead.edits), render, repository)
        return Runs(base=joined(runs.base, base), change=joined(runs.change, change))

    def again(self, names: frozenset[str], times: int) -> tuple[Runs, ...]:
        """Run some of the commands on both trees that many times, one after the other in one container a tree."""
        orders = tuple(order for order in self._commands() if order.name in names)
        pair = self._pair(orders * times)
        return tuple(
            Runs(base=_turn(pair.base, orders, turn), change=_turn(pair.change, orders, turn)) for turn in range(times)
        )

    def _pair(self, orders: tuple[Command, ...]) -> Runs:
        return Runs(
            base=self._run("without" if self.case.change.tests else "base", self.tried.without, orders),
            change=self._run("change", self.tried.change, orders),
        )

    def render(self) -> str:
        """The command that renders what the change configures, or ""."""
        config = self._config()
        return config.render or "" if config else ""

    def rendered(self, runs: Runs) -> tuple[Check, ...]:
        """Whether a change of deployed configuration changes what is meant, and nothing else."""
        config, lead = self._config(), self.case.change.lead
        if config is None:
            return ()
        before = self.ports.forge.read(lead.repository, lead.base, config.file)
        after = next((edit.content for edit in lead.edits if edit.path == config.file), None)
        if before is None or after is None:
            return ()
        meant = intended(before, after, config.file)
        pair = runs.of("render")
        check = render_check(*pair, meant) if pair else file_check(before, after, config.file, meant)
        return (check,)

    def _config(self) -> DeployedConfigSettings | None:
        """The deployed configuration, where that is what the change's leading part edits."""
        config, lead = self.ports.settings.service(self.case.service).config, self.case.change.lead
        mine = config is not None and config.repository == lead.repository and config.file in lead.paths
        return config if mine else None

    def plain(self) -> SandboxReport:
        """Run the tests alone on base, as it is."""
        tests = tuple(order for order in self._commands() if order.name == "test")
        return self._run("base", Tree(commit=self.tried.without.commit), tests)

    def as_treated(self) -> SandboxReport | None:
        """Run the tests with every user shown the treated variant; None where the repository has none."""
        from remediation.experiments.build import treated_for_all

        tests = tuple(order for order in self._commands() if order.name == "test")
        edits = treated_for_all(self.case, self.ports)
        return self._run("treated", Tree(commit=self.tried.change.commit, edits=edits), tests) if tests else None

    def _commands(self) -> tuple[Command, ...]:
        orders = commands(self.tried.repository, self.ports.settings.service(self.case.service), self.ports)
        if self.case.change.rolls_back is not None or _unreproduced(self.case):
            orders = tuple(order for order in orders if order.name != "reproduce")
        line = self.render()
        if line and self.tried.repository.name == self.case.change.lead.repository:
            orders = (*orders, self._rendering(line))
        return orders

    def lint(self, runs: Runs) -> tuple[Check, ...]:
        """What the repository's linters say of the change, where it has any."""
        if self.tried.repository.lint is None:
            return ()
        return (lint(runs.of("lint"), self.case.change),)

    def speed(self) -> Check:
        """Whether the change is faster: see `remediation.speed`."""
        repository, limits = self.tried.repository, self.ports.settings.sandbox
        if repository.bench is None:
            return speed(None, None)
        order = Command(name="bench", line=repository.bench, timeout=repository.sandbox.timeout or limits.timeout)
        wanted = NO_SLOWER if self.case.anomaly.kind is AnomalyKind.WASTE else FASTER
        return speed(
            lambda: self._measured("bench-base", self.tried.without, order),
            lambda: self._measured("bench-change", self.tried.change, order),
            wanted,
        )

    def _measured(self, side: str, tree: Tree, order: Command) -> SandboxReport:
        """One run of a benchmark, unless somebody else needs the place: then it raises GaveWay."""
        yield_the_bench(self.case, self.ports)
        return self._run(side, tree, (order,))

    def _image(self, where: RepositorySettings, tree: Tree) -> str:
        key = (where.name, tree)
        if key not in self.images:
            self.images[key] = image_of(self.case, self.ports, where, tree.commit, tree.edits)
        return self.images[key]

    def _rendering(self, line: str) -> Command:
        """The rendering's own words, warnings left out: they would stand in the middle of it."""
        return Command(name="render", line=f"( {line} ) 2>/dev/null", timeout=self.ports.settings.sandbox.timeout)

    def _run(
        self, side: str, tree: Tree, orders: tuple[Command, ...], repository: RepositorySettings | None = None
    ) -> SandboxReport:
        limits, where = self.ports.settings.sandbox, repository or self.tried.repository
        try:
            image = self._image(where, tree)
        except NotPrepared as error:
            return not_run(orders, str(error))
        return self.ports.sandbox.run(
            TrialOrder(
                key=f"{self.case.id}-{self.case.change.number}-{side}",
                image=image,
                tree=self.ports.forge.tree(where.name, tree.commit, tree.edits),
                commands=orders,
                memory_mib=where.sandbox.memory_mib or limits.memory_mib,
                cpus=limits.cpus,
                pids=limits.pids,
                companions=where.sandbox.beside,
            )
        )


def _turn(report: SandboxReport, orders: tuple[Command, ...], turn: int) -> SandboxReport:
    """One turn of a report on the same commands over and over. One that timed out kept the rest from running."""
    ran = report.commands[turn * len(orders) : (turn + 1) * len(orders)]
    kept = tuple(
        CommandReport(name=order.name, exit_code=None, ended="not run", output="", seconds=0.0)
        for order in orders[len(ran) :]
    )
    seconds = sum(command.seconds for command in ran)
    return SandboxReport(commands=(*ran, *kept), seconds=seconds, own_seconds=seconds)


def joined(one: SandboxReport, two: SandboxReport) -> SandboxReport:
    """Two reports as one."""
    return SandboxReport(
        commands=(*one.commands, *two.commands),
        seconds=one.seconds + two.seconds,
        own_seconds=one.own_seconds + two.own_seconds,
    )


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
        return (told, still, also), own + (_own(treated) if treated is not None else 0.0)
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
    if case.change.rolls_back is not None or _unreproduced(case):
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


def _unreproduced(case: Case) -> bool:
    """Whether there is no fault to reproduce: somebody wants it better."""
    return case.change.kind is ChangeClass.IMPROVEMENT or case.hypothesis is not None
