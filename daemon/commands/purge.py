"""`trackwalker purge --older-than AGE | --subject TEXT`."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.moments import Stretch
from daemon.commands.options import config_option, json_option, ledger_of, print_json, print_table, settings_of

if TYPE_CHECKING:
    from daemon.keeping.purge import Plan

DAY = timedelta(days=1)


@click.command("purge")
@click.option("--older-than", "age", type=Stretch(), default=None, metavar="90d", help="Only what is older than that.")
@click.option("--cases", is_flag=True, help="The history of closed cases, and all that belongs to it.")
@click.option("--effects", is_flag=True, help="What closed cases did to the outside, and notices.")
@click.option("--audit", is_flag=True, help="The oldest lines of the audit.")
@click.option("--subject", default="", metavar="TEXT", help="Only what holds this text, whatever its age.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@config_option
@json_option
def command(  # noqa: PLR0913 - one argument an option
    age: timedelta | None,
    subject: str,
    config: Path,
    *,
    cases: bool,
    effects: bool,
    audit: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Remove what is old, or what must not be kept. Without a kind, all three.

    Nothing of a case that is not closed, or owes an effect, ever goes, and no lesson. The audit says what went.
    """
    from daemon.clock import SystemClock
    from daemon.commands.who import human
    from daemon.keeping.place import must_exist
    from daemon.keeping.purge import Wanted, planned, purged
    from daemon.keeping.removal import Remover

    if age is None and not subject.strip():
        raise click.UsageError("say what is to go: --older-than 90d, or --subject TEXT")
    if age is not None and age < DAY:
        raise click.UsageError(f"--older-than is at least 1d: {DAY} of spend and effects are still needed")
    now = SystemClock().now()
    every = not (cases or effects or audit)
    wanted = Wanted(
        before=now - (age or timedelta(0)),
        effects=effects or every,
        cases=cases or every,
        audit=audit or every,
        subject=subject.strip(),
    )
    must_exist(settings_of(config))
    with ledger_of(config) as ledger:
        plan = planned(ledger, wanted) if dry_run else purged(ledger, wanted, Remover(at=now, actor=human()))
    if as_json:
        print_json({"dry_run": dry_run, **plan.document()})
    else:
        _say(plan, "would go" if dry_run else "went")


def _say(plan: "Plan", went: str) -> None:
    if plan.cases:
        rows = [(case.id, case.service, case.opened) for case in plan.cases]
        print_table(f"cases whose history {went}", ("id", "service", "opened"), rows)
    click.echo(
        f"{len(plan.cases)} histories of cases, {plan.effects} effects and {plan.audit} lines of the audit {went}"
    )
    for line in plan.stays:
        click.echo(f"stays: {line}")
