"""`trackwalker judge (--series F.csv --deploy TIME | --jsonl)`."""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.commands.moments import Moment, Stretch
from daemon.commands.options import json_option, print_json

if TYPE_CHECKING:
    from daemon.judging import Asked


class Span(click.ParamType[tuple[datetime, datetime | None], Any]):
    """A start and an end, `2026-01-02T03:04:05Z,2026-01-02T04:00:00Z`; nothing after the comma while it lasts."""

    name = "start,end"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # noqa: ANN401 - click's own
        """Read both."""
        start, comma, end = str(value).partition(",")
        if not comma:
            self.fail(f"{str(value)[:60]!r} is no START,END", param, ctx)
        moment = Moment()
        return moment.convert(start, param, ctx), moment.convert(end, param, ctx) if end.strip() else None


@click.command("judge")
@click.option(
    "--series",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="F.csv",
    help="Its first column is `timestamp`.",
)
@click.option("--column", metavar="NAME", help="Which column is judged  [default: the only one that is no control]")
@click.option("--deploy", type=Moment(), metavar="TIME", help="When the change began to run.")
@click.option("--harm", type=click.Choice(["up", "down"]), default="up", show_default=True, help="Where users suffer.")
@click.option("--kind", type=click.Choice(["gauge", "count", "latency", "ratio"]), default="gauge", show_default=True)
@click.option(
    "--margin", type=click.FloatRange(min=0, min_open=True), help="The smallest harm that counts, in its unit."
)
@click.option("--anomaly", type=Span(), metavar="START,END", help="What was wrong before; END empty while it lasts.")
@click.option(
    "--controls",
    multiple=True,
    metavar="NAME|F.csv",
    help="A column of the file, or a file: moved by the same, not by the deploy.",
)
@click.option("--other", "others", type=Moment(), multiple=True, metavar="TIME", help="Another deploy of that time.")
@click.option(
    "--unattended",
    type=Stretch(),
    multiple=True,
    metavar="2h",
    help="How long such an anomaly lasted that nobody touched; five are needed to credit a change.",
)
@click.option("--alpha", type=click.FloatRange(0, 0.5, min_open=True, max_open=True), default=0.01, show_default=True)
@click.option("--jsonl", is_flag=True, help="Judge each line of standard input instead: see `docs/judge.md`.")
@json_option
def command(  # noqa: PLR0913 - its options
    series: Path | None,
    *,
    column: str | None,
    deploy: datetime | None,
    harm: str,
    kind: str,
    margin: float | None,
    anomaly: tuple[datetime, datetime | None] | None,
    controls: tuple[str, ...],
    others: tuple[datetime, ...],
    unattended: tuple[timedelta, ...],
    alpha: float,
    jsonl: bool,
    as_json: bool,
) -> None:
    """Say what a deploy did to a series: worked, harmful, unchanged or inconclusive, however often one looks.

    It is the daemon's own judgement, of a whole watch at once: each reading after 20 minutes of warm-up is a look, for
    seven days, and the first ruling stands.
    """
    if jsonl:
        if series is not None or deploy is not None:
            raise click.UsageError("--jsonl reads series and deploys from standard input")
        _filter({"harm": harm, "kind": kind, "margin": margin, "alpha": alpha})
        return
    if series is None or deploy is None:
        raise click.UsageError("needed: --series F.csv --deploy TIME, or --jsonl")
    from dataclasses import replace

    from cases.moments import milliseconds
    from daemon.judging import judged

    asked = replace(
        _read(series, column, controls, milliseconds(deploy)),
        harm=harm,  # type: ignore[arg-type]  # click has checked it
        kind=kind,  # type: ignore[arg-type]  # the same
        margin=margin,
        alpha=alpha,
        anomaly=anomaly and (milliseconds(anomaly[0]), None if anomaly[1] is None else milliseconds(anomaly[1])),
        others=tuple(float(milliseconds(other)) for other in others),
        unattended=[one / timedelta(milliseconds=1) for one in unattended],
    )
    document = judged(asked)
    if as_json:
        print_json(document)
    else:
        _say(document)


def _filter(defaults: dict[str, Any]) -> None:
    """Judge line by line; what cannot be judged is said in its line, and the status tells that there was one."""
    import json

    from daemon.exits import FOUND
    from daemon.judging import verdicts

    wrong = False
    for document in verdicts(sys.stdin, defaults):
        wrong = wrong or "error" in document
        click.echo(json.dumps(document, ensure_ascii=False))
    if wrong:
        sys.exit(FOUND)


def _read(path: Path, column: str | None, controls: tuple[str, ...], deploy: float) -> "Asked":
    """The series and its controls, on the times of the series."""
    import numpy as np

    from cases.errors import PermanentError
    from daemon.backtest.tables import read_table
    from daemon.judging import Asked

    table = read_table(path)
    named = [name for name in controls if name in table.columns]
    able = [name for name in table.columns if name not in named]
    if column is None and len(able) != 1:
        raise PermanentError(f"{path} has {len(able)} columns to judge ({', '.join(able[:8])}): name one with --column")
    if column is not None and column not in table.columns:
        raise PermanentError(f"{path} has no column {column[:40]!r}; there are: {', '.join(table.columns[:8])}")
    wanted = column or able[0]
    beside = [table.values[table.columns.index(name)] for name in named]
    for name in controls:
        if name in named:
            continue
        other = read_table(Path(name))
        place = np.searchsorted(other.times, table.times).clip(max=len(other.times) - 1)
        same = other.times[place] == table.times
        if not same.any():
            raise PermanentError(f"{name} has no reading at any time of {path}: a control has the same times")
        beside += [np.where(same, row[place], np.nan) for row in other.values]
    return Asked(
        times=table.times.astype(np.float64),
        values=table.values[table.columns.index(wanted)],
        deploy=deploy,
        controls=beside,
    )


def _say(document: dict[str, Any]) -> None:
    click.echo(f"{document['verdict']}: {document['because']}")
    for key in ("decided_at", "first_action_at"):
        if document[key]:
            click.echo(f"{key.replace('_', ' ')}: {document[key]}")
    click.echo(f"settings: {document['settings']}")
