"""`trackwalker backtest (--config F --since 7d | --csv F.csv...)`."""

import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.moments import Stretch
from daemon.commands.options import DEFAULT, json_option, print_json, settings_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from config.settings import DetectionSettings
    from daemon.backtest.looks import Looked
    from daemon.backtest.report import Report


@click.command("backtest")
@click.option(
    "--config", type=click.Path(path_type=Path), default=None, help=f"The configuration  [default: {DEFAULT}]"
)
@click.option("--since", type=Stretch(), default=None, metavar="7d", help="How far back to look  [default: 7d]")
@click.option("--csv", "tables", is_flag=True, help="Look at the files that follow, not at a configuration's sources.")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False), metavar="[F.csv]...")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), default=None, metavar="OUT.html")
@click.option("--loop", is_flag=True, help="Not in this version.")
@json_option
def command(
    config: Path | None,
    since: timedelta | None,
    files: tuple[Path, ...],
    html: Path | None,
    *,
    tables: bool,
    loop: bool,
    as_json: bool,
) -> None:
    """Say what would have fired: each reading is held to what was known before it.

    With --csv the readings are files: the first column is `timestamp`, every other one a series.
    """
    from daemon.backtest.page import page
    from daemon.backtest.report import Report, document
    from daemon.observe.logs import log_to_stderr

    _check_use(config, since, files, tables=tables, loop=loop)
    log_to_stderr(quiet=as_json)
    if html is not None and not html.resolve().parent.is_dir():
        raise click.UsageError(f"{html} cannot be written: {html.resolve().parent} is no folder")
    began = time.process_time()
    report = Report()
    path = config or Path(DEFAULT)
    wanted, looks = _of_files(files) if tables else _of_config(path, since or timedelta(days=7))
    for looked in looks:
        report.add(looked, pictures=html is not None)
    report.close(lull=wanted.recent)
    cpu = time.process_time() - began
    if html is not None:
        what = ", ".join(file.name for file in files) if tables else str(path)
        html.write_text(page(report, cpu, what), encoding="utf-8")
    if as_json:
        print_json(document(report, cpu))
    else:
        _say(report, cpu)
        if html is not None:
            click.echo(f"the report is in {html}")


def _check_use(
    config: Path | None, since: timedelta | None, files: tuple[Path, ...], *, tables: bool, loop: bool
) -> None:
    if loop:
        raise click.UsageError("--loop is not in this version; `trackwalker replay` takes one moment through the loop")
    if tables and not files:
        raise click.UsageError("--csv needs the files, as in: trackwalker backtest --csv shop.csv")
    if tables and (config or since):
        raise click.UsageError("--csv takes whole files: leave --config and --since out")
    if files and not tables:
        raise click.UsageError(f"{files[0]}: write --csv before the files")


def _of_files(files: tuple[Path, ...]) -> "tuple[DetectionSettings, Iterator[Looked]]":
    from config.settings import DetectionSettings
    from daemon.backtest.gather import from_tables

    wanted = DetectionSettings()
    return wanted, from_tables(files, wanted)


def _of_config(path: Path, since: timedelta) -> "tuple[DetectionSettings, Iterator[Looked]]":
    from daemon.backtest.gather import Stretch as Looking
    from daemon.backtest.gather import from_sources
    from daemon.build import sources_of
    from daemon.clock import SystemClock
    from daemon.watches import WatchList

    settings, clock = settings_of(path), SystemClock()
    sources = sources_of(settings)
    watches = WatchList(settings, sources, clock).current()
    now = clock.now()
    return settings.detection, from_sources(watches, sources, settings.detection, Looking(since=now - since, until=now))


def _say(report: "Report", cpu: float) -> None:
    from daemon.backtest.report import case_row
    from daemon.commands.options import print_table

    rows = [case_row(story) for story in report.cases]
    if rows:
        shown = [(row["opened"], row["over"], row["service"], ", ".join(row["series"][:3]), row["id"]) for row in rows]
        print_table("cases", ("opened", "over", "service", "series", "case"), shown)
    click.echo(
        f"{report.series} series, {report.points} readings, {len(report.episodes)} anomalies, {len(rows)} cases "
        f"({cpu:.1f} s of one core)"
    )
    for remark in report.remarks:
        click.echo(f"  {remark}")
