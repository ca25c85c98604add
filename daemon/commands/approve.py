"""`trackwalker approve GATE`."""

from pathlib import Path

import click

from daemon.commands.options import config_option, json_option


@click.command("approve")
@click.argument("gate", metavar="GATE")
@click.option("--reason", default="", help="Why; it is kept.")
@config_option
@json_option
def command(gate: str, reason: str, config: Path, *, as_json: bool) -> None:
    """Say yes to a gate (its id, or that of its case)."""
    from daemon.commands.deciding import decide

    decide(config, gate, "approve", reason, as_json=as_json)
