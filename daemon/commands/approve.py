"""`trackwalker approve GATE`."""

from pathlib import Path

import click

from daemon.commands.options import config_option


@click.command("approve")
@click.argument("case_id", metavar="GATE")
@click.option("--reason", default="", help="Why; it is kept.")
@config_option
def command(case_id: str, reason: str, config: Path) -> None:
    """Say yes to the gate of a case (GATE is the case's id)."""
    from cases.case import Hold
    from cases.errors import PermanentError
    from cases.events import Approved
    from daemon.commands.options import ledger_of
    from daemon.commands.speak import speak

    with ledger_of(config) as ledger:
        case = ledger.cases.load(case_id)
    if case.hold is not Hold.GATE:
        raise PermanentError(f"case {case_id} waits for nobody's yes: it is {case.phase} (hold: {case.hold})")
    speak(config, case_id, [Approved(because=reason or "approved at the command line")])
    click.echo(f"approved: case {case_id} goes on")
