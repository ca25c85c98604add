"""`backtest --loop`: the whole loop over a past stretch, and whom it would have accused of what was merged in it."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from cases.change import ChangeClass
from cases.diagnosis import Commit
from cases.errors import PermanentError, TemporaryError
from config.settings import Settings
from daemon.backtest.accused import Scored, score
from daemon.backtest.report import Report
from daemon.backtest.walked import MOST_WALKED, Walked, Way, walk
from daemon.backtest.wording import counted
from remediation.forge.reverts import Past

FREE = "no language model is asked, playbooks draft alone"

log = logging.getLogger("trackwalker.backtest")


@runtime_checkable
class History(Protocol):
    """What of a forge is asked for the past of its repositories."""

    def close(self) -> None:
        """Close the connections."""
        ...

    def past(self, repository: str, since: datetime, until: datetime) -> Past:
        """What came to the watched branch, and what of it was taken back. PermanentError or TemporaryError."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """What the loop made of the stretch.

    merged    (repository, commit) of the pull requests that were merged in it, oldest first
    left_out  cases older than those that were walked
    remarks   what could not be read or walked, in words
    """

    walked: tuple[Walked, ...]
    scored: Scored
    merged: tuple[tuple[str, Commit], ...]
    left_out: int
    remarks: tuple[str, ...]

    def words(self) -> tuple[str, ...]:
        """What it comes to, for people."""
        pulls = [walked.kind for walked in self.walked if walked.pull_request is not None]
        kinds = ", ".join(f"{pulls.count(kind)} {kind}" for kind in ChangeClass if kind in pulls)
        merged = f"{counted(len(self.merged), 'pull request')} merged in the stretch"
        would = f"{len(pulls)} would have been proposed{f' ({kinds})' if kinds else ''}"
        return (f"{merged}; {would}, at no cost: {FREE}", *self.scored.words())


def loop(report: Report, history: History, way: Way, since: datetime) -> Loop:
    """Walk the report's cases and score whom they accuse. Raises PermanentError or TemporaryError."""
    now = way.clock.now()
    pasts, remarks = _pasts(history, way, since, now)
    cases = report.cases[-MOST_WALKED:]
    walked = tuple(walk(way, cases))
    homes = _homes(way.settings, {story.case.service for story in report.cases})
    left_out = len(report.cases) - len(cases)
    if left_out:
        remarks.append(f"the oldest {left_out} cases are not walked: {MOST_WALKED} are the most at once")
    return Loop(
        walked=walked,
        scored=score(walked, pasts, homes, since, now),
        merged=tuple(
            (name, commit)
            for name, past in pasts.items()
            for commit in reversed(past.of_pull_requests())
            if commit.at >= since
        ),
        left_out=left_out,
        remarks=tuple(remarks),
    )


def _pasts(history: History, way: Way, since: datetime, until: datetime) -> tuple[dict[str, Past], list[str]]:
    """What happened in each repository from as far back as suspects are looked for; and what could not be read."""
    pasts: dict[str, Past] = {}
    remarks: list[str] = []
    failed: list[PermanentError | TemporaryError] = []
    for repository in way.settings.repositories:
        way.progress(f"reading the history of {repository.name}")
        try:
            past = history.past(repository.name, since - way.settings.diagnosis.look_back, until)
        except (PermanentError, TemporaryError) as error:
            failed.append(error)
            remarks.append(f"repository {repository.name} is left out: {error}")
            continue
        pasts[repository.name] = past
        if not past.whole:
            remarks.append(f"repository {repository.name} has more commits than are read at once: the oldest are not")
    if failed and not pasts:
        raise failed[0]
    return pasts, remarks


def _homes(settings: Settings, services: set[str]) -> dict[str, str]:
    """The repositories of the services, as far as they have one."""
    homes: dict[str, str] = {}
    for service in services:
        try:
            homes[service] = settings.service(service).repository
        except PermanentError as error:
            log.warning("%s", error)
    return homes
