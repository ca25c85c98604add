"""`trackwalker init [DIR]`."""

from pathlib import Path

import click


@click.command("init")
@click.argument("directory", default=".", type=click.Path(path_type=Path, file_okay=False))
def command(directory: Path) -> None:
    """Write a short commented trackwalker.yaml into DIRECTORY. What is there already is never overwritten."""
    from config.template import write

    written = write(directory)
    click.echo(f"wrote {written}: set the addresses in it, then run `trackwalker check --config {written}`")
