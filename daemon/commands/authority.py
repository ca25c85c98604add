"""`trackwalker authority [show | review | report CASE]`."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
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
    from daemon.authority import Trust
    from daemon.ledger.ledger import Ledger


@group_with("authority", "What may be done unasked, and what that rests on. Without a word more: `show`.")
@click.command("show")
@config_option
@json_option
def command(config: Path, *, as_json: bool) -> None:
    """Every area with an outcome: what was given, what is in force, what the outcomes support."""
    from config.overlaps import overlaps
    from daemon.scope_review import standings_document

    with _open(config) as it:
        if as_json:
            print_json(standings_document(it.trust))
            return
        grants, standings = it.trust.grants(), it.trust.every()
        settings = it.trust.settings
    click.echo(f"by default: {settings.authority.default}; grants: {settings.authority.file or 'no file'}")
    if grants.broken:
        click.echo(f"the file of grants cannot be used, so everything is only observed: {grants.broken}")
    if standings:
        columns = ("area", "in force", "outcomes support", "why", "missing for more")
        rows = [(str(s.area), s.level.word, s.earned.word, s.because[0], s.wanting) for s in standings]
        print_table("authority", columns, rows)
    else:
        click.echo("no change of ours was proposed yet, so nothing was earned or lost")
    for overlap in overlaps(settings):
        click.echo(f"look at: {overlap}")


@command.command("review")
@config_option
@json_option
def review(config: Path, *, as_json: bool) -> None:
    """The weekly review now: each area with its outcomes, and what could be given. It changes nothing."""
    from daemon.scope_review import review

    with _open(config) as it:
        seen = review(it.trust, it.ledger.trust.marks(), it.ledger.clock.now())
    if as_json:
        print_json(seen.document())
    else:
        click.echo(seen.text())


@command.command("report")
@click.argument("case_id", metavar="CASE")
@click.option("--change", default=1, show_default=True, type=click.IntRange(min=1), help="Which change of the case.")
@click.option("--reason", required=True, help="What it did: an incident, a security hole, lost data.")
@config_option
def report(case_id: str, change: int, reason: str, config: Path) -> None:
    """Say that a merged change had a severe outcome: its area falls to `propose` at once."""
    from cases.errors import PermanentError
    from cases.events import Entry, Noted
    from daemon.commands.who import human

    with ledger_of(config) as ledger:
        case = ledger.cases.load(case_id)
        entry = Entry(at=ledger.clock.now(), actor=human(), event=Noted(facts=()))
        if not ledger.trust.report(case, change, entry, reason):
            raise PermanentError(f"change {change} of case {case_id} was not merged, so it can have done nothing")
    click.echo(f"change {change} of case {case_id} is marked as severe; `trackwalker authority show` has what follows")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opened:
    ledger: "Ledger"
    trust: "Trust"


@contextmanager
def _open(config: Path) -> Generator[_Opened]:
    """The ledger, and the authority of a daemon with this configuration. The forge is only reached for a file."""
    from tempfile import TemporaryDirectory

    from daemon.authority import trust_of
    from daemon.build import forge_of
    from daemon.home import Home

    settings = settings_of(config)
    with ledger_of(config) as ledger, TemporaryDirectory(prefix="trackwalker-") as folder:
        forge = forge_of(settings, Home(folder=Path(folder), name="authority"))
        try:
            yield _Opened(ledger=ledger, trust=trust_of(settings, forge, ledger, ledger.clock))
        finally:
            close = getattr(forge, "close", None)
            if close is not None:
                close()
