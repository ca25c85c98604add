"""`trackwalker briefing [dismiss ID]`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.commands.options import config_option, json_option, ledger_of, print_json, print_table

if TYPE_CHECKING:
    from daemon.opportunities import Opportunity


@click.group("briefing", invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def command(context: click.Context, config: Path, *, as_json: bool) -> None:
    """What needs nobody tonight: opportunities, a few a week, that no alert was ever sent for."""
    if context.invoked_subcommand is None:
        _brief(config, as_json=as_json)


@command.command("dismiss")
@click.argument("name", metavar="ID")
@click.option("--reason", default="dismissed at the command line", help="Why; it is kept and shown.")
@config_option
def dismiss(name: str, reason: str, config: Path) -> None:
    """Put an opportunity away. It does not come back while it is there."""
    from daemon.clock import SystemClock
    from daemon.commands.who import human
    from daemon.ledger.audit import AuditEntry
    from daemon.opportunities import Opportunities

    now = SystemClock().now()
    with ledger_of(config) as ledger:
        Opportunities(checkpoints=ledger.checkpoints).put_away(name, f"{human()}: {reason}", now)
        ledger.audit.append(
            AuditEntry(at=now, actor=human(), action="lever.dismissed", detail={"opportunity": name, "reason": reason})
        )
    click.echo(f"opportunity {name} is put away")


def _brief(config: Path, *, as_json: bool) -> None:
    from daemon.opportunities import Opportunities

    with ledger_of(config) as ledger:
        everyone = Opportunities(checkpoints=ledger.checkpoints).all()
        active = len(ledger.cases.active())
    shown = [one for one in everyone if one.ended is None and one.shown is not None]
    waiting = [one for one in everyone if one.ended is None and one.shown is None]
    over = [one for one in everyone if one.ended is not None]
    if as_json:
        print_json({
            "active_cases": active,
            "opportunities": [_document(one) for one in shown],
            "waiting": len(waiting),
            "over": [_document(one) for one in over],
        })  # fmt: skip
        return
    click.echo(f"{active} active cases" + (": `trackwalker cases` lists them" if active else ""))
    if not shown:
        click.echo("no opportunities: nothing got slowly worse or lay idle over the last weeks, as far as was looked")
        return
    print_table(
        f"opportunities: {len(shown)}, and {len(waiting)} that wait for their turn",
        ("id", "service", "signal", "what is to be seen", "since"),
        [(one.id, one.service, _named(one), f"it {one.text}", f"{one.shown:%Y-%m-%d}") for one in shown],
    )
    click.echo("`trackwalker briefing dismiss ID` puts one away")


def _named(one: "Opportunity") -> str:
    labels = ", ".join(f"{name}={value}" for name, value in sorted(one.labels.items()) if name != "__name__")
    return f"{one.signal} ({labels})" if labels else one.signal


def _document(one: "Opportunity") -> dict[str, Any]:
    from cases.moments import iso

    return {
        "id": one.id,
        "kind": one.kind,
        "service": one.service,
        "signal": one.signal,
        "labels": dict(one.labels),
        "text": one.text,
        "score": round(one.score, 3),
        "found": iso(one.found),
        "seen": iso(one.seen),
        "shown": iso(one.shown) if one.shown else None,
        "ended": iso(one.ended) if one.ended else None,
        "because": one.because,
    }
