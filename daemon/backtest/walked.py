"""The cases of a past stretch, each taken through the whole loop as of the moment at which it would have opened."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from cases.case import Case
from cases.change import ChangeClass
from cases.errors import PermanentError, TemporaryError
from cases.moments import iso
from cases.ports import Clock
from cases.steps import OpenPullRequest
from config.settings import Settings
from daemon.backtest.stories import Story
from daemon.build import Outside
from daemon.home import Home
from daemon.replay.loop import Build, Replayed, Wanted, adapters, replay

log = logging.getLogger("trackwalker.backtest")

MOST_WALKED = 100
"""Cases, the newest of them: each is a look at every signal of its service, and reads as much as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """One case and how far the loop took it. `replayed` is None where it could not be walked, for `because`."""

    story: Story
    replayed: Replayed | None
    because: str = ""

    @property
    def case(self) -> Case | None:
        """As far as it came."""
        return self.replayed.case if self.replayed else None

    @property
    def pull_request(self) -> OpenPullRequest | None:
        """The one that it would have come to."""
        effects = self.replayed.effects if self.replayed else ()
        return next((effect for effect in effects if isinstance(effect, OpenPullRequest)), None)

    @property
    def kind(self) -> ChangeClass | None:
        """The class of the change that it would have proposed."""
        case = self.case
        return case.change.kind if case and case.changes else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the cases are walked. `build` makes the adapters: those of the configuration, or a test's own."""

    settings: Settings
    clock: Clock
    progress: Callable[[str], None]
    trial: bool = False
    build: Build | None = None


def walk(way: Way, stories: Sequence[Story]) -> Iterator[Walked]:
    """Take each case through the loop, oldest first. Nothing of it leaves this machine: see `daemon.replay`.

    One that cannot be walked says why; when none can, that is raised: PermanentError or TemporaryError.
    """
    failed: list[PermanentError | TemporaryError] = []
    with TemporaryDirectory(prefix="trackwalker-backtest-") as folder:
        shared = _sharing(way.build or adapters(trial=way.trial), Path(folder))
        for place, story in enumerate(stories, start=1):
            opened, signal = story.case.opened, story.case.anomaly.signal.name
            way.progress(f"case {place} of {len(stories)}: {story.case.service} at {iso(opened)}")
            wanted = Wanted(service=story.case.service, at=opened, trial=way.trial, signal=signal)
            try:
                replayed = replay(way.settings, wanted, clock=way.clock, build=shared)
            except (PermanentError, TemporaryError) as error:
                log.warning("case %s is not walked: %s", story.case.id, error)
                failed.append(error)
                yield Walked(story=story, replayed=None, because=str(error))
            else:
                yield Walked(story=story, replayed=replayed, because=_because(replayed))
    if failed and len(failed) == len(stories):
        raise failed[0]


def _because(replayed: Replayed) -> str:
    """Why it came to no pull request, as far as that is known."""
    if replayed.case is None:
        seen = "; ".join(replayed.unseen)
        return f"a daemon of that moment would have seen nothing{f': {seen}' if seen else ''}"
    return replayed.case.escalation or replayed.waiting


def _sharing(build: Build, folder: Path) -> Build:
    """Adapters that keep their git mirrors in one folder: a repository is copied once, not once a case."""

    def shared(settings: Settings, home: Home, clock: Clock) -> Outside:
        return build(settings, replace(home, folder=folder), clock)

    return shared
