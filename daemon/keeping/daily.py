"""Jobs that run once a day, whichever of the daemons on one ledger comes first; nobody leads.

From a job's hour on, every daemon tries to write its name under the job. The one that does runs it, and says when it
is done. One that dies meanwhile leaves it to whoever looks after its time; a day that nobody was awake for is made up.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cases.errors import TrackwalkerError
from cases.leases import Swap
from cases.ports import Clock
from cases.stores import Checkpoints
from daemon.ledger.audit import Audit, AuditEntry

PREFIX = "job/"
"""The checkpoint of a job is `job/NAME`."""
TIME_OUT = timedelta(minutes=10)
"""How long a job may take before another daemon takes its daemon for dead."""
AGAIN = timedelta(hours=1)
"""After how long a job that failed is tried again."""

ACTOR = "daemon"

log = logging.getLogger("trackwalker.jobs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One run of a job: the line of the audit that began it, and what says that the daemon ends."""

    began: int
    stopped: Callable[[], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """A job, and its hour. What its work returns stands in the audit: a few words by name.

    takes   how long it may run before another daemon takes its daemon for dead
    zone    whose clocks show its hour, and `minute` past it
    """

    name: str
    hour: int
    work: Callable[[Errand], Mapping[str, str]]
    takes: timedelta = TIME_OUT
    zone: str = "UTC"
    minute: int = 0

    def due(self, now: datetime) -> str:
        """The newest day whose hour has come, by the clocks of its zone."""
        shown = now.astimezone(ZoneInfo(self.zone)).replace(tzinfo=None)
        return (shown - timedelta(hours=self.hour, minutes=self.minute)).date().isoformat()


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the ledger knows of a job.

    day    the newest day that it was run for, or is being run for
    by     the daemon that did, or does
    until  while it runs, or after it failed: not before then by anybody else; None when that day is over
    done   when it last came to its end; None when never
    """

    day: str
    by: str
    until: datetime | None
    done: datetime | None

    def wants(self, day: str, now: datetime, takes: timedelta = TIME_OUT) -> bool:
        """Whether it should be run now, for that day."""
        if self.until is None:
            return self.day < day
        # A time further off than any job sets was written before a clock was set back.
        return self.day <= day and not now < self.until <= now + max(takes, AGAIN)


class OnceADay:
    """Runs daily jobs once over all daemons of a ledger."""

    def __init__(self, checkpoints: Checkpoints, audit: Audit, clock: Clock, by: str) -> None:
        self._checkpoints = checkpoints
        self._audit = audit
        self._clock = clock
        self._by = by

    def look(self, jobs: Sequence[Daily], stopped: Callable[[], bool]) -> None:
        """Run what is due and nobody runs. A job that fails is logged, and holds up no other one."""
        for job in jobs:
            if stopped():
                return
            self.attempt(job, stopped)

    def attempt(self, job: Daily, stopped: Callable[[], bool]) -> bool:
        """Run the job if it is due and nobody runs it; whether it came to its end here.

        A job that this ledger never had is first run at its next hour.
        """
        now = self._clock.now()
        key, day = PREFIX + job.name, job.due(now)
        blob = self._checkpoints.get(key)
        before = _read(blob)
        if before is None:
            self._swap(key, blob, Standing(day=day, by=self._by, until=None, done=None))
            return False
        mine = replace(before, day=day, by=self._by, until=now + job.takes)
        if not before.wants(day, now, job.takes) or not self._swap(key, blob, mine):
            return False
        return self._run(job, key, mine, stopped)

    def standing(self, name: str) -> Standing | None:
        """How a job stands; None for one that was never looked at."""
        return _read(self._checkpoints.get(PREFIX + name))

    def _run(self, job: Daily, key: str, mine: Standing, stopped: Callable[[], bool]) -> bool:
        began = self._tell("job.began", {"job": job.name, "day": mine.day, "by": self._by}, None)
        try:
            did = job.work(Errand(began=began, stopped=stopped))
        except TrackwalkerError as error:
            log.error("the job %s failed, and is tried again: %s", job.name, error)  # noqa: TRY400 - a sentence
            now = self._clock.now()
            # Who was stopped leaves it to whoever comes next.
            self._swap(key, _written(mine), replace(mine, until=now if stopped() else now + AGAIN))
            self._tell("job.failed", {"job": job.name, "because": str(error)}, began)
            return False
        if not self._swap(key, _written(mine), replace(mine, until=None, done=self._clock.now())):
            log.warning("the job %s took longer than %s, and another daemon began it too", job.name, job.takes)
        self._tell("job.done", {"job": job.name, **did}, began)
        return True

    def _swap(self, key: str, before: bytes | None, after: Standing) -> bool:
        return self._checkpoints.swap(Swap(key=key, before=before, after=_written(after)), self._clock.now())

    def _tell(self, action: str, detail: Mapping[str, str], parent: int | None) -> int:
        entry = AuditEntry(at=self._clock.now(), actor=ACTOR, action=action, parent=parent, detail=detail)
        return self._audit.append(entry)


def _written(standing: Standing) -> bytes:
    return json.dumps(asdict(standing), default=datetime.isoformat).encode()


def _read(blob: bytes | None) -> Standing | None:
    if blob is None:
        return None
    document: dict[str, Any] = json.loads(blob)
    for name in ("until", "done"):
        document[name] = None if document[name] is None else datetime.fromisoformat(document[name])
    return Standing(**document)
