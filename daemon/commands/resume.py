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
    from daemon.levers import ACTOR

    with ledger_of(config) as ledger:
        was = ledger.levers.paused()
        ledger.levers.resume(human(), SystemClock().now())
    if was and was.by.startswith(ACTOR):
        path = was.by.removeprefix(ACTOR)
        click.echo(f"it is paused by the file {path}, and pauses again at once: remove the file to let it go on")
    else:
        click.echo("resumed" if was else "it was not paused")
