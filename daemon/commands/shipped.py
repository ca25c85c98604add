"""`trackwalker shipped`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.options import config_option, json_option, ledger_of, print_json, print_table

if TYPE_CHECKING:
    from remediation.shipped import Moved


@click.command("shipped")
@config_option
@json_option
def command(config: Path, *, as_json: bool) -> None:
    """Say which of the last week's deploys moved which metric, the surest first, as of last night's look.

    Only deploys that carry no change of the daemon's own are in it: its own are judged in their cases. Nothing is
    rolled back for it.
    """
    from cases.moments import iso
    from daemon.shipped import document, kept

    with ledger_of(config) as ledger:
        at, moved = kept(ledger.checkpoints)
    if as_json:
        print_json({"at": iso(at) if at else None, "moved": [document(one) for one in moved]})
        return
    show(moved, looked=at is not None)


def show(moved: "list[Moved]", *, looked: bool) -> None:
    """The table, or why there is none."""
    from inference.words import odds, signed

    if not moved:
        nothing = "no deploy of the last week moved a watched metric, as far as can be told"
        click.echo(nothing if looked else "what was shipped was not looked at yet: that is done each night")
        return
    rows = [
        (
            one.service,
            one.commit[:10],
            f"{one.started:%Y-%m-%d %H:%M}",
            f"{one.signal}: {one.to}" + ("" if one.alone else ", or another deploy of that time did it"),
            f"{signed(one.effect)} ({signed(one.low)} to {signed(one.high)})",
            odds(one.evidence),
        )
        for one in moved
    ]
    print_table("what the last week's deploys moved", ("service", "commit", "deployed", "what", "by", "odds"), rows)
