"""`trackwalker resume`."""

from pathlib import Path

import click

from daemon.commands.options import config_option, ledger_of


@click.command("resume")
@config_option
def command(config: Path) -> None:
    """Go on after a pause."""
    from daemon.clock import SystemClock
    from daemon.commands.who import human

    with ledger_of(config) as ledger:
        was = ledger.levers.paused()
        ledger.levers.resume(human(), SystemClock().now())
    click.echo("resumed" if was else "it was not paused")
