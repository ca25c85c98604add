"""All markers as one: what several say of the same deploy counts once."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from cases.errors import PermanentError, TemporaryError
from cases.ports import Changes
from cases.telemetry import Deploy

log = logging.getLogger("trackwalker.deploys")

SAME = timedelta(minutes=10)
"""Two markers that say the same commit within this time speak of one deploy: a rollout of a usual service, and the
delays of scraping and sending, fit in."""

Said = TypeVar("Said")


@dataclass(slots=True, kw_only=True)
class AllMarkers:
    """`Changes` of several markers together.

    Deploys that two markers tell of (same service, commits equal up to abbreviation, begun within ten minutes) are one:
    the earliest time, the longest name of the commit, both sources. What one marker alone says twice happened twice.

    A marker that cannot be read hides nothing that the others say: each deploy that is told of did happen, and to wait
    for the rest would leave a running change unwatched. But "nothing was deployed" is said only when every marker was
    read: that would exonerate a commit, or give up on a merge, on no evidence. So the error is raised exactly when
    nobody who could be read knows of anything.
    """

    parts: Sequence[Changes]
    closing: Callable[[], None] | None = None
    _unread: dict[int, str] = field(default_factory=dict[int, str], init=False)

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """The deploys of a service in the window, oldest first. Raises a part's error when no other part has any."""
        error: TemporaryError | PermanentError | None = None
        told: list[tuple[int, Deploy]] = []
        for number, said in self._each(lambda part: part.deploys(service, since, until)):
            if isinstance(said, TemporaryError | PermanentError):
                error = error or said
            else:
                told += ((number, deploy) for deploy in said)
        if error is not None and not told:
            raise error
        return _as_one(told)

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        """What the first marker that knows says. Raises a part's error when nobody else knows."""
        error: TemporaryError | PermanentError | None = None
        for _, said in self._each(lambda part: part.running(service, at)):
            if isinstance(said, TemporaryError | PermanentError):
                error = error or said
            elif said:
                return said
        if error is not None:
            raise error
        return ()

    def close(self) -> None:
        """Let go what the parts hold."""
        if self.closing is not None:
            self.closing()

    def _each(self, ask: Callable[[Changes], Said]) -> Iterator[tuple[int, Said | TemporaryError | PermanentError]]:
        """Each part's answer or error, with its number. A new error is logged once, and its end too."""
        for number, part in enumerate(self.parts):
            try:
                said: Said | TemporaryError | PermanentError = ask(part)
            except (TemporaryError, PermanentError) as error:
                said = error
                if self._unread.get(number) != str(error) and len(self.parts) > 1:
                    log.warning("a deploy marker cannot be read, the others go on: %s", error)
                self._unread[number] = str(error)
            else:
                if self._unread.pop(number, None) is not None and len(self.parts) > 1:
                    log.info("the deploy marker can be read again")
            yield number, said


@dataclass(slots=True, kw_only=True)
class _Told:
    """One deploy and the markers (by number) that told of it."""

    deploy: Deploy
    by: set[int]


def _as_one(told: list[tuple[int, Deploy]]) -> tuple[Deploy, ...]:
    found: list[_Told] = []
    for number, deploy in sorted(told, key=lambda entry: (entry[1].started, entry[1].commit, entry[0])):
        same = next((one for one in found if number not in one.by and _same(one.deploy, deploy)), None)
        if same is None:
            found.append(_Told(deploy=deploy, by={number}))
            continue
        same.by.add(number)
        had = same.deploy
        sources = dict.fromkeys((*had.source.split("; "), deploy.source))
        same.deploy = replace(had, commit=max(had.commit, deploy.commit, key=len), source="; ".join(sources))
    return tuple(one.deploy for one in found)


def _same(had: Deploy, deploy: Deploy) -> bool:
    same_commit = had.runs(deploy.commit) or had.commit == deploy.commit
    return had.service == deploy.service and same_commit and deploy.started - had.started <= SAME
