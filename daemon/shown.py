"""The issues that show changes, kept in step with their cases: one that nothing waits for any more is closed."""

import logging

from cases.errors import PermanentError, TemporaryError
from cases.pull_request import ShownChange
from cases.stores import CaseStore, Checkpoints, Levers
from remediation.ports import Ports
from remediation.showing import over

log = logging.getLogger("trackwalker.shown")

SHOWN = "shown:"  # the checkpoint of a repository: whether an issue there shows a change, as far as we know


class Shown:
    """Looks at them. Used by one thread at a time; any number of daemons may do it."""

    def __init__(self, *, ports: Ports, cases: CaseStore, checkpoints: Checkpoints, levers: Levers) -> None:
        self._ports = ports
        self._cases = cases
        self._checkpoints = checkpoints
        self._levers = levers

    def once(self) -> None:
        """Look at every repository that has any. One whose forge does not answer holds no other up."""
        if self._levers.paused() is not None:
            return
        now = {case.shown_in for case in self._cases.active()}
        for repository in self._ports.settings.repositories:
            name = repository.name
            if name not in now and self._checkpoints.get(f"{SHOWN}{name}") != b"something":
                continue
            self._checkpoints.put(f"{SHOWN}{name}", b"something", self._ports.now)
            try:
                left = [one for one in self._ports.forge.shown(name) if not self._closed(name, one)]
            except (TemporaryError, PermanentError) as error:
                log.warning("the issues of %s that show a change: %s", name, error)
                continue
            if not left and name not in now:
                self._checkpoints.put(f"{SHOWN}{name}", b"nothing", self._ports.now)

    def _closed(self, repository: str, one: ShownChange) -> bool:
        """Close it where it is over; whether it was."""
        try:
            case = self._cases.load(one.branch.rpartition("/")[2].rpartition("-")[0])
        except PermanentError:
            return False  # another ledger's: it is left to that one
        pull = self._ports.forge.find_pull_request(repository, one.branch)
        ends = over(case, one.branch, pull.url if pull is not None else "", self._ports.now)
        if ends is None or not self._ports.may_write_beside(repository):
            return False
        key = f"{one.branch.rpartition('/')[2]}-over"
        self._ports.forge.hide(repository, one.branch, key, f"{ends.because}.", done=ends.done)
        log.info("case %s: issue %d of %s is closed: %s", case.id, one.number, repository, ends.because)
        return True
