"""`trackwalker cases [list | show ID | why ID | freeze ID | retry ID]`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.options import config_option, group_with, json_option, ledger_of, print_json, print_table

if TYPE_CHECKING:
    from cases.case import Case


@group_with("cases", "State and full reasons. Without a word more: the list.")
@click.command("list")
@config_option
@json_option
def command(config: Path, *, as_json: bool) -> None:
    """The newest cases."""
    from cases.moments import iso
    from daemon.keeping.removal import removed_cases
    from daemon.report import case_document

    with ledger_of(config) as ledger:
        cases = ledger.cases.listed()
        removed = removed_cases(ledger)
    if as_json:
        print_json([case_document(case) for case in cases])
        return
    if not cases and not removed:
        click.echo("no cases: nothing left its expected range so far")
    if cases:
        print_table("cases", ("id", "service", "phase", "hold", "opened", "what"), [_row(case) for case in cases])
    for case in removed:
        click.echo(f"case {case.id} of {case.service} is {case.phase}; its history was removed on {iso(case.removed)}")


@command.command("show")
@click.argument("case_id", metavar="ID")
@config_option
@json_option
def show(case_id: str, config: Path, *, as_json: bool) -> None:
    """One case: evidence, suspects, change, trial, judgement."""
    from daemon.report import case_document, case_text

    with ledger_of(config) as ledger:
        case = ledger.cases.load(case_id)
    if as_json:
        print_json(case_document(case))
    else:
        click.echo(case_text(case))


@command.command("why")
@click.argument("case_id", metavar="ID")
@config_option
@json_option
def why(case_id: str, config: Path, *, as_json: bool) -> None:
    """Every event of a case in order, with who did it and why."""
    from daemon.report import history_rows

    with ledger_of(config) as ledger:
        rows = history_rows(ledger.cases.load(case_id))
    if as_json:
        print_json([{"at": at, "actor": actor, "what": what, "why": because} for at, actor, what, because in rows])
    else:
        print_table(f"case {case_id}", ("at", "who", "what", "why"), rows)


@command.command("freeze")
@click.argument("case_id", metavar="ID")
@click.option("--reason", default="frozen at the command line")
@config_option
def freeze(case_id: str, reason: str, config: Path) -> None:
    """Stop one case where it is."""
    from cases.events import Frozen
    from daemon.commands.speak import speak

    speak(config, case_id, [Frozen(reason=reason)])
    click.echo(f"case {case_id} is frozen; `trackwalker cases retry {case_id}` lets it go on")


@command.command("retry")
@click.argument("case_id", metavar="ID")
@config_option
def retry(case_id: str, config: Path) -> None:
    """Let a frozen case go on, or try an escalated one from the start."""
    from cases.case import Hold
    from cases.events import Retried, Thawed
    from daemon.commands.speak import speak

    with ledger_of(config) as ledger:
        case = ledger.cases.load(case_id)
    because = "asked for at the command line"
    event = Thawed(because=because) if case.hold is Hold.FROZEN else Retried(because=because)
    after = speak(config, case_id, [event])
    click.echo(f"case {case_id} goes on from {after.phase}")


def _row(case: "Case") -> tuple[str, ...]:
    from cases.moments import iso

    what = case.outcome.ending if case.outcome else case.changes[-1].title if case.changes else case.anomaly.signal.name
    return (case.id, case.service, case.phase, "" if case.hold == "none" else case.hold, iso(case.opened), what)
