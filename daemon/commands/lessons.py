"""`trackwalker lessons`."""

from pathlib import Path

import click

from daemon.commands.options import config_option, json_option, ledger_of, print_json, print_table


@click.command("lessons")
@config_option
@json_option
def command(config: Path, *, as_json: bool) -> None:
    """What the outcomes taught, newest first."""
    from dataclasses import asdict

    from cases.moments import iso

    with ledger_of(config) as ledger:
        lessons = ledger.lessons.newest()
    if as_json:
        print_json([{**asdict(lesson), "at": iso(lesson.at)} for lesson in lessons])
    elif lessons:
        print_table("lessons", ("id", "at", "ending", "lesson"), [(x.id, iso(x.at), x.ending, x.text) for x in lessons])
    else:
        click.echo("no lessons yet: a lesson is written when a change of a case has its outcome")
