"""`trackwalker reject GATE`."""

from pathlib import Path

import click

from daemon.commands.options import config_option


@click.command("reject")
@click.argument("case_id", metavar="GATE")
@click.option("--reason", required=True, help="Why; the next case of its kind reads it.")
@config_option
def command(case_id: str, reason: str, config: Path) -> None:
    """Say no to the gate of a case (GATE is the case's id), and close it."""
    from cases.case import Hold
    from cases.errors import PermanentError
    from cases.events import Closed, Rejected
    from daemon.clock import SystemClock
    from daemon.commands.options import ledger_of
    from daemon.commands.speak import speak
    from remediation.learn import dismissal

    with ledger_of(config) as ledger:
        case = ledger.cases.load(case_id)
    if case.hold is not Hold.GATE:
        raise PermanentError(f"case {case_id} waits for nobody's yes: it is {case.phase} (hold: {case.hold})")
    outcome, lesson = dismissal(case, reason, SystemClock().now())
    speak(config, case_id, [Rejected(because=reason), Closed(outcome=outcome, lesson=lesson)])
    click.echo(f"rejected: case {case_id} is closed")
