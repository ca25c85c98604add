"""`trackwalker escalations [ack ID]`."""

from pathlib import Path

import click

from daemon.commands.options import config_option, json_option, ledger_of, print_json, print_table, settings_of


@click.group("escalations", invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def command(context: click.Context, config: Path, *, as_json: bool) -> None:
    """What is asked of humans now: the sooner needed, the first."""
    if context.invoked_subcommand is None:
        _list(config, as_json=as_json)


@command.command("ack")
@click.argument("name", metavar="ID")
@click.option("--reason", default="", help="What you do about it; it is kept.")
@config_option
@json_option
def ack(name: str, reason: str, config: Path, *, as_json: bool) -> None:
    """Say that you have seen it (its id, or its case's): it is told no more. A gate still waits for its answer."""
    from daemon.commands.deciding import decide

    decide(config, name, "acknowledge", reason, as_json=as_json)


def _list(config: Path, *, as_json: bool) -> None:
    from daemon.clock import SystemClock
    from daemon.decisions import queued
    from daemon.queue import document_of, row_of

    settings, now = settings_of(config), SystemClock().now()
    with ledger_of(config) as ledger:
        asked = queued(ledger, settings)
    if as_json:
        print_json({"escalations": [document_of(one, settings, now) for one in asked]})
        return
    if not asked:
        click.echo("nothing waits for a human")
        return
    print_table(
        f"waiting for a human: {len(asked)}",
        ("id", "service", "asks", "urgency", "age", "deadline", "owner", "seen by", "why"),
        [row_of(one, settings, now) for one in asked],
    )
