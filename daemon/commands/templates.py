"""`trackwalker templates FILE.log|- [--ids | --json]`."""

from typing import TYPE_CHECKING

import click

from daemon.commands.options import json_option, print_json

if TYPE_CHECKING:
    from detectors.templates.mine import Miner


@click.command("templates")
@click.argument("file", metavar="FILE.log|-")
@click.option("--ids", is_flag=True, help="Print one template id a line of the log, in order.")
@json_option
def command(file: str, *, ids: bool, as_json: bool) -> None:
    """Find what the lines of a log have in common.

    Prints how often each template was seen, its id and its text, the most frequent first; `<*>` stands for a value.
    `-` is standard input. A line of a stack trace has the id of the line that it belongs to. Whatever the file holds,
    the same file gives the same ids; a pipe does too, as long as it does not fall silent for a second.
    """
    import os
    import sys

    from cases.errors import PermanentError
    from daemon.log_blocks import blocks
    from detectors.templates.mine import Miner

    if ids and as_json:
        raise click.UsageError("--ids and --json exclude each other")
    try:
        source = sys.stdin.fileno() if file == "-" else os.open(file, os.O_RDONLY)
        miner, lines = Miner(), 0
        for block in blocks(source):
            found = miner.feed(block)
            lines += len(found)
            if ids:
                sys.stdout.write("\n".join(map(str, found.tolist())) + "\n")
                sys.stdout.flush()
    except OSError as error:
        raise PermanentError(f"{file}: {error.strerror or error}") from None
    if as_json:
        print_json(_document(miner, lines))
    elif not ids:
        _print_table(miner, lines)


def _document(miner: "Miner", lines: int) -> dict[str, object]:
    return {
        "lines": lines,
        "forgotten": miner.forgotten,
        "templates": [
            {"id": one.id, "template": one.text, "count": one.count, "level": str(one.level), "sample": one.sample}
            for one in miner.templates()
        ],
    }


def _print_table(miner: "Miner", lines: int) -> None:
    templates = miner.templates()
    wide = len(str(max((one.count for one in templates), default=0)))
    text = [f"{'count':>{max(wide, 5)}}  {'id':>5}  template"]
    text += [f"{one.count:>{max(wide, 5)}}  {one.id:>5}  {one.text}" for one in templates]
    more = f", {miner.forgotten} forgotten" if miner.forgotten else ""
    click.echo("\n".join([*text, "", f"{lines} lines, {len(templates)} templates{more}"]))
