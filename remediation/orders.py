"""What is run in a target repository, and a run of it before anything is proposed for a proof."""

from collections.abc import Sequence

from cases.case import Case
from cases.change import FileEdit
from cases.errors import NotPrepared
from cases.trying import Command, CommandReport, SandboxReport, TrialOrder
from config.settings import RepositorySettings, ServiceSettings
from remediation.checks import NOT_RUN
from remediation.ports import Ports
from remediation.recipes import image_of


def commands(repository: RepositorySettings, service: ServiceSettings, ports: Ports) -> tuple[Command, ...]:
    """What is run in the target, in this order; a service's own commands go before its repository's."""
    timeout = repository.sandbox.timeout or ports.settings.sandbox.timeout
    its = service if service.repository == repository.name else None
    lines = (
        ("reproduce", (its and its.reproduce) or repository.reproduce),
        ("test", (its and its.test) or repository.test),
        ("lint", repository.lint),
    )
    report = repository.report or ""
    return tuple(
        Command(name=name, line=line, timeout=timeout, report=report if name == "test" else "")
        for name, line in lines
        if line
    )


def not_run(orders: tuple[Command, ...], because: str) -> SandboxReport:
    """The report on a tree that no image is there for."""
    kept = tuple(
        CommandReport(name=order.name, exit_code=None, ended=f"{NOT_RUN}{because}", output="", seconds=0.0)
        for order in orders
    )
    return SandboxReport(commands=kept, seconds=0.0, own_seconds=0.0)


def own_commands(case: Case, ports: Ports, repository: str) -> tuple[Command, ...]:
    """Those of one repository, for the service of a case."""
    return commands(ports.settings.repository(repository), ports.settings.service(case.service), ports)


def tried_on(
    case: Case, ports: Ports, at: tuple[str, str], edits: Sequence[FileEdit], lines: tuple[Command, ...], side: str
) -> SandboxReport:
    """Run lines on a commit with edits on top. `at` is repository and commit; `side` tells the run from its like.

    No line at all is a report of nothing.
    """
    repository, limits = ports.settings.repository(at[0]), ports.settings.sandbox
    if not lines:
        return SandboxReport(commands=(), seconds=0, own_seconds=0)
    try:
        image = image_of(case, ports, repository, at[1], tuple(edits))
    except NotPrepared as error:
        return not_run(lines, str(error))
    return ports.sandbox.run(
        TrialOrder(
            key=f"{case.id}-{len(case.changes) + 1}-{side}",
            image=image,
            tree=ports.forge.tree(*at, edits),
            commands=lines,
            memory_mib=repository.sandbox.memory_mib or limits.memory_mib,
            cpus=limits.cpus,
            pids=limits.pids,
            companions=repository.sandbox.beside,
        )
    )
