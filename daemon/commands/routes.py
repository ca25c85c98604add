"""`trackwalker routes [test LABEL=VALUE...]`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.options import config_option, json_option, print_json, settings_of

if TYPE_CHECKING:
    from config.settings import RouteSettings


@click.group("routes", invoke_without_command=True)
@config_option
@click.pass_context
def command(context: click.Context, config: Path) -> None:
    """Show which receiver hears of what."""
    if context.invoked_subcommand is None:
        settings = settings_of(config)
        for line in _tree(settings.alerts.routes, 0):
            click.echo(line)
        click.echo("whatever no route matches: every receiver, at once")


@command.command("test")
@click.argument("labels", metavar="LABEL=VALUE...", nargs=-1)
@config_option
@json_option
def test(labels: tuple[str, ...], config: Path, *, as_json: bool) -> None:
    """Say which receivers a notice with these labels would go to, by which route.

    Labels are severity (page, ticket, note), service, kind, urgency (hour, day, week) and case.
    """
    from config import duration
    from config.routes import LABELS
    from daemon.alerts.kinds import KINDS
    from daemon.alerts.routing import hops, receivers_on

    settings = settings_of(config)
    given: dict[str, str] = dict.fromkeys(LABELS, "")
    for said in labels:
        name, sign, value = said.partition("=")
        if not sign or name not in LABELS:
            raise click.UsageError(f"{said} is no label: write one of {', '.join(LABELS)}, =, and its value")
        if name == "kind" and value not in KINDS:
            raise click.UsageError(f"there is no kind {value}: known here: {', '.join(KINDS)}")
        given[name] = value
    ways = [
        {
            "route": hop.path or "(none: the top)",
            "receivers": list(receivers_on(hop, settings)),
            "group_by": list(hop.group_by) if hop.path else None,
            "group_wait": duration.format(hop.wait) if hop.path else None,
            "group_interval": duration.format(hop.interval) if hop.path else None,
            "repeat_interval": duration.format(hop.repeat),
        }
        for hop in hops(settings, given)
    ]
    if as_json:
        print_json({"labels": given, "ways": ways})
        return
    for way in ways:
        click.echo(f"{', '.join(way['receivers'] or ())}  by {way['route']}")


def _tree(routes: "Sequence[RouteSettings]", depth: int) -> Iterator[str]:
    for route in routes:
        matchers = ", ".join(map(str, route.matchers)) or "everything"
        more = ", and on" if route.continue_ else ""
        yield f"{'  ' * depth}{matchers} → {route.receiver or 'as above'}{more}"
        yield from _tree(route.routes, depth + 1)
