"""Options that several commands share, and the two ways of printing."""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from config.settings import Settings
    from daemon.ledger.ledger import Ledger

F = TypeVar("F", bound=Callable[..., Any])
DEFAULT = "trackwalker.yaml"


def config_option(function: F) -> F:
    """`--config F`."""
    return click.option(
        "--config",
        "config",
        default=DEFAULT,
        show_default=True,
        envvar="TRACKWALKER_CONFIG",
        type=click.Path(path_type=Path),
        help="The configuration file; TRACKWALKER_CONFIG names it too.",
    )(function)


def json_option(function: F) -> F:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(function)


def group_with(name: str, said: str) -> Callable[[click.Command], click.Group]:
    """A group of commands around one that takes `--config` and `--json`: it does that one without a word more."""

    def around(first: click.Command) -> click.Group:
        @click.group(name, help=said, invoke_without_command=True)
        @config_option
        @json_option
        @click.pass_context
        def group(context: click.Context, config: Path, *, as_json: bool) -> None:
            if context.invoked_subcommand is None:
                context.invoke(first, config=config, as_json=as_json)

        group.add_command(first)
        return group

    return around


def settings_of(config: Path) -> "Settings":
    """Load the configuration, or raise ConfigError."""
    from config.load import load

    return load(config)


@contextmanager
def ledger_of(config: Path) -> Generator["Ledger"]:
    """Open the configuration's ledger. What a command writes is anchored where daemons have run before."""
    from daemon.keeping.place import advice_for, home_of
    from daemon.ledger.anchor import NAME
    from daemon.ledger.ledger import open_ledger

    settings = settings_of(config)
    with open_ledger(
        settings.store,
        password=settings.store_secret,
        advice=advice_for(settings, config),
        vectors=settings.lessons.vectors,
    ) as ledger:
        home = home_of(settings)
        if home.is_dir():
            ledger.audit.anchor(home / NAME)
        yield ledger


def print_json(document: object) -> None:
    """One document on standard output."""
    click.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table that fits the terminal; outside text is shown as it is, never as markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)
