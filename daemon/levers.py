"""The signal file: while it is there, everything is paused, whether the ledger can be written or not.

Its pause is written to the ledger too, under the file's own name, so that every daemon of the store stands still; and
taken back when the file goes. A pause that somebody else pulled is left to them.
"""

import logging
import os
import socket
import stat
import threading
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from cases.errors import PermanentError, TemporaryError
from cases.leases import Pause
from cases.ports import Clock
from cases.stores import Levers
from config.settings import Settings
from daemon.home import Home
from remediation.neutral import neutral

log = logging.getLogger("trackwalker.levers")

ACTOR = "file:"
LONGEST_READ = 4096  # bytes of the file that are looked at
LONGEST_REASON = 200  # characters


class FileLever:
    """The ledger's levers (see `cases.ports.Levers`) with a file before them. Safe for threads.

    The file is looked for each time that `paused` is asked. One that cannot be looked for counts as there.
    """

    def __init__(self, levers: Levers, path: Path, clock: Clock) -> None:
        self._levers = levers
        self._path = path
        self._clock = clock
        self._by = f"{ACTOR}{socket.gethostname()}:{path}"
        self._lock = threading.Lock()
        self._seen: Pause | None = None  # what the file stands for, since when
        self._unwritten = False

    def paused(self) -> Pause | None:
        """The pause in force, or None."""
        with self._lock:
            trouble = self._trouble()
            if trouble is None:
                return self._without()
            return self._with(trouble)

    def pause(self, pause: Pause, *, once: bool = False) -> None:
        """Stop every write to repositories, models and sandboxes, by the ledger's own lever."""
        self._levers.pause(pause, once=once)

    def resume(self, by: str, at: datetime, *, of: str = "", once: bool = False) -> bool:
        """Let the ledger's own lever go. While the file is there it is pulled again at the next look."""
        return self._levers.resume(by, at, of=of, once=once)

    def _trouble(self) -> str | None:
        """None where there is no file; else "", or why it cannot be looked for."""
        try:
            os.lstat(self._path)
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"{self._path} cannot be looked for ({error.strerror}), so it counts as there"
        return ""

    def _with(self, trouble: str) -> Pause:
        """The file is there. What the ledger has from somebody else stands; else the file's pause is written to it."""
        if self._seen is None:
            self._seen = Pause(by=self._by, reason=trouble or _reason(self._path), since=self._clock.now())
            log.warning("paused by the file %s: %s", self._path, self._seen.reason)
        try:
            stands = self._levers.paused()
            if stands is None:
                self._levers.pause(self._seen)
            self._unwritten = False
        except (TemporaryError, PermanentError) as error:
            if not self._unwritten:  # it is asked several times a second
                log.warning("the pause of the file %s is not in the ledger yet: %s", self._path, error)
            self._unwritten = True
            return self._seen
        return stands or self._seen

    def _without(self) -> Pause | None:
        """There is no file. A pause that it pulled, in this life or an earlier one, is taken back; no other is."""
        if self._seen is not None:
            log.warning("the file %s is gone", self._path)
            self._seen = None
        stands = self._levers.paused()
        if stands is None or stands.by != self._by:
            return stands
        try:
            self._levers.resume(self._by, self._clock.now(), of=self._by)
        except (TemporaryError, PermanentError) as error:
            log.warning("the pause of %s cannot be taken back yet: %s", self._path, error)
            return stands
        return self._levers.paused()


def levers_of(settings: Settings, home: Home, levers: Levers, clock: Clock) -> FileLever:
    """The levers as the daemon looks at them: the ledger's, behind the signal file that the settings name."""
    named = settings.levers.pause_file
    return FileLever(levers, Path(named).absolute() if named else home.folder.parent / "pause", clock)


def _reason(path: Path) -> str:
    """The first line of the file, harmless; why there is none, where it cannot be read. Never waits for a writer."""
    said = ""
    with suppress(OSError):  # it is there, which is all that counts; the reason is for people
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if stat.S_ISREG(os.fstat(file).st_mode):
                said = os.read(file, LONGEST_READ).decode("utf-8", "replace")
        finally:
            os.close(file)
    return neutral(said.lstrip().partition("\n")[0], LONGEST_REASON) or f"{path.name} is there"
