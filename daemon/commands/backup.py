"""`trackwalker backup [FILE]`."""

from pathlib import Path

import click

from daemon.commands.options import config_option, json_option, ledger_of, print_json, settings_of


@click.command("backup")
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False), metavar="[FILE]")
@click.option("--force", is_flag=True, help="Write over FILE if it is there.")
@config_option
@json_option
def command(file: Path | None, config: Path, *, force: bool, as_json: bool) -> None:
    """Copy the store, as it is at one moment, into one file that can be opened as a store itself.

    Daemons may run meanwhile. Without FILE the copy goes to `backup.folder`, and only the newest `backup.keep` stay.
    """
    from daemon.clock import SystemClock
    from daemon.keeping.backup import backed_up
    from daemon.keeping.copies import name_of, thinned
    from daemon.keeping.jobs import folder_of
    from daemon.keeping.place import home_of, must_exist

    settings = settings_of(config)
    taken = SystemClock().now()
    folder = folder_of(settings, home_of(settings))
    must_exist(settings)
    with ledger_of(config) as ledger:
        copy = backed_up(ledger, file or folder / name_of(taken), taken, force=force)
    gone = thinned(folder, settings.backup.keep) if file is None and settings.backup.keep else ()
    if as_json:
        print_json({**copy.document(), "removed": [str(path) for path in gone]})
        return
    click.echo(f"{copy.file}: {copy.open_cases} open and {copy.closed_cases} closed cases, {copy.size:,} bytes")
    click.echo(f"the audit's newest line in it is {copy.audit_seq}, with the hash {copy.audit_hash or '(none)'}")
    if gone:
        click.echo(f"removed, as backup.keep is {settings.backup.keep}: {', '.join(path.name for path in gone)}")
