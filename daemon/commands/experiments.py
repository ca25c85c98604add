"""`trackwalker experiments [list | show ID | stop ID | add FILE | more OUTCOME]`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.options import (
    config_option,
    group_with,
    json_option,
    ledger_of,
    print_json,
    print_table,
    settings_of,
)

if TYPE_CHECKING:
    from daemon.experimenting import Tried


@group_with("experiments", "What is tried for outcomes. Without a word more: the list.")
@click.command("list")
@click.option("--outcome", default="", help="Only those of this one.")
@config_option
@json_option
def command(config: Path, outcome: str, *, as_json: bool) -> None:
    """Every idea, and what became of it."""
    from daemon.experimenting import tried

    with ledger_of(config) as ledger:
        every = tried(ledger, outcome)
    if as_json:
        print_json({"experiments": [one.document for one in every]})
        return
    if not every:
        click.echo("no experiments yet: an active outcome has them (`trackwalker outcomes activate NAME`)")
        return
    rows = [
        (one.idea.id, one.goal, one.state, one.idea.turn.flag, one.idea.statement[:80], one.said[:100]) for one in every
    ]
    print_table("experiments", ("id", "outcome", "state", "flag", "idea", "newest"), rows)


@command.command("show")
@click.argument("name", metavar="ID")
@config_option
@json_option
def show(name: str, config: Path, *, as_json: bool) -> None:
    """One experiment: its hypothesis, its looks, its end. ID is the hypothesis' or the case's."""
    from daemon.clock import SystemClock
    from daemon.experimenting import found
    from daemon.segments import benchmarks_of
    from remediation.worth import worth_of

    settings = settings_of(config)
    with ledger_of(config) as ledger:
        one = found(ledger, name)
        worth = worth_of(one.case, settings, ledger.spend.of(one.case.id)) if one.case is not None else None
    rows, unread = benchmarks_of(one, settings, SystemClock())
    if as_json:
        money = worth.document if worth is not None else None
        print_json(one.document | {"benchmarks": rows, "benchmarks_unread": unread, "worth": money})
        return
    click.echo(_text(one))
    if worth is not None:
        click.echo(f"  {worth}")
    if unread:
        click.echo(f"  benchmarks of segments are not known now: {unread}")
    if rows:
        table = [
            (row["segment"], row["card"], row["word"], _between(row["interval"]), f"{row['benchmark']:g}",
             "unknown" if row["distance"] is None else f"{row['distance']:+.4g}")
            for row in rows
        ]  # fmt: skip
        columns = ("segment", "card", "gain", "interval", "benchmark", "from control to benchmark")
        print_table("effect per segment against its benchmark (more is better)", columns, table)


def _between(interval: list[float] | None) -> str:
    return "unknown" if interval is None else f"{interval[0]:+.4g} to {interval[1]:+.4g}"


@command.command("stop")
@click.argument("name", metavar="ID")
@click.option("--reason", required=True, help="Why; it is kept.")
@config_option
@json_option
def stop(name: str, reason: str, config: Path, *, as_json: bool) -> None:
    """End it: where it runs, everybody is shown the control at once."""
    from daemon.clock import SystemClock
    from daemon.commands.who import human
    from daemon.experimenting import stop as stopped

    if not reason.strip():
        raise click.UsageError("--reason is empty: write why it is stopped")
    with ledger_of(config) as ledger:
        one = stopped(ledger, SystemClock(), name, human(), reason)
    if as_json:
        print_json(one.document)
    else:
        click.echo(f"experiment {one.idea.id} is stopped: {one.state}; the daemon turns the flag off now")


@command.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Only say whether the file may be used.")
@config_option
@json_option
def add(file: Path, config: Path, *, check: bool, as_json: bool) -> None:
    """Bring an idea of your own for an outcome. It goes through the same gates as any other."""
    from daemon.clock import SystemClock
    from daemon.commands.who import human
    from daemon.experimenting import brought

    settings, clock = settings_of(config), SystemClock()
    with ledger_of(config) as ledger:
        idea = brought(ledger, settings, clock, file, human(), keep=not check)
    if as_json:
        print_json({"file": str(file), "id": idea.id, "outcome": idea.goal, "kept": not check})
    elif check:
        click.echo(f"{file}: hypothesis {idea.id} for outcome {idea.goal} may be added")
    else:
        click.echo(f"hypothesis {idea.id} is kept: the daemon asks whether it is to be built")


@command.command("more")
@click.argument("outcome")
@config_option
def more(outcome: str, config: Path) -> None:
    """Ask for other ideas: what was offered before is not offered again."""
    from daemon.clock import SystemClock
    from daemon.commands.who import human
    from daemon.ledger.goals import LedgerGoals
    from daemon.ledger.portfolios import LedgerPortfolios

    with ledger_of(config) as ledger:
        goal = LedgerGoals(ledger.database).load(outcome)
        LedgerPortfolios(ledger.database).want(goal.goal.name, human(), SystemClock().now())
    click.echo(f"the daemon looks for other ideas for {outcome}; `trackwalker experiments` lists them")


def _text(one: "Tried") -> str:
    idea = one.idea
    lines = [
        f"experiment {idea.id} for outcome {one.goal}: {one.state}",
        idea.statement,
        f"  why        {idea.mechanism}",
        f"  predicted  {idea.prediction.signal} {'up' if idea.prediction.up else 'down'} by {idea.prediction.size:g}",
        f"  measured   on {idea.plan.users:,} users to find {idea.plan.least:g}, {idea.plan.days} days at the longest",
        f"  watched    {', '.join(idea.plan.guardrails) or 'nothing'}",
        f"  shown to   {', '.join(f'{share:.0%}' for share in idea.shares)} of users, by flag {idea.turn.flag}",
        f"  effort {idea.effort}, risk {idea.risk}; reaches {idea.blast_radius}; idea of {idea.origin}",
    ]
    if one.case is not None:
        lines.append(f"  case       {one.case.id}: `trackwalker cases why {one.case.id}` has every step")
    if one.said:
        lines.append(f"  newest     {one.said}")
    for look in one.document["looks"]:
        users, low, high = look["users"], look["low"], look["high"]
        interval = f"lift {look['lift']:+.4g} ({low:+.4g} to {high:+.4g})" if low is not None else "nothing to say yet"
        lines.append(f"  {look['at']}  {users[0]:,} / {users[1]:,} users  {interval}  {look['because']}")
    segments = one.document["looks"][-1]["segments"] if one.document["looks"] else None
    if segments is not None:
        lines.append(f"  by {segments['by']}, intervals for {segments['most']} at once  {segments['because']}")
    for part in segments["effects"] if segments is not None else ():
        known = f"{part['lift']:+.4g} ({part['low']:+.4g} to {part['high']:+.4g})" if part["low"] is not None else ""
        users = f"{part['users'][0]:,} / {part['users'][1]:,} users"
        lines.append(f"    {part['segment']}  {users}  {part['word']}  {known or part['because']}")
    return "\n".join(lines)
