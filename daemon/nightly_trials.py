"""Recipes that rot are found at night: each repository's own commands, run where a change would be tried.

A command that fails there would make every change inconclusive, and nobody would hear of it before the incident. It is
told once, and once more when it works again. Tests are run twice: what differs is remembered, and no verdict rests on
it (see `remediation.flaky`).
"""

import logging

from cases.steps import SendNotice
from cases.telemetry import Severity
from cases.trying import SandboxReport
from config.settings import RepositorySettings
from daemon.audited import NO_CASE
from daemon.exits import DONE, UNREACHABLE
from daemon.preflight.finding import Finding
from daemon.preflight.trials import attempt
from daemon.standings import RecipeStanding, RecipeStandings
from remediation.checks import Runs
from remediation.flaky import WHOLE, unsteady
from remediation.ports import Ports

log = logging.getLogger("trackwalker.recipes")


def look(repository: RepositorySettings, ports: Ports, standings: RecipeStandings) -> str:
    """Try one repository's commands, keep how it stands, and tell of a change; one word for the audit."""
    tries = [attempt(repository, ports.settings, ports.forge, ports.sandbox, NO_CASE)]
    if tries[0].report is not None:
        tries.append(attempt(repository, ports.settings, ports.forge, ports.sandbox, NO_CASE))
    if any(finding.status == UNREACHABLE for each in tries for finding in each.findings):
        return "not reached"  # which says nothing of the recipe
    _remember(repository, ports, [each.report for each in tries if each.report is not None])
    bad = [
        finding
        for turns in zip(*(each.findings for each in tries), strict=False)
        if all(turn.status != DONE for turn in turns)
        for finding in turns[-1:]
    ]
    _tell(repository, ports, standings, bad)
    return "fails" if bad else "works"


def _remember(repository: RepositorySettings, ports: Ports, reports: list[SandboxReport]) -> None:
    """Remember the tests that differed between the two runs."""
    flaky = unsteady([Runs(base=report, change=report) for report in reports]).base - {WHOLE}
    if flaky and ports.quarantine is not None:
        ports.quarantine.seen(repository.name, flaky)


def _tell(repository: RepositorySettings, ports: Ports, standings: RecipeStandings, bad: list[Finding]) -> None:
    now, name = ports.now, repository.name
    before, ok = standings.of(name), not bad
    said = "\n".join(f"{finding.asked}: {finding.said}" for finding in bad)
    same = before is not None and before.ok == ok
    after = RecipeStanding(ok=ok, since=before.since if before is not None and same else now, said=said)
    notices: tuple[SendNotice, ...] = ()
    if not same and not ok:
        log.warning("the recipe of %s fails: %s", name, said)
        subject = f"{name}: its own commands fail on {repository.branch}, so no change of it can be proved"
        notices = ports.tell(f"recipe-{name}-fails-{now.isoformat()}", Severity.TICKET, subject, said, case="")
    elif before is not None and not same:
        log.info("the recipe of %s works again", name)
        text = f"They failed since {before.since:%Y-%m-%d %H:%M} UTC."
        subject = f"{name}: its own commands work again"
        notices = ports.tell(f"recipe-{name}-works-{now.isoformat()}", Severity.NOTE, subject, text, case="")
    # Another daemon that kept something meanwhile tells of it itself.
    ports.outbox.send(notices, now, swap=standings.change(name, after))
