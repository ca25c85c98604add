"""Where a daemon keeps what it can make again (git mirrors), and the name by which it knows its own leftovers.

Each daemon takes the first free slot of its folder and holds a lock on it. A restart finds the same slot free, so it
has the same name as its former life, takes its cases back, and reaps the containers which that one left behind; a
second daemon takes the next slot and touches nothing of the first. On another machine the name is another one, even
where host name and folder are the same: daemons of several machines may share a store.
"""

import fcntl
import hashlib
import socket
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cases.errors import PermanentError

SLOTS = 16
MACHINE = Path("/etc/machine-id")


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
def at_home(beside: Path, home: str | None = None, machine: Path = MACHINE) -> Generator[Home]:
    """Hold a slot until the block ends: in `home` where the settings name a folder, else in `beside/.trackwalker`.

    `machine` is the file that tells this machine from others. Raises PermanentError when no slot can be had.
    """
    place = Path(home).expanduser() if home else beside / ".trackwalker"
    for slot in range(1, SLOTS + 1):
        folder = place / str(slot)
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
            yield Home(name=_name(folder, machine), folder=folder)
            return
    raise PermanentError(f"{SLOTS} daemons have their folders in {place} already; stop one, or run elsewhere")


def store_folder(store: str) -> Path:
    """The folder of a SQLite store; for a server's, the working directory."""
    if not store.startswith("sqlite"):
        return Path.cwd()
    return Path(store.removeprefix("sqlite:///")).resolve().parent


def _name(folder: Path, machine: Path) -> str:
    """The host's name, and a few letters that no other daemon has."""
    host = socket.gethostname()
    own = hashlib.sha256(f"{host}:{folder.resolve()}:{_machine(machine) or _kept(folder)}".encode()).hexdigest()
    return f"{host}-{own[:8]}"


def _machine(machine: Path) -> str:
    """The machine's own id; "" where it has none, as in most containers."""
    try:
        return machine.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _kept(folder: Path) -> str:
    """An id that was made once, and is kept in the folder."""
    kept = folder / "id"
    try:
        if not kept.exists():
            kept.write_text(uuid.uuid4().hex)
        return kept.read_text()
    except OSError as error:
        raise PermanentError(f"cannot keep {kept} ({error.strerror}); run where you may write") from None
