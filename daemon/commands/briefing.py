"""`trackwalker briefing [dismiss ID]`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.commands.options import config_option, json_option, ledger_of, print_json, settings_of

if TYPE_CHECKING:
    from daemon.opportunities import Opportunity


@click.group("briefing", invoke_without_command=True)
@config_option
@json_option
@click.pass_context
def command(context: click.Context, config: Path, *, as_json: bool) -> None:
    """What waits for a human, what was done in a day and what came of it; and opportunities, a few a week."""
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
    from daemon.clock import SystemClock
    from daemon.opportunities import Opportunities
    from daemon.reports.briefing import briefing_of
    from daemon.shipped import document, kept

    settings, now = settings_of(config), SystemClock().now()
    with ledger_of(config) as ledger:
        everyone = Opportunities(checkpoints=ledger.checkpoints).all()
        _, moved = kept(ledger.checkpoints)
        active = len(ledger.cases.active())
        briefing = briefing_of(ledger, settings, now)
    if not as_json:
        click.echo(briefing.text)
        if any(one.ended is None and one.shown is not None for one in everyone):
            click.echo("\n`trackwalker briefing dismiss ID` puts an opportunity away")
        return
    print_json({
        "active_cases": active,
        "sections": [{"title": one.title, "lines": list(one.lines)} for one in briefing.sections],
        "opportunities": [_document(one) for one in everyone if one.ended is None and one.shown is not None],
        "waiting": sum(1 for one in everyone if one.ended is None and one.shown is None),
        "over": [_document(one) for one in everyone if one.ended is not None],
        "shipped": [document(one) for one in moved],
    })  # fmt: skip


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
        "case": one.case or None,
    }
