"""`trackwalker audit [verify | export]`."""

import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from daemon.commands.options import config_option, json_option, ledger_of, print_json, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from config.settings import Settings
    from daemon.invariants.finding import Finding
    from daemon.invariants.ground import Ground
    from daemon.invariants.verify import Verified
    from daemon.ledger.ledger import Ledger


@click.group("audit")
def command() -> None:
    """Who did what, and why; and whether anybody changed that since."""


@command.command("verify")
@config_option
@json_option
@click.option("--anchor", "anchors", multiple=True, type=click.Path(path_type=Path), help="An anchor file; all known.")
@click.option("--offline", is_flag=True, help="Look at the ledger alone: not at the forge, nor at docker.")
@click.option("--export", "exported", type=click.Path(path_type=Path), help="Verify this export, and nothing else.")
def verify(config: Path, anchors: tuple[Path, ...], exported: Path | None, *, offline: bool, as_json: bool) -> None:
    """Check the chain of the audit, the rows that it tells of, and the invariants I1 to I8. Writes nothing.

    Exit status 1 when something is found, each on a line of its own; 3 when the forge or docker cannot be asked.
    """
    if exported is not None:
        _verify_export(exported, anchors, as_json=as_json)
        return
    from daemon.invariants.verify import verified

    settings = settings_of(config)
    with ledger_of(config) as ledger, _ground(settings, ledger, offline=offline) as ground:
        known = anchors or _known_anchors(settings)
        _print(verified(ground, known), len(known), as_json=as_json)


@command.command("export")
@config_option
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="From this moment on, in UTC.")
@click.option("--case", "case_id", metavar="ID", help="The lines of one case alone.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line: the one form there is.")
def export(config: Path, since: datetime | None, case_id: str | None, *, as_json: bool) -> None:
    """Print every line with its hash, one JSON object a line: `audit verify --export FILE` needs nothing else."""
    from daemon.invariants.export import exported
    from daemon.invariants.told import audit_lines

    del as_json
    with ledger_of(config) as ledger:
        lines = audit_lines(ledger.database)
    for line in exported(lines, since=since.replace(tzinfo=UTC) if since else None, case=case_id):
        click.echo(line)


@contextmanager
def _ground(settings: "Settings", ledger: "Ledger", *, offline: bool) -> "Generator[Ground]":
    from daemon.build import forge_of
    from daemon.home import at_home, store_folder
    from daemon.invariants.ground import Ground
    from daemon.invariants.told import told

    seen = told(ledger.database)
    if offline:
        yield Ground(told=seen, database=ledger.database, settings=settings)
        return
    with ExitStack() as stack:
        home = stack.enter_context(at_home(store_folder(settings.store), settings.home))
        forge = forge_of(settings, home)
        stack.callback(getattr(forge, "close", _nothing))
        yield Ground(
            told=seen,
            database=ledger.database,
            settings=settings,
            forge=forge,
            overdue=_containers(settings, home.name),
        )


def _nothing() -> None:
    """What is done to close what has nothing to close."""


def _containers(settings: "Settings", owner: str) -> "Callable[[], Sequence[str]] | None":
    if settings.sandbox.runtime == "process":
        return None
    from sandbox.docker import DockerSandbox

    return DockerSandbox(owner=owner).overdue


def _known_anchors(settings: "Settings") -> tuple[Path, ...]:
    """The anchors of the daemons of this machine, below where they keep their folders."""
    from daemon.home import store_folder
    from daemon.ledger.anchor import anchors_below

    below = Path(settings.home).expanduser() if settings.home else store_folder(settings.store) / ".trackwalker"
    return anchors_below([below])


def _verify_export(path: Path, anchors: tuple[Path, ...], *, as_json: bool) -> None:
    from cases.errors import PermanentError
    from daemon.invariants.export import verify_export
    from daemon.invariants.finding import AnchorSays
    from daemon.invariants.verify import Verified
    from daemon.ledger.anchor import anchors_in

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PermanentError(f"the export {path} cannot be read ({error})") from error
    says = [AnchorSays(file=str(anchor), anchored=anchors_in(anchor)) for anchor in anchors]
    lines, findings = verify_export(text, says)
    _print(Verified(lines=lines, anchored=0, findings=findings), len(says), as_json=as_json)


def _print(done: "Verified", anchors: int, *, as_json: bool) -> None:
    """Say what was found, and end with the status that says so."""
    from dataclasses import asdict

    from daemon.exits import DONE, FOUND, UNREACHABLE

    status = FOUND if done.findings else UNREACHABLE if done.unreached else DONE
    if as_json:
        print_json({"ok": status == DONE, "anchors": anchors, **asdict(done)})
    else:
        for finding in done.findings:
            click.echo(_sentence(finding))
        for reason in done.unreached:
            click.echo(f"not checked: {reason}", err=True)
        vouched = f"; {anchors} anchors vouch up to line {done.anchored}" if anchors else "; no anchor was there to ask"
        said = f"{len(done.findings)} findings" if done.findings else "nothing is wrong"
        click.echo(f"{done.lines} lines of the audit: {said}{vouched}")
    sys.exit(status)


def _sentence(finding: "Finding") -> str:
    return f"{finding.invariant}: {finding.row}: {finding.what}; {finding.advice}"
