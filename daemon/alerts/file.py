"""A file as a receiver: one JSON object a line, for scripts and for tests of what left the process."""

import errno
import os
from pathlib import Path

from cases.errors import PermanentError, TemporaryError
from cases.moments import iso
from cases.ports import Clock
from cases.steps import Notice
from daemon.alerts.lines import line

_LATER = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EINTR, errno.EAGAIN})


class FileNotifier:
    """Appends notices to a file that only this user reads (see `cases.ports.Notifier`)."""

    def __init__(self, name: str, path: Path, clock: Clock) -> None:
        self._name = name
        self._path = path
        self._clock = clock

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def notify(self, notice: Notice) -> None:
        """Append it. TemporaryError when the disk is full, PermanentError when the file cannot be written at all."""
        whole = line(notice, {"at": iso(self._clock.now())}) + "\n"
        try:
            target = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with os.fdopen(target, "w", encoding="ascii") as stream:
                stream.write(whole)
        except OSError as error:
            because = f"receiver {self._name}: {self._path} cannot be written ({error.strerror})"
            if error.errno in _LATER:
                raise TemporaryError(f"{because}; free some space") from None
            raise PermanentError(f"{because}; name a file that this user may write") from None
