"""`trackwalker image`."""

import click


@click.command("image")
def command() -> None:
    """Build the sandbox's base image from this host's own files: no registry is asked. About three seconds."""
    from sandbox.base_image import ensure_base_image

    click.echo(ensure_base_image())
