"""The command line: a thin door. Each command imports what it needs when it is called, so that `--help` is quick."""

import importlib
import sys
from typing import Any

import click

from cases.errors import TrackwalkerError

# command → (module, one line of help). The module is imported only when the command is run or asked for its help.
COMMANDS = {
    "init": ("daemon.commands.init", "Write a short commented trackwalker.yaml."),
    "discover": ("daemon.commands.discover", "Propose a config from what Prometheus and the forge have."),
    "check": ("daemon.commands.check", "Validate the config and reach every system it names, without writing."),
    "config": ("daemon.commands.config", "Print the file's JSON Schema, or its reference page."),
    "run": ("daemon.commands.run", "Run the daemon."),
    "demo": ("daemon.commands.demo", "Play the whole story on this machine."),
    "cases": ("daemon.commands.cases", "List cases, show one, and say why."),
    "approve": ("daemon.commands.approve", "Let a gated case go on."),
    "reject": ("daemon.commands.reject", "Close a gated case with a no."),
    "decide": ("daemon.commands.decide", "Take decisions from JSON documents."),
    "escalations": ("daemon.commands.escalations", "List what waits for a human, and acknowledge it."),
    "routes": ("daemon.commands.routes", "Show the routes, or which receivers a notice would go to."),
    "override": ("daemon.commands.override", "Force what a case waits for, or drop the case."),
    "guide": ("daemon.commands.guide", "Give a case a human's text."),
    "pause": ("daemon.commands.pause", "Stop every write to repositories, models and sandboxes."),
    "resume": ("daemon.commands.resume", "Go on after a pause."),
    "briefing": ("daemon.commands.briefing", "Say what waits, what was done, and what could be better."),
    "report": ("daemon.commands.report", "Say how fast trouble is seen and mended, and what a case costs."),
    "shipped": ("daemon.commands.shipped", "Say which of the last deploys moved which metric."),
    "outcomes": ("daemon.commands.outcomes", "Metrics that somebody wants to move: declare, begin, list."),
    "experiments": ("daemon.commands.experiments", "What is tried for outcomes: list, show, stop, ask for more."),
    "segments": ("daemon.commands.segments", "Cards of groups of users: list, show, find those alike."),
    "lessons": ("daemon.commands.lessons", "What was learnt: list, search, compare, export, import."),
    "authority": ("daemon.commands.authority", "What may be done unasked, and what that rests on."),
    "score": ("daemon.commands.score", "Score readings from standard input, one a line."),
    "templates": ("daemon.commands.templates", "Find what the lines of a log have in common."),
    "backtest": ("daemon.commands.backtest", "Say what would have fired."),
    "judge": ("daemon.commands.judge", "Say what a deploy did to a series, or to many."),
    "rank": ("daemon.commands.rank", "Rank the suspects of an incident that lies in a folder."),
    "replay": ("daemon.commands.replay", "Render a case and its pull request from history, without an outward write."),
    "backup": ("daemon.commands.backup", "Copy the store, while daemons run, into one file."),
    "restore": ("daemon.commands.restore", "Put a backup into an empty store, of either kind."),
    "purge": ("daemon.commands.purge", "Remove what is old, or what must not be kept."),
    "audit": ("daemon.commands.audit", "Verify who did what and why, or export it."),
    "spend": ("daemon.commands.spend", "Say what language models have cost."),
    "forge": ("daemon.commands.forge", "Serve bare repositories with a GitHub-shaped API."),
    "image": ("daemon.commands.image", "Build the sandbox's base image from this host's own files."),
}


class Lazy(click.Group):
    """A group whose commands live in modules of their own, imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, which is the order of a first hour."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command's module."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: Any = importlib.import_module(COMMANDS[cmd_name][0]).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{COMMANDS[cmd_name][0]}.command is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table's own lines, without importing anything."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="trackwalker")
def trackwalker() -> None:
    """Finds what is about to break, and sends a proved piece of mending for a human to sign off."""


def main() -> None:
    """Run the command; an error on purpose is one clear message, with the contract's exit status."""
    from daemon.exits import status_of

    try:
        trackwalker(standalone_mode=True)
    except TrackwalkerError as error:
        click.echo(f"trackwalker: {error}", err=True)
        sys.exit(status_of(error))
