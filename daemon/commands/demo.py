"""`trackwalker demo`."""

import shutil
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.options import json_option, print_json

if TYPE_CHECKING:
    from daemon.story import Telling, Told

STORIES = ("loop", "wrong-value")  # those of daemon.story, which is imported only when one is played


@click.command("demo")
@click.option("--story", type=click.Choice(STORIES), default="loop", show_default=True)
@click.option("--keep", is_flag=True, help="Keep the folder with ledger, repositories, logs and pictures.")
@json_option
def command(story: str, *, keep: bool, as_json: bool) -> None:
    """Play a whole story on this machine in under three minutes: a bad commit, its case, pull request and outcome.

    loop: code that fails, proved in the sandbox and reverted. wrong-value: a pool set too small, which only traffic
    shows, put back by one line.
    """
    from cases.errors import TrackwalkerError
    from daemon.clock import SystemClock
    from daemon.exits import FOUND
    from daemon.observe.logs import log_to_stderr
    from daemon.stage import SHORTENED, staged
    from daemon.story import SCENARIOS, Telling, document, play
    from demo.errors import OutsideError

    log_to_stderr(quiet=True)
    folder = Path(tempfile.mkdtemp(prefix="trackwalker-demo-"))
    clock = SystemClock()
    telling = Telling(clock=clock, say=_silent if as_json else _say)
    try:
        with staged(folder, clock) as stage:
            if not as_json:
                _introduce(stage.parts, SHORTENED)
            told = play(stage, telling, scenario=SCENARIOS[story])
            shown = document(stage, telling, told, story)
    except (TrackwalkerError, OutsideError) as error:
        click.echo(f"the story did not come to its end: {error}", err=True)
        if as_json:
            print_json({"ok": False, "story": story, "why": str(error)})
        sys.exit(FOUND)
    finally:
        plot = _keep_plot(folder)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        print_json({**shown, "plot": str(plot)})
    else:
        _conclude(telling, told, plot, folder if keep else None)


def _silent(at: datetime, what: str) -> None:
    del at, what


def _say(at: datetime, what: str) -> None:
    click.echo(f"{at:%H:%M:%S}  {what}")


def _introduce(parts: dict[str, str], shortened: tuple[str, ...]) -> None:
    click.echo("Trackwalker's whole loop on this machine, with:")
    for name, what in parts.items():
        click.echo(f"  {name}: {what}")
    click.echo("Made short for the demo:")
    for what in shortened:
        click.echo(f"  {what}")
    click.echo("")


def _keep_plot(folder: Path) -> Path | None:
    """Move the picture out of the folder that goes."""
    drawn = folder / "story.png"
    if not drawn.exists():
        return None
    kept = Path("demo-out")
    kept.mkdir(exist_ok=True)
    return Path(shutil.copy(drawn, kept / "story.png"))


def _conclude(telling: "Telling", told: "Told", plot: Path | None, folder: Path | None) -> None:
    seconds = (telling.timeline[-1][0] - telling.timeline[0][0]).total_seconds()
    click.echo("")
    click.echo(f"The whole story took {seconds:.0f} s.")
    click.echo(f"Anomaly seen → pull request open: {told.opened_after_s:.1f} s, the shop's own tests left out.")
    if plot:
        click.echo(f"Metric, anomaly, merge, deploy and recovery: {plot}")
    if folder:
        click.echo(f"Everything is kept in {folder}")
