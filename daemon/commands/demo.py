"""`trackwalker demo`."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.commands.options import json_option, print_json

if TYPE_CHECKING:
    from daemon.story import Telling

STORIES = ("loop", "wrong-value")  # those of daemon.story, which is imported only when one is played
EXPERIMENTS = ("checkout", "guardrail")  # those of daemon.story_checkout
PICTURES = ("story.png", "outcomes.html")  # what is kept of the folder

Introduce = Callable[[Mapping[str, str], tuple[str, ...]], None]
Conclusion = tuple[dict[str, Any], list[str]]
"""What `--json` ends with, and the last lines for people."""


@click.command("demo")
@click.option("--story", type=click.Choice((*STORIES, *EXPERIMENTS)), default="loop", show_default=True)
@click.option("--keep", is_flag=True, help="Keep the folder with ledger, repositories, logs and pictures.")
@json_option
def command(story: str, *, keep: bool, as_json: bool) -> None:
    """Play a whole story on this machine in under three minutes: a bad commit, its case, pull request and outcome.

    loop: code that fails, proved in the sandbox and reverted. wrong-value: a pool set too small, which only traffic
    shows, put back by one line. checkout: an experiment on simulated users, from the outcome that somebody declares to
    the text that everybody is shown. guardrail: one that does harm, and is turned off. (The last two need
    trackwalker[experiments,duckdb].)
    """
    from cases.errors import TrackwalkerError
    from daemon.clock import SystemClock
    from daemon.exits import FOUND
    from daemon.observe.logs import log_to_stderr
    from daemon.story import Telling
    from demo.errors import OutsideError

    playing = _loop
    if story in EXPERIMENTS:
        from daemon.stage_checkout import installed

        installed()
        playing = _experiment
    log_to_stderr(quiet=True)
    folder = Path(tempfile.mkdtemp(prefix="trackwalker-demo-"))
    telling = Telling(clock=SystemClock(), say=_silent if as_json else _say)
    kept: dict[str, Path] = {}
    try:
        shown, said = playing(story, folder, telling, _unsaid if as_json else _introduce)
    except (TrackwalkerError, OutsideError) as error:
        click.echo(f"the story did not come to its end: {error}", err=True)
        if as_json:
            print_json({"ok": False, "story": story, "why": str(error)})
        sys.exit(FOUND)
    finally:
        kept = _keep_pictures(folder)
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)
    if as_json:
        print_json({**shown, **{name: str(file) for name, file in kept.items()}})
    else:
        _conclude(telling, said, kept, folder if keep else None)


def _loop(story: str, folder: Path, telling: "Telling", introduce: Introduce) -> Conclusion:
    from daemon.stage import SHORTENED, staged
    from daemon.story import SCENARIOS, document, play

    with staged(folder, telling.clock) as stage:
        introduce(stage.parts, SHORTENED)
        told = play(stage, telling, scenario=SCENARIOS[story])
        shown = document(stage, telling, told, story)
    return shown, [f"Anomaly seen → pull request open: {told.opened_after_s:.1f} s, the shop's own tests left out."]


def _experiment(story: str, folder: Path, telling: "Telling", introduce: Introduce) -> Conclusion:
    from daemon.stage_checkout import SHORTENED, checkout_staged
    from daemon.story_checkout import document, play

    with checkout_staged(folder, telling.clock) as stage:
        introduce(stage.parts, SHORTENED)
        told = play(stage, telling, story)
        shown = document(stage, telling, told, story)
    said = ["", told.picture, ""]
    if told.stopped_after_s is not None:
        said.append(f"Breach seen → last user who was shown it: {told.stopped_after_s:.1f} s.")
    if told.case.lesson is not None:
        said.append(f"Lesson: {told.case.lesson.text}")
    return shown, said


def _silent(at: datetime, what: str) -> None:
    del at, what


def _unsaid(parts: Mapping[str, str], shortened: tuple[str, ...]) -> None:
    del parts, shortened


def _say(at: datetime, what: str) -> None:
    click.echo(f"{at:%H:%M:%S}  {what}")


def _introduce(parts: Mapping[str, str], shortened: tuple[str, ...]) -> None:
    click.echo("Trackwalker's whole loop on this machine, with:")
    for name, what in parts.items():
        click.echo(f"  {name}: {what}")
    click.echo("Made short for the demo:")
    for what in shortened:
        click.echo(f"  {what}")
    click.echo("")


def _keep_pictures(folder: Path) -> dict[str, Path]:
    """Move what was drawn out of the folder that goes: under the names that `--json` has for them."""
    names = dict(zip(("plot", "page"), PICTURES, strict=True))
    drawn = {name: folder / file for name, file in names.items() if (folder / file).exists()}
    kept = Path("demo-out")
    if drawn:
        kept.mkdir(exist_ok=True)
    return {name: Path(shutil.copy(file, kept / file.name)) for name, file in drawn.items()}


def _conclude(telling: "Telling", said: list[str], kept: Mapping[str, Path], folder: Path | None) -> None:
    seconds = (telling.timeline[-1][0] - telling.timeline[0][0]).total_seconds()
    click.echo("")
    click.echo(f"The whole story took {seconds:.0f} s.")
    for line in said:
        click.echo(line)
    if "plot" in kept:
        click.echo(f"Metric, anomaly, merge, deploy and recovery: {kept['plot']}")
    if "page" in kept:
        click.echo(f"The page of outcomes, with its charts: {kept['page']}")
    if folder:
        click.echo(f"Everything is kept in {folder}")
