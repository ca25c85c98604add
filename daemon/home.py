"""Where a daemon keeps what it can make again (git mirrors), and the name by which it knows its own leftovers.

Each daemon takes the first free slot beside its store and holds a lock on it. A restart finds the same slot free, so it
has the same name as its former life, and reaps the containers which that one left behind; a second daemon takes the
next slot and touches nothing of the first.
"""

import fcntl
import hashlib
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cases.errors import PermanentError

SLOTS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A daemon's own folder and name."""

    name: str
    folder: Path

    @property
    def mirrors(self) -> Path:
        """Where git mirrors are kept."""
        return self.folder / "mirrors"


@contextmanager
def at_home(beside: Path) -> Generator[Home]:
    """Hold a slot below `beside/.trackwalker` until the block ends. Raises PermanentError when none can be had."""
    for slot in range(1, SLOTS + 1):
        folder = beside / ".trackwalker" / str(slot)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / "lock").open("w")
        except OSError as error:
            raise PermanentError(
                f"cannot keep a folder at {folder} ({error.strerror}); run where you may write"
            ) from None
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            place = hashlib.sha256(f"{socket.gethostname()}:{folder.resolve()}".encode()).hexdigest()[:8]
            yield Home(name=f"{socket.gethostname()}-{place}", folder=folder)
            return
    raise PermanentError(f"{SLOTS} daemons run beside {beside} already; stop one, or run elsewhere")


def store_folder(store: str) -> Path:
    """The folder of a SQLite store."""
    return Path(store.removeprefix("sqlite:///")).resolve().parent
