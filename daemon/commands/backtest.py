"""`trackwalker backtest (--config F --since 7d [--loop] | --csv F.csv...)`."""

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.moments import Stretch
from daemon.commands.options import DEFAULT, json_option, print_json, settings_of

if TYPE_CHECKING:
    from daemon.backtest.run import Asked
    from daemon.backtest.told import Told

WEEK = timedelta(days=7)
LONGEST = timedelta(days=400)
MOST_LOUD = 20  # watches that a terminal shows


@click.command("backtest")
@click.option(
    "--config", type=click.Path(path_type=Path), default=None, help=f"The configuration  [default: {DEFAULT}]"
)
@click.option("--since", type=Stretch(), default=None, metavar="7d", help="How far back to look  [default: 7d]")
@click.option("--csv", "tables", is_flag=True, help="Look at the files that follow, not at a configuration's sources.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False), metavar="[F.csv]...")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="OUT.html")
@click.option("--loop", is_flag=True, help="Go on: whom would it have accused, and what would it have proposed?")
@click.option("--trial", is_flag=True, help="With --loop: try each change in the sandbox too.")
@json_option
def command(  # noqa: PLR0913 - its options
    config: Path | None,
    since: timedelta | None,
    files: tuple[Path, ...],
    html: Path | None,
    *,
    tables: bool,
    loop: bool,
    trial: bool,
    as_json: bool,
) -> None:
    """Say what would have fired: each reading is held to what was known before it.

    With --csv the readings are files: the first column is `timestamp`, every other one a series. With --loop each case
    is taken through the whole loop as of its moment, and nothing is written anywhere; whom it accuses is held against
    the reverts that really came.
    """
    from daemon.backtest.page import page
    from daemon.backtest.run import Asked
    from daemon.observe.logs import log_to_stderr

    _check_use(config, since, files, tables=tables, loop=loop, trial=trial)
    log_to_stderr(quiet=as_json or loop)  # what a daemon of the past would log reads like news
    if html is not None and not html.resolve().parent.is_dir():
        raise click.UsageError(f"{html} cannot be written: {html.resolve().parent} is no folder")
    asked = Asked(pictures=html is not None, loop=loop, trial=trial)
    told = _tell(config or Path(DEFAULT), since or WEEK, files, asked)
    if html is not None:
        html.write_text(page(told), encoding="utf-8")
    if as_json:
        print_json(told.document())
    else:
        _say(told)
        if html is not None:
            click.echo(f"the report is in {html}")


def _check_use(
    config: Path | None, since: timedelta | None, files: tuple[Path, ...], *, tables: bool, loop: bool, trial: bool
) -> None:
    if tables and not files:
        raise click.UsageError("--csv needs the files, as in: trackwalker backtest --csv shop.csv")
    if tables and (config or since):
        raise click.UsageError("--csv takes whole files: leave --config and --since out")
    if tables and loop:
        raise click.UsageError("--loop needs a configuration: files name no repository")
    if since is not None and not timedelta(minutes=1) <= since <= LONGEST:
        raise click.UsageError(f"--since takes 1m to {LONGEST.days}d: what is read is held in memory")
    if trial and not loop:
        raise click.UsageError("--trial goes with --loop: without it nothing is drafted that could be tried")
    if files and not tables:
        raise click.UsageError(f"{files[0]}: write --csv before the files")


def _tell(config: Path, since: timedelta, files: tuple[Path, ...], asked: "Asked") -> "Told":
    from daemon.backtest.progress import Progress
    from daemon.backtest.run import of_files, of_settings
    from daemon.clock import SystemClock

    clock = SystemClock()
    progress = Progress(clock, sys.stderr)
    try:
        if files:
            return of_files(files, asked, progress)
        return of_settings(settings_of(config), since, asked, clock=clock, progress=progress, what=str(config))
    finally:
        progress.close()


def _say(told: "Told") -> None:
    from daemon.backtest.loop_report import loop_rows
    from daemon.backtest.page_month import COLUMNS as MONTH_COLUMNS
    from daemon.backtest.page_month import month_rows
    from daemon.backtest.report import case_row
    from daemon.commands.options import print_table
    from remediation.neutral import neutral

    report = told.report
    rows = [case_row(story) for story in report.cases]
    if rows:
        shown = [(row["opened"], row["over"], row["service"], ", ".join(row["series"][:3]), row["id"]) for row in rows]
        print_table("cases", ("opened", "over", "service", "series", "case"), shown)
    if told.loop is not None and told.loop.walked:
        table = [tuple(neutral(cell, 300) for cell in row) for row in loop_rows(told.loop)]
        print_table(
            "the whole loop", ("case", "service", "how far it came", "whom it names", "what became of it"), table
        )
    if told.costs.watches and rows:
        print_table("a month of it", MONTH_COLUMNS, month_rows(told.costs)[:MOST_LOUD])
    click.echo(
        f"{report.series} series, {report.points} readings, {len(report.episodes)} anomalies, {len(rows)} cases "
        f"({told.cpu_seconds:.1f} s of one core)"
    )
    loop = told.loop.words() if told.loop else ()
    for said in (*told.costs.words(), *told.compared.words(), *loop, *told.remarks):
        click.echo(f"  {said}")
