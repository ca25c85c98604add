"""`trackwalker decide FILE`."""

import sys
from pathlib import Path
from typing import Any, BinaryIO

import click

from daemon.commands.options import config_option, json_option, print_json


@click.command("decide")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.File("rb"))
@config_option
@json_option
def command(files: tuple[BinaryIO, ...], config: Path, *, as_json: bool) -> None:
    """Take decisions from JSON documents, one a file; `-` is standard input.

    Each is {"decision": "approve", "reject" or "acknowledge", "gate": ID, "reason": TEXT}. The same one twice changes
    nothing. Status 1 when one is refused.
    """
    from daemon.commands.deciding import decisions_of, document_of
    from daemon.commands.who import human
    from daemon.decisions import LONGEST, Refused, parsed
    from daemon.exits import DONE, FOUND

    said: list[dict[str, Any]] = []
    with decisions_of(config) as decisions:
        for file in files:
            try:
                said.append(document_of(decisions.take(parsed(file.read(LONGEST + 1), by=human()))))
            except Refused as refused:
                said.append({"taken": False, "said": str(refused)})
    if as_json:
        print_json({"ok": all(one["taken"] for one in said), "decisions": said})
    else:
        for one in said:
            click.echo(one["said"] if one["taken"] else f"refused: {one['said']}")
    sys.exit(DONE if all(one["taken"] for one in said) else FOUND)
