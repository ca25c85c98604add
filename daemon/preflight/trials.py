"""Trials: each repository's own commands, run in the sandbox at the tip of its watched branch.

A change can be proved only where the base passes: what fails here would make every change inconclusive.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from cases.errors import PermanentError, TemporaryError
from cases.ports import Forge, Sandbox
from cases.trying import Command, CommandReport, SandboxReport, TrialOrder
from config import duration
from config.settings import RepositorySettings, Settings
from daemon.build import sandbox_of
from daemon.exits import DONE, FOUND, UNREACHABLE
from daemon.home import Home
from daemon.preflight.finding import Finding, short
from remediation.lint import findings as findings_of
from remediation.recipes import commands, recipe_of

MOST_NAMED = 5
NO_TESTS_COLLECTED = 5  # pytest's own word for a suite without tests
LONGEST_LINE = 200
RUNS = "it can be run"
ASKED = {
    "test": "the base passes its tests",
    "reproduce": "nothing is reproduced on the base",
    "lint": "the linters can be run on the base",
}


def findings(settings: Settings, home: Home, forge: Forge) -> Iterator[Finding]:
    """Run them, one repository after the other. Nothing is written to a repository."""
    try:
        sandbox = sandbox_of(settings, home.name, process=False)
    except TemporaryError as error:
        yield Finding(system="trials", asked="there is a sandbox", status=UNREACHABLE, said=str(error))
        return
    except PermanentError as error:
        yield short("trials", "there is a sandbox", str(error))
        return
    for repository in settings.repositories:
        yield from attempt(repository, settings, forge, sandbox).findings


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What a trial of a repository's commands found, and their report; None when they could not be run."""

    findings: tuple[Finding, ...]
    report: SandboxReport | None = None


def attempt(
    repository: RepositorySettings, settings: Settings, forge: Forge, sandbox: Sandbox, key: str = "check"
) -> Attempt:
    """Prepare the repository's image if that is not done, and run its commands at the tip of the watched branch.

    `key` begins the order's, where that of a case stands otherwise.
    """
    system, ordered = f"trial of {repository.name}", commands(repository, settings)
    try:
        head = forge.head(repository.name)
        recipe = recipe_of(repository, settings.sandbox, partial(forge.read, repository.name, head))
        image = sandbox.prepare(recipe)
        report = sandbox.run(
            TrialOrder(
                key=f"{key}-{repository.name}",
                image=image,
                tree=forge.tree(repository.name, head, ()),
                commands=ordered,
                memory_mib=repository.sandbox.memory_mib or settings.sandbox.memory_mib,
                cpus=settings.sandbox.cpus,
                pids=settings.sandbox.pids,
                companions=repository.sandbox.beside,
            )
        )
    except TemporaryError as error:
        return Attempt(findings=(Finding(system=system, asked=RUNS, status=UNREACHABLE, said=str(error)),))
    except PermanentError as error:
        return Attempt(findings=(short(system, RUNS, str(error)),))
    found = [
        _found(system, command, done, f"at {head[:12]} in {image}")
        for command, done in zip(ordered, report.commands, strict=False)
    ]
    missing = [
        short(system, f"{command.name}: {command.line}", "not run: the one before it ended the container")
        for command in ordered[len(report.commands) :]
    ]
    return Attempt(findings=(*found, *missing), report=report)


def _found(system: str, command: Command, done: CommandReport, where: str) -> Finding:
    status, said = judged(done)
    limit = f" (limit {duration.format(command.timeout)})" if done.ended == "timed out" else ""
    return Finding(
        system=system,
        asked=f"{ASKED[command.name]}: {command.line}",
        status=status,
        said=f"{said}{limit}; {done.seconds:.1f} s, {where}",
    )


def judged(done: CommandReport) -> tuple[int, str]:
    """The status of a command's report, and what it says. Its output is foreign text: one line of it, printable."""
    if done.ended != "exited":
        return FOUND, f"{done.ended}: {_last_line(done)}"
    if done.name == "lint":
        return _linted(done)
    if done.name != "test":
        if done.exit_code == 0:
            return DONE, "exit 0"
        return FOUND, f"exit {done.exit_code}: the fault shows, or it cannot run there: {_last_line(done)}"
    failed = [test for test, outcome in done.tests if outcome == "failed"]
    passed = sum(outcome == "passed" for _, outcome in done.tests)
    if not done.tests:
        if done.exit_code == NO_TESTS_COLLECTED:
            return FOUND, "it found no tests"
        because = "no report a test, so only its exit code counts (a report names the tests that a change breaks)"
        return (
            (DONE, f"exit 0; {because}")
            if done.exit_code == 0
            else (FOUND, f"exit {done.exit_code}: {_last_line(done)}")
        )
    counted = f"{passed} passed, {len(failed)} failed, {len(done.tests) - passed - len(failed)} skipped, by its report"
    if failed or done.exit_code != 0:
        named = ", ".join(_clean(test) for test in failed[:MOST_NAMED]) or f"exit {done.exit_code}: {_last_line(done)}"
        return FOUND, f"{counted}: {named}" + (", …" if len(failed) > MOST_NAMED else "")
    return (DONE, counted) if passed else (FOUND, f"{counted}: nothing passes, so nothing would be proved")


def _linted(done: CommandReport) -> tuple[int, str]:
    """Findings on base are no fault: a change may not add to them. Failing without any is one."""
    found = findings_of(done).total()
    if done.exit_code == 0 or found:
        return DONE, f"exit {done.exit_code}, {found} findings"
    return FOUND, f"exit {done.exit_code}, and no line that names a finding: {_last_line(done)}"


def _last_line(done: CommandReport) -> str:
    lines = [line for line in done.output.splitlines() if line.strip()]
    return _clean(lines[-1]) if lines else "no output"


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text).strip()[:LONGEST_LINE]
