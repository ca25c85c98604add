"""Listens for why a pull request was closed, where that was asked: for two weeks, and to whoever may write there."""

import logging
from datetime import timedelta

from cases.case import Case
from cases.errors import IllegalStep, PermanentError, TemporaryError
from cases.events import Entry
from cases.steps import Notice, SendNotice
from cases.stores import CaseStore
from cases.telemetry import Severity
from daemon.alerts.addresses import COMMENTS
from daemon.heed import key_of
from remediation.heed import actor_of
from remediation.ports import Ports
from remediation.why_closed import answer, asked, explained_by

log = logging.getLogger("trackwalker.asked")

LISTENS = timedelta(days=14)


class Asked:
    """Hears the answers. Used by one thread at a time; an answer that two daemons hear is taken once."""

    def __init__(self, *, ports: Ports, cases: CaseStore) -> None:
        self._ports = ports
        self._cases = cases

    def once(self) -> None:
        """Look at every pull request that was closed without a word. Raises TemporaryError when the ledger is away."""
        if not self._ports.settings.pull_requests.ask_why:
            return
        for case in self._cases.since(self._ports.now - LISTENS):
            if not asked(case):
                continue
            try:
                self._listen(case)
            except (TemporaryError, PermanentError) as error:
                log.warning("case %s: why it was closed cannot be heard: %s", case.id, error)

    def _listen(self, case: Case) -> None:
        repository, branch = case.change.lead.repository, case.change.branch(case.id)
        for comment in self._ports.forge.comments(repository, branch):
            why = answer(comment)
            if why is None or not comment.may_write or comment.edited:
                continue
            key = key_of(comment.id)
            text = f"**Kept** with the lesson of case `{case.id}`: {why}. Thank you."
            notice = Notice(key=key, severity=Severity.NOTE, subject=repository, text=text, link=branch)
            entry = Entry(at=self._ports.now, actor=actor_of(comment), event=explained_by(case, comment, why))
            try:
                self._cases.add(case.id, entry, (SendNotice(key=key, receiver=COMMENTS, notice=notice),), None)
            except IllegalStep as refusal:  # another daemon heard it first
                log.info("case %s: %s", case.id, refusal)
            return
