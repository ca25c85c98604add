"""Where daemons of one store keep their folders on this host, and whether one of them runs."""

import fcntl
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from cases.errors import PermanentError
from daemon.home import store_folder
from daemon.ledger.anchor import NAME, Anchored, AnchorFile, anchors_below, anchors_in
from daemon.ledger.ledger import Ledger

if TYPE_CHECKING:
    from config.settings import Settings

SQLITE = "sqlite:///"


def home_of(settings: "Settings") -> Path:
    """The folder whose slots the daemons of this store hold: see `daemon.home`."""
    return Path(settings.home).expanduser() if settings.home else store_folder(settings.store) / ".trackwalker"


def file_of(settings: "Settings") -> Path | None:
    """The file of a SQLite store; None for a server's."""
    return Path(settings.store.removeprefix(SQLITE)) if settings.store.startswith(SQLITE) else None


def must_exist(settings: "Settings") -> None:
    """Raise PermanentError for a SQLite store that is not there: to open it would make one."""
    file = file_of(settings)
    if file is not None and not file.exists():
        raise PermanentError(f"there is no store {file}; run where the daemon runs, or correct `store`")


def advice_for(settings: "Settings", config: Path | None) -> Callable[[], str]:
    """What to say, once it is needed, of a store that is damaged. `config` is the file that the settings came from."""

    def say() -> str:
        from daemon.keeping.copies import advice
        from daemon.keeping.jobs import folder_of

        return advice(folder_of(settings, home_of(settings)), config)

    return say


def running_in(home: Path) -> tuple[str, ...]:
    """The slots below the folder that a daemon holds now: see `daemon.home`."""
    held: list[str] = []
    for lock in sorted(home.glob("*/lock")):
        with lock.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                held.append(lock.parent.name)
    return tuple(held)


def nobody_in(home: Path, store: str) -> None:
    """Raise PermanentError when a daemon of this store runs on this host."""
    held = running_in(home)
    if held:
        raise PermanentError(
            f"a daemon runs on the store {store} (it holds {home / held[0]}): stop it first, and start it afterwards"
        )


def anchored(home: Path, ledger: Ledger, seq: int) -> None:
    """Anchor a line that a command wrote, in a file of the commands' own."""
    for line in ledger.audit.listed(after=seq - 1, limit=1):
        AnchorFile(home / NAME).add(Anchored(seq=line.seq, hash=line.hash))


def anchors_set_back(home: Path, upto: int, ending: str) -> tuple[Path, ...]:
    """Let the audit's anchors below the folder end at the line that a restored store goes on from.

    They knew of later lines, which the backup does not have: those are kept beside, under a name with that ending, and
    the files that were so set back are returned. Lines up to that one still have to agree.
    """
    changed: list[Path] = []
    for path in anchors_below([home]):
        known = anchors_in(path)
        kept = [one for one in known if one.seq <= upto]
        if len(kept) == len(known):
            continue
        path.rename(path.with_name(f"{path.name}.{ending}"))
        path.write_text("".join(f"{one.seq} {one.hash}\n" for one in kept), encoding="ascii")
        changed.append(path)
    return tuple(changed)
