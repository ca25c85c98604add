"""Where a change is tried: its trees without it and with it, and what is run on them in the sandbox."""

from dataclasses import dataclass, field

from cases.anomaly import AnomalyKind
from cases.case import Case
from cases.change import ChangeClass, FileEdit
from cases.errors import NotPrepared
from cases.trying import Command, CommandReport, SandboxReport, TrialOrder
from cases.verdict import Check
from config.settings import DeployedConfigSettings, RepositorySettings
from remediation.checks import Runs
from remediation.giving_way import yield_the_bench
from remediation.lint import lint
from remediation.orders import commands, not_run
from remediation.ports import Ports
from remediation.recipes import image_of
from remediation.speed import FASTER, NO_SLOWER, speed
from remediation.values.rendering import file_check, intended, render_check


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
        if self.case.change.rolls_back is not None or unreproduced(self.case):
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


def unreproduced(case: Case) -> bool:
    """Whether there is no fault to reproduce: somebody wants it better."""
    return case.change.kind is ChangeClass.IMPROVEMENT or case.hypothesis is not None
