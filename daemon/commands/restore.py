"""`trackwalker restore FILE`."""

from pathlib import Path

import click

from daemon.commands.options import config_option, json_option, ledger_of, print_json, settings_of


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE")
@click.option("--aside", is_flag=True, help="First move the SQLite store that is there to another name.")
@config_option
@json_option
def command(file: Path, config: Path, *, aside: bool, as_json: bool) -> None:
    """Put a backup into the store of the configuration, which must be empty or not there; of either kind.

    So it is also the way from SQLite to PostgreSQL, and back. Daemons of that store must not run meanwhile.
    """
    from cases.errors import PermanentError
    from daemon.clock import SystemClock
    from daemon.commands.who import human
    from daemon.keeping.copies import looked_into, stamp
    from daemon.keeping.place import anchored, anchors_set_back, file_of, home_of, nobody_in
    from daemon.keeping.restore import put_aside, restored

    settings = settings_of(config)
    home = home_of(settings)
    contents = looked_into(file)  # before anything is moved
    nobody_in(home, settings.store)
    now = SystemClock().now()
    moved = None
    if aside:
        store = file_of(settings)
        if store is None:
            raise PermanentError("--aside moves a SQLite file; make a new database on the server, and name that one")
        if store.resolve() == file.resolve():
            raise PermanentError(f"{file} is the store itself; name a backup of it")
        moved = put_aside(store, now)
    with ledger_of(config) as ledger:
        done = restored(file, ledger, human(), home)
        set_back = anchors_set_back(home, contents.audit_seq, f"before-{now:%Y%m%dT%H%M%SZ}")
        anchored(home, ledger, done.seq)
    if as_json:
        document = done.document()
        print_json({**document, "aside": str(moved) if moved else None, "anchors": [str(path) for path in set_back]})
        return
    if moved:
        click.echo(f"the store that was there is {moved} now")
    taken = f"taken at {stamp(contents.taken)}" if contents.taken else "which is no backup, but a store"
    click.echo(f"restored {file}, {taken}: {contents.open_cases} open and {contents.closed_cases} closed cases")
    click.echo(f"the audit goes on from its line {contents.audit_seq} with line {done.seq}, which says so")
    for path in set_back:
        click.echo(f"{path} knew of lines that the backup has not; they are kept beside it")
