"""`trackwalker override ID (--force | --drop | --noise) --reason TEXT`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.options import config_option

if TYPE_CHECKING:
    from cases.case import Case
    from config.settings import Settings
    from daemon.ledger.ledger import Ledger


@click.command("override")
@click.argument("case_id", metavar="ID")
@click.option("--force", "how", flag_value="force", help="Pass the gate and the limits on new pull requests.")
@click.option("--drop", "how", flag_value="drop", help="Close the case with a remembered no.")
@click.option(
    "--noise", "how", flag_value="noise", help="Close it as a false alarm: the series must be further out then."
)
@click.option("--reason", required=True, help="Why; it is kept, and the next case of its kind reads it.")
@config_option
def command(case_id: str, how: str | None, reason: str, config: Path) -> None:
    """Force what a case waits for, or drop the case.

    Force passes gates and limits. It passes no refusal of the policy, no failed trial, and grants no authority. Noise
    asks more of the very series of the case from now on, and half as much more after each four weeks.
    """
    from daemon.commands.options import ledger_of, settings_of

    if how is None:
        raise click.UsageError("say --force, --drop or --noise")
    with ledger_of(config) as ledger:
        case = ledger.cases.load(case_id)
        if how == "force":
            _force(ledger, case, reason, settings_of(config))
            click.echo(f"case {case_id} passes its gate and the limits on new pull requests")
        else:
            _drop(ledger, case, reason, how)
            more = "its series must be further out from now on" if how == "noise" else "the no is remembered"
            click.echo(f"case {case_id} is closed; {more}")


def _force(ledger: "Ledger", case: "Case", reason: str, settings: "Settings") -> None:
    from cases.case import Hold, Phase
    from cases.errors import PermanentError
    from cases.events import Entry, Overridden, Override
    from daemon.clock import SystemClock
    from daemon.commands.who import human
    from remediation.policy import refusals

    if case.hold is Hold.FROZEN:
        raise PermanentError(f"case {case.id} is frozen: `trackwalker cases retry {case.id}` lets it go on")
    if case.phase not in {Phase.DRAFTED, Phase.PROVED}:
        said = f": {case.escalation}" if case.escalation else ""
        raise PermanentError(
            f"case {case.id} is {case.phase}{said}. What can be forced is a change that waits to be proposed; a "
            "refusal of the policy, a failed trial and a lack of authority cannot"
        )
    if case.phase is Phase.PROVED and case.trial is not None:
        reasons = refusals(case, case.change, case.trial, settings)
        if reasons:
            raise PermanentError(f"policy refuses the change, and that cannot be forced: {'; '.join(reasons)}")
    now = SystemClock().now()
    event = Overridden(how=Override.FORCE, text=reason)
    ledger.cases.add(case.id, Entry(at=now, actor=human(), event=event), (), now)


def _drop(ledger: "Ledger", case: "Case", reason: str, how: str) -> None:
    from cases.errors import IllegalStep, PermanentError
    from cases.events import Closed, Entry, Overridden, Override
    from daemon.clock import SystemClock
    from daemon.commands.who import human
    from remediation.back_to_draft import taken_back
    from remediation.learn import dismissal

    now, who = SystemClock().now(), human()
    promised = ledger.outbox.pending(case.id)
    outcome, lesson = dismissal(case, reason, now)
    try:
        event = Overridden(how=Override(how), text=reason)
        ledger.cases.add(case.id, Entry(at=now, actor=who, event=event), (), None)
        closed = Closed(outcome=outcome, lesson=lesson)
        # Whoever works on it is fenced by this, so nothing is promised after it but what it promises itself.
        ledger.cases.add(case.id, Entry(at=now, actor=who, event=closed), taken_back(case, reason), now)
    except IllegalStep:
        raise PermanentError(f"case {case.id} is {case.phase}: there is nothing to drop") from None
    for intent in promised:
        ledger.outbox.drop(intent.effect.key, f"the case was dropped: {reason}")
