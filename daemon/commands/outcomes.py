"""`trackwalker outcomes [list | add FILE | activate NAME | abandon NAME | schema]`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

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
    from cases.goal import Pursued
    from daemon.goals import Reading


@group_with("outcomes", "Metrics that somebody wants to move. Without a word more: the list.")
@click.command("list")
@config_option
@json_option
def command(config: Path, *, as_json: bool) -> None:
    """Every outcome with its state, and what its signal reads now."""
    from daemon.build import sources_of
    from daemon.clock import SystemClock
    from daemon.goals import Gauge
    from daemon.ledger.goals import LedgerGoals
    from daemon.reports.outcomes import tells_of

    settings, clock = settings_of(config), SystemClock()
    with ledger_of(config) as ledger:
        pursued = LedgerGoals(ledger.database).listed()
    gauge = Gauge(settings=settings, clock=clock, sources=sources_of(settings, clock)) if pursued else None
    readings = [_reading(gauge.tell(one.goal.signal)) for one in pursued] if gauge else []
    if as_json:
        print_json(
            {
                "outcomes": [
                    {**document(one), "tells_of": tells_of(settings, one.goal.signal), "reading": r}
                    for one, r in zip(pursued, readings, strict=True)
                ]
            }
        )
        return
    if not pursued:
        click.echo("no outcomes yet: `trackwalker outcomes add FILE` declares one (see docs/outcomes.md)")
        return
    print_table(
        "outcomes",
        ("outcome", "state", "signal", "from", "now", "to", "by", "owner"),
        [
            (
                one.goal.name, str(one.state), one.goal.signal, f"{one.goal.baseline:g}",
                f"{r['value']:.4g}" if r["value"] is not None else "unknown", f"{one.goal.target:g}",
                str(one.goal.horizon), one.goal.owner,
            )
            for one, r in zip(pursued, readings, strict=True)
        ],
    )  # fmt: skip
    for one, r in zip(pursued, readings, strict=True):
        if r["because"]:
            click.echo(f"{one.goal.name}: {r['because']}")


@command.command("add")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Only say whether the file may be used.")
@config_option
@json_option
def add(file: Path, config: Path, *, check: bool, as_json: bool) -> None:
    """Declare the outcome in a file, as a draft; a draft of that name is replaced."""
    from config import goal_file
    from daemon.clock import SystemClock
    from daemon.commands.who import human
    from daemon.goals import Goals
    from daemon.ledger.goals import LedgerGoals

    clock, text = SystemClock(), goal_file.text_in(file)
    goal = goal_file.read(text, str(file), clock.now(), settings_of(config))
    if check:
        if as_json:
            print_json({"file": str(file), "outcome": goal.name, "ok": True})
        else:
            click.echo(f"{file}: outcome {goal.name} may be added")
        return
    with ledger_of(config) as ledger:
        pursued = Goals(ledger=LedgerGoals(ledger.database), clock=clock).declare(goal, text, human())
    words = f"outcome {goal.name} is a draft; `trackwalker outcomes activate {goal.name}` makes it active"
    _said(pursued, words, as_json=as_json)


@command.command("activate")
@click.argument("name")
@config_option
@json_option
def activate(name: str, config: Path, *, as_json: bool) -> None:
    """Make it active. It is refused where it cannot be measured, is met already, or breaks a limit."""
    from daemon.build import sources_of
    from daemon.clock import SystemClock
    from daemon.commands.who import human
    from daemon.goals import Gauge, Goals
    from daemon.ledger.goals import LedgerGoals

    settings, clock = settings_of(config), SystemClock()
    gauge = Gauge(settings=settings, clock=clock, sources=sources_of(settings, clock))
    with ledger_of(config) as ledger:
        pursued, fresh = Goals(ledger=LedgerGoals(ledger.database), clock=clock).activate(name, gauge, human())
    said = pursued.steps[-1].because if fresh else "it was already, and nothing changed"
    _said(pursued, f"outcome {name} is active: {said}", as_json=as_json)


@command.command("abandon")
@click.argument("name")
@click.option("--reason", required=True, help="Why; it is kept.")
@config_option
@json_option
def abandon(name: str, reason: str, config: Path, *, as_json: bool) -> None:
    """Give it up. It stays in the list, and is not begun again."""
    from daemon.clock import SystemClock
    from daemon.commands.who import human
    from daemon.goals import Goals
    from daemon.ledger.goals import LedgerGoals

    if not reason.strip():
        raise click.UsageError("--reason is empty: write why it is given up")
    with ledger_of(config) as ledger:
        pursued, fresh = Goals(ledger=LedgerGoals(ledger.database), clock=SystemClock()).abandon(name, human(), reason)
    words = f"outcome {name} is abandoned" + ("" if fresh else " since before: nothing changed")
    _said(pursued, words, as_json=as_json)


@command.command("schema")
def schema() -> None:
    """Print the JSON Schema of such a file, for editors."""
    from config import schema as schemas

    click.echo(schemas.goal_text(), nl=False)


def _reading(found: "Reading") -> dict[str, Any]:
    return {"value": found.value, "because": found.because}


def document(one: "Pursued") -> dict[str, Any]:
    """An outcome as JSON has it."""
    from cases.moments import iso

    return {
        "outcome": one.goal.name,
        "state": str(one.state),
        "signal": one.goal.signal,
        "baseline": one.goal.baseline,
        "target": one.goal.target,
        "horizon": one.goal.horizon.isoformat(),
        "owner": one.goal.owner,
        "backup": one.goal.backup,
        "portfolio": one.portfolio or None,
        "steps": [{"to": str(s.to), "at": iso(s.at), "by": s.by, "because": s.because} for s in one.steps],
    }


def _said(one: "Pursued", words: str, *, as_json: bool) -> None:
    if as_json:
        print_json(document(one))
    else:
        click.echo(words)
