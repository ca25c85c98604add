"""`trackwalker reject GATE`."""

from pathlib import Path

import click

from daemon.commands.options import config_option, json_option


@click.command("reject")
@click.argument("gate", metavar="GATE")
@click.option("--reason", required=True, help="Why; the next case of its kind reads it.")
@config_option
@json_option
def command(gate: str, reason: str, config: Path, *, as_json: bool) -> None:
    """Say no to a gate (its id, or that of its case), and close the case."""
    from daemon.commands.deciding import decide

    decide(config, gate, "reject", reason, as_json=as_json)
