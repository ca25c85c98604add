"""How a human's decision is taken at the command line: in their login's name, by the one way that there is."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from daemon.commands.options import ledger_of, print_json, settings_of

if TYPE_CHECKING:
    from daemon.decisions import Decided, Decisions


@contextmanager
def decisions_of(config: Path) -> "Generator[Decisions]":
    """What takes decisions for the configuration's ledger."""
    from daemon.alerts.addresses import receivers_of
    from daemon.clock import SystemClock
    from daemon.decisions import Decisions

    settings = settings_of(config)
    with ledger_of(config) as ledger:
        yield Decisions(ledger=ledger, settings=settings, clock=SystemClock(), receivers=receivers_of(settings))


def decide(config: Path, named: str, verdict: str, reason: str, *, as_json: bool) -> None:
    """Take one decision, and print what it came to. Raises PermanentError with the reason when it is refused."""
    from daemon.commands.who import human
    from daemon.decisions import Decision, Verdict

    with decisions_of(config) as decisions:
        decided = decisions.take(Decision(of=named, verdict=Verdict(verdict), by=human(), reason=reason))
    if as_json:
        print_json(document_of(decided))
    else:
        click.echo(decided.said)


def document_of(decided: "Decided") -> dict[str, Any]:
    """What a decision came to, for programs."""
    return {
        "taken": True,
        "decision": str(decided.verdict),
        "gate": decided.of,
        "case": decided.case,
        "repeated": decided.repeated,
        "said": decided.said,
    }
