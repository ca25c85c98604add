"""`trackwalker pause`."""

from pathlib import Path

import click

from daemon.commands.options import config_option, ledger_of


@click.command("pause")
@click.option("--reason", default="no reason given", help="Why; it is kept and shown.")
@config_option
def command(reason: str, config: Path) -> None:
    """Stop every write to repositories, models and sandboxes, on every daemon of this store.

    Alerts still run. A step that is under way ends; nothing new begins.
    """
    from cases.leases import Pause
    from daemon.clock import SystemClock
    from daemon.commands.who import human

    with ledger_of(config) as ledger:
        ledger.levers.pause(Pause(by=human(), reason=reason, since=SystemClock().now()))
    click.echo("paused: nothing is written to repositories, models or sandboxes; `trackwalker resume` lets it go on")
