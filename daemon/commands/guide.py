"""`trackwalker guide ID "text"`."""

from pathlib import Path

import click

from daemon.commands.options import config_option


@click.command("guide")
@click.argument("case_id", metavar="ID")
@click.argument("text")
@config_option
def command(case_id: str, text: str, config: Path) -> None:
    """Give a case a human's text. It is material for whoever reads the case; it changes no policy."""
    from cases.events import Guided
    from daemon.commands.speak import speak

    speak(config, case_id, [Guided(text=text)])
    click.echo(f"noted in case {case_id}")
