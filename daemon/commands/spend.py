"""`trackwalker spend [--why CASE]`."""

from pathlib import Path
from typing import Any

import click

from daemon.commands.options import config_option, json_option, ledger_of, print_json, print_table, settings_of

KINDS = ("model", "purpose", "signal", "case")
MOST_ROWS = 10
"""Rows of each kind in the table; the dearest."""


@click.command("spend")
@click.option("--why", "case_id", metavar="CASE", help="Every call of one case.")
@config_option
@json_option
def command(case_id: str | None, config: Path, *, as_json: bool) -> None:
    """What language models have cost, in the last 24 hours and in all.

    Money that is set aside for a call whose cost nobody learnt counts in full.
    """
    if case_id is None:
        _all(config, as_json=as_json)
    else:
        _why(case_id, config, as_json=as_json)


def _all(config: Path, *, as_json: bool) -> None:
    from daemon.clock import SystemClock
    from daemon.reports.spending import spending

    budget = settings_of(config).budget
    with ledger_of(config) as ledger:
        document = spending(ledger.spend, budget, SystemClock().now())
    if as_json:
        print_json(document)
        return
    day, ever = document["last_24_hours"], document["in_all"]
    if not ever["calls"]:
        click.echo("nothing was spent: no language model was asked so far")
        return
    for title, part in (("last 24 hours", day), ("in all", ever)):
        rows = [_row(kind, one) for kind in KINDS for one in part[f"by_{kind}"][:MOST_ROWS]]
        print_table(
            f"{title}: {_usd(part['usd'])} in {part['calls']} calls",
            ("of", "calls", "USD", "set aside", "tokens in + out"),
            rows,
        )
    click.echo(f"budget: {_usd(budget.usd_per_day)} in 24 hours, {_usd(budget.usd_per_case)} a case")


def _why(case_id: str, config: Path, *, as_json: bool) -> None:
    from dataclasses import asdict

    from cases.moments import iso

    with ledger_of(config) as ledger:
        calls = ledger.spend.calls(case_id)
        if not calls:
            ledger.cases.load(case_id)  # says so when there is no such case
        origin = ledger.spend.origin(case_id)
    usd = sum(call.usd for call in calls)
    if as_json:
        listed = [{**asdict(call), "at": iso(call.at), "step": _step(call.purpose)} for call in calls]
        print_json({"case": case_id, **asdict(origin), "usd": usd, "calls": listed})
    elif calls:
        print_table(
            f"case {case_id} of {origin.signal}: {_usd(usd)} in {len(calls)} calls",
            ("at", "step", "model", "USD", "tokens in + out"),
            [
                (
                    iso(call.at),
                    _step(call.purpose),
                    call.model,
                    _usd(call.usd),
                    f"{call.input_tokens} + {call.output_tokens}" if call.settled else "not told; set aside",
                )
                for call in calls
            ],
        )
    else:
        click.echo(f"case {case_id}: no language model was asked")


def _step(purpose: str) -> str:
    """The step of the case that asked."""
    from cases.asking import STEPS

    return STEPS.get(purpose, purpose)


def _row(kind: str, total: dict[str, Any]) -> tuple[str, ...]:
    money = (_usd(total["usd"]), _usd(total["unsettled_usd"]))
    return (f"{kind} {total['of']}", str(total["calls"]), *money, f"{total['input_tokens']} + {total['output_tokens']}")


def _usd(usd: float) -> str:
    return f"${usd:.4f}"
