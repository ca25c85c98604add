"""The jobs of the night: a copy of the store first, then what is old goes."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from daemon.keeping.daily import ACTOR, Daily, Errand
from daemon.ledger.ledger import Ledger

if TYPE_CHECKING:
    from config.settings import Settings

HOUR = 3  # UTC, when most people sleep
BACKUP, RETENTION = "backup", "retention"


def folder_of(settings: "Settings", home: Path) -> Path:
    """Where copies go that nobody gave a name: the operator's folder, or one in the daemons' own."""
    return Path(settings.backup.folder) if settings.backup.folder else home / "backups"


def jobs_of(settings: "Settings", ledger: Ledger, folder: Path) -> tuple[Daily, ...]:
    """What the settings ask for. `folder` is where copies go."""

    def retention(errand: Errand) -> Mapping[str, str]:
        from daemon.keeping.removal import Remover
        from daemon.keeping.retention import tidied

        remover = Remover(at=ledger.clock.now(), actor=ACTOR, parent=errand.began)
        return tidied(ledger, settings.retention, remover, errand.stopped).words()

    def backup(errand: Errand) -> Mapping[str, str]:
        from daemon.keeping.backup import backed_up
        from daemon.keeping.copies import name_of, thinned

        taken = ledger.clock.now()
        copy = backed_up(ledger, folder / name_of(taken), taken, stopped=errand.stopped)
        gone = thinned(folder, settings.backup.keep)
        return {"file": str(copy.file), "bytes": str(copy.size), "upto": str(copy.audit_seq), "removed": str(len(gone))}

    keeping = Daily(name=RETENTION, hour=HOUR, work=retention)
    if not settings.backup.keep:
        return (keeping,)
    return (Daily(name=BACKUP, hour=HOUR, work=backup), keeping)
