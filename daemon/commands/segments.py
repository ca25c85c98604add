"""`trackwalker segments [list | show NAME | like NAME]`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.options import config_option, group_with, json_option, print_json, print_table, settings_of

if TYPE_CHECKING:
    from cases.card import Card


@group_with("segments", "Groups of users, as their cards tell. Without a word more: the list.")
@click.command("list")
@config_option
@json_option
def command(config: Path, *, as_json: bool) -> None:
    """Every card."""
    cards = _cards(config)
    if as_json:
        print_json({"segments": [asdict(card) for card in cards]})
    elif not cards:
        click.echo("no segments yet: write cards under `segments` (docs/segments.md)")
    else:
        rows = [
            (card.name, "; ".join(f"{prop}={','.join(values)}" for prop, values in card.users.items()),
             card.profile[:80], "; ".join(card.pains)[:80])
            for card in cards
        ]  # fmt: skip
        print_table("segments", ("segment", "users", "profile", "pains"), rows)


@command.command("show")
@click.argument("name")
@config_option
@json_option
def show(name: str, config: Path, *, as_json: bool) -> None:
    """One card, with all that is written on it."""
    from daemon.segments import named

    card = named(_cards(config), name)
    if as_json:
        print_json(asdict(card))
        return
    lines = [f"segment {card.name}", f"  profile     {card.profile}"]
    lines += [f"  users       {prop}: {', '.join(values)}" for prop, values in card.users.items()]
    lines += [f"  pain        {pain}" for pain in card.pains]
    lines += [f"  benchmark   {signal}: {value:g}" for signal, value in card.benchmarks.items()]
    lines += [f"  channel     {channel}" for channel in card.channels]
    lines += [f"  price band  {band}" for band in card.price_bands]
    click.echo("\n".join(lines))


@command.command("like")
@click.argument("name")
@config_option
@json_option
def like(name: str, config: Path, *, as_json: bool) -> None:
    """The other cards, the most alike first, and what makes them so."""
    from daemon.segments import named
    from remediation.experiments.kindred import KINDRED
    from remediation.experiments.kindred import like as near

    cards = _cards(config)
    found = near(named(cards, name), cards)
    if as_json:
        rows = [
            {
                "name": one.card.name,
                "score": round(one.alike.score, 6),
                "kindred": one.alike.score >= KINDRED,
                "fields": {field: round(value, 6) for field, value in one.alike.fields.items()},
            }
            for one in found
        ]
        print_json({"segment": name, "kindred_from": KINDRED, "like": rows})
        return
    table = [
        (
            one.card.name,
            f"{one.alike.score:.2f}",
            "yes" if one.alike.score >= KINDRED else "no",
            ", ".join(f"{field} {value:.2f}" for field, value in one.alike.fields.items() if value > 0) or "nothing",
        )
        for one in found
    ]
    print_table(f"segments like {name}", ("segment", "alike", "kindred", "by"), table)


def _cards(config: Path) -> "tuple[Card, ...]":
    from daemon.clock import SystemClock
    from daemon.segments import cards_of

    return cards_of(settings_of(config), SystemClock())
