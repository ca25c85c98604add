"""`trackwalker config [schema | reference]`."""

import click


@click.group("config")
def command() -> None:
    """What may stand in trackwalker.yaml. Whether a file may be used is what `trackwalker check` says."""


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of the file, for editors."""
    from config import schema

    click.echo(schema.text(), nl=False)


@command.command("reference")
def reference() -> None:
    """Print the reference page of the file, in Markdown."""
    from config.reference import page

    click.echo(page(), nl=False)
