"""The dashboard issue of each repository, kept up to date; and the boxes that were ticked on it, each acted on once.

What a box asks for is one entry in its case's history. Its token says how long that history was when the box was
written, so that a tick that is read twice, or by two daemons, finds the case moved on, and does nothing.
"""

import logging
from collections.abc import Sequence

from cases.case import Case, Hold, Phase
from cases.errors import IllegalStep, PermanentError, TemporaryError
from cases.events import Approved, Entry, Event, Heard, Retried
from cases.lifecycle import NEXT
from cases.outcome import Ending
from cases.pull_request import Board
from cases.stores import CaseStore, Checkpoints, Levers
from daemon.opportunities import Opportunities
from remediation.board import TITLE, Ask, Deferred, Ticked, ticked, token_of, written
from remediation.ports import Ports

log = logging.getLogger("trackwalker.boards")

LISTED = "board:"  # the checkpoint of a repository: whether its board lists anything, as far as we wrote it
MOST_ENDED = 5  # pull requests closed without a merge that are listed
UNWANTED = frozenset({Ending.CLOSED_UNMERGED, Ending.DISMISSED})


class Boards:
    """Reads and writes the dashboards. Used by one thread at a time; any number of daemons may do it."""

    def __init__(self, *, ports: Ports, cases: CaseStore, checkpoints: Checkpoints, levers: Levers) -> None:
        self._ports = ports
        self._cases = cases
        self._checkpoints = checkpoints
        self._opportunities = Opportunities(checkpoints=checkpoints)
        self._levers = levers
        self._failed: dict[str, str] = {}  # why a repository's was not written when it was last looked at

    def once(self) -> None:
        """Look at every repository. One whose forge does not answer holds no other up."""
        if not self._ports.settings.pull_requests.dashboard:
            return
        active = self._cases.active()
        for repository in self._ports.settings.repositories:
            try:
                self._look(repository.name, active)
                self._failed.pop(repository.name, None)
            except (TemporaryError, PermanentError) as error:
                if self._failed.get(repository.name) != str(error):  # it is looked at every minute
                    log.warning("the dashboard of %s: %s", repository.name, error)
                self._failed[repository.name] = str(error)

    def _look(self, repository: str, active: Sequence[Case]) -> None:
        here = [case for case in active if self._lives_in(case, repository)]
        if not self._text(repository, here) and self._checkpoints.get(f"{LISTED}{repository}") != b"something":
            return  # there is nothing to list, and no board that lists anything: the forge is left in peace
        found = self._ports.forge.board(repository)
        if found is not None:
            here = self._acted(repository, here, found)
        if self._levers.paused() is not None or not self._ports.may_write_beside(repository):
            return
        text = self._text(repository, here)
        if text or found is not None:
            seen = found.body if found is not None else None
            self._ports.forge.write_board(repository, TITLE, text or "Nothing is open, and nothing waits.", seen)
        self._checkpoints.put(f"{LISTED}{repository}", b"something" if text else b"nothing", self._ports.now)

    def _text(self, repository: str, here: Sequence[Case]) -> str:
        return written(here, self._ended(repository), self._deferred(repository), self._ports.now)

    def _acted(self, repository: str, here: Sequence[Case], found: Board) -> list[Case]:
        """Do what the ticked boxes ask for. The cases as they are then."""
        after = list(here)
        for box in ticked(found.body):
            at = next((n for n, case in enumerate(after) if token_of(case, box.ask) == box.token), None)
            if at is None:
                log.info("the dashboard of %s: a box was ticked for what is past: %s", repository, box.ask)
                continue
            after[at] = self._tick(repository, after[at], box)
        return after

    def _tick(self, repository: str, case: Case, box: Ticked) -> Case:
        event = _event(case, box.ask, f"ticked on the dashboard of {repository}")
        if event is None:
            return case
        entry = Entry(at=self._ports.now, actor=f"dashboard:{repository}", event=event)
        try:
            after = self._cases.add(case.id, entry, (), self._ports.now)
        except IllegalStep as refusal:
            log.info("case %s: a tick moves nothing: %s", case.id, refusal)
            return case
        log.info("case %s: %s on the dashboard of %s", case.id, box.ask, repository)
        return after

    def _lives_in(self, case: Case, repository: str) -> bool:
        """Whether a case is listed there: where its change goes, or where its service lives."""
        if case.changes:
            return case.change.lead.repository == repository
        try:
            return self._ports.settings.service(case.service).repository == repository
        except PermanentError:
            return False

    def _ended(self, repository: str) -> list[Case]:
        services = {service.name for service in self._ports.settings.services if service.repository == repository}
        services |= {case.service for case in self._cases.listed() if self._lives_in(case, repository)}
        closed = [case for case in self._cases.ended(services) if case.changes and case.outcome is not None]
        return [case for case in closed if case.outcome and case.outcome.ending in UNWANTED][:MOST_ENDED]

    def _deferred(self, repository: str) -> list[Deferred]:
        """What is worth doing and is no incident, of the services that live there."""
        found: list[Deferred] = []
        for one in self._opportunities.all():
            if one.shown is None or one.ended is not None:
                continue
            try:
                home = self._ports.settings.service(one.service).repository
            except PermanentError:
                continue
            if home == repository:
                found.append(Deferred(text=f"{one.service}/{one.signal}: it {one.text}", at=one.found))
        return found


def _event(case: Case, ask: Ask, because: str) -> Event | None:
    """What a tick comes to for the case as it is; None where it comes to nothing."""
    match ask:
        case Ask.APPROVE:
            return Approved(because=because) if case.hold is Hold.GATE else None
        case Ask.RETRY:
            return Retried(because=because) if (case.phase, Retried) in NEXT else None
        case Ask.REBASE:
            if case.phase is not Phase.PROPOSED or case.taken_over:
                return None
            return Heard(comment=0, by="the dashboard", word="rebase", answer=f"Taken: {because}")
