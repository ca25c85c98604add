"""`trackwalker replay`."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from daemon.commands.moments import Moment
from daemon.commands.options import config_option, json_option, print_json, settings_of


@click.command("replay")
@click.option("--service", required=True, metavar="S", help="The service whose signals are looked at.")
@click.option("--at", required=True, type=Moment(), metavar="T", help="The moment, as in 2026-01-02T03:04:05Z.")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="A new or empty folder.")
@click.option("--no-trial", is_flag=True, help="Run nothing: the pull request is then a draft that says so.")
@config_option
@json_option
def command(service: str, at: datetime, out: Path, config: Path, *, no_trial: bool, as_json: bool) -> None:
    """Render the case that the daemon would have opened at a moment, and its pull request, from history.

    Nothing is written outside DIR: no branch, pull request, comment or notice. Ends with 1 when nothing was anomalous.
    """
    from daemon.clock import SystemClock
    from daemon.exits import FOUND
    from daemon.observe.logs import log_to_stderr
    from daemon.replay.loop import Wanted, replay
    from daemon.replay.pages import check_folder, summary, write

    settings = settings_of(config)
    check_folder(out)
    log_to_stderr(quiet=True)
    replayed = replay(settings, Wanted(service=service, at=at, trial=not no_trial), clock=SystemClock())
    written = write(replayed, replayed.case, out) if replayed.case else []
    shown = summary(replayed, written)
    if as_json:
        print_json(shown)
    elif replayed.case is None:
        click.echo(f"nothing of {service} was anomalous at {shown['at']}")
        for line in replayed.unseen:
            click.echo(f"  not judged: {line}")
    else:
        _say(shown)
    if replayed.case is None:
        sys.exit(FOUND)


def _say(shown: dict[str, Any]) -> None:
    from remediation.neutral import neutral

    case, pull = shown["case"], shown["pull_request"]
    click.echo(f"case {case['id']} of {shown['service']}: {case['phase']}")
    if pull:
        click.echo(f"{'draft ' if pull['draft'] else ''}pull request: {neutral(pull['title'])}")
    if shown["not_opened_because"]:
        click.echo(f"no pull request: {neutral(shown['not_opened_because'], 400)}")
    if shown["asked_first"]:
        click.echo(f"a human would have been asked first: {neutral(shown['asked_first'], 400)}")
    for path in shown["files"]:
        click.echo(f"  {path}")
