"""`trackwalker report [--since 30d]`."""

from pathlib import Path

import click

from daemon.commands.options import config_option, json_option, ledger_of, print_json


@click.command("report")
@click.option("--since", default="30d", show_default=True, help="How far back cases are counted, by when they opened.")
@config_option
@json_option
def command(since: str, config: Path, *, as_json: bool) -> None:
    """How fast trouble is seen and mended, what becomes of proposals, and what a case costs.

    Each figure has its n, and is computed from the histories and the spending that the store holds.
    """
    from config import duration
    from config.errors import Unusable
    from daemon.clock import SystemClock
    from daemon.reports.briefing import figures_of
    from daemon.reports.figures import lines_of

    try:
        span = duration.parse(since)
    except Unusable as unusable:
        raise click.UsageError(f"--since: {unusable.problem}; {unusable.hint}") from None
    now = SystemClock().now()
    with ledger_of(config) as ledger:
        found = figures_of(ledger, now - span, now)
    if as_json:
        print_json(found.document)
        return
    for line in lines_of(found):
        click.echo(line)
