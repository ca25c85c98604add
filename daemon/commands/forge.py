"""`trackwalker forge`."""

from datetime import timedelta
from pathlib import Path

import click

_LONG = timedelta(hours=1)


@click.command("forge")
@click.option(
    "--root",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="DIR/<owner>/<name>.git are the repositories.",
)
@click.option("--listen", default="127.0.0.1:3000", show_default=True, metavar="HOST:PORT")
@click.option(
    "--token",
    default=None,
    metavar="T",
    help="Who comes without it is refused. As env:NAME or file:PATH it stays off the process list.",
)
def command(root: Path, listen: str, token: str | None) -> None:
    """Serve every bare repository below ROOT for git, and a GitHub-shaped API beside it."""
    from cases.errors import PermanentError
    from config.secret import Secret
    from daemon.clock import SystemClock
    from daemon.endings import ending_on_signals
    from remediation.forge.local.server import serve

    if not root.is_dir():
        raise PermanentError(f"{root} is no folder; make it, with bare repositories at {root}/<owner>/<name>.git")
    secret = Secret.parse(token).reveal() if token and token.split(":", 1)[0] in {"env", "file", "cmd"} else token
    clock = SystemClock()
    with ending_on_signals(clock), serve(root, listen, secret) as server:
        click.echo(f"serving {root} at {server.url} (API at {server.url}/api/v3)", err=True)
        while not clock.wait(_LONG):
            pass
