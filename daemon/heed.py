"""Commands in comments on our own pull requests: listened to in every cycle, whatever holds the case, paused or not.

What a comment asks for is one entry in its case's history, with the answer to its author as a promised notice; a case
takes no comment twice, so a command is done once and answered once, whichever daemon hears it. A lever is pulled before
that entry: whoever is killed between finds the comment unheard, and the same pull is not pulled again.
"""

import logging
from datetime import datetime

from cases.case import Case
from cases.errors import IllegalStep, PermanentError, TemporaryError
from cases.events import Entry, Frozen, Heard, Proposed
from cases.lifecycle import heard
from cases.ports import CaseStore, Forge, Levers
from cases.pull_request import Comment
from cases.steps import Notice, SendNotice
from cases.telemetry import Severity
from remediation.heed import Hearing, actor_of, command_of, hear
from remediation.ports import Ports

log = logging.getLogger("trackwalker.heed")

RECEIVER = "forge:comments"  # no receiver of a configuration can be called so
ACKNOWLEDGEMENT = "ack-"  # how the key of an answer begins, and the comment's id ends it


class Heed:
    """Hears commands on the pull requests of every active case. Used by one thread at a time."""

    def __init__(self, *, ports: Ports, cases: CaseStore, levers: Levers) -> None:
        self._ports = ports
        self._cases = cases
        self._levers = levers

    def once(self) -> None:
        """Look at every pull request in hand. A forge that does not answer holds nothing up.

        Raises TemporaryError when the ledger cannot be read or written.
        """
        if not self._ports.settings.levers.comments:
            return
        for case in self._cases.active():
            present = case
            for proposal in _in_hand(case):
                try:
                    said = self._ports.forge.comments(proposal.repository, proposal.branch)
                except (TemporaryError, PermanentError) as error:
                    log.warning("case %s: comments on %s cannot be read: %s", case.id, proposal.branch, error)
                    continue
                for comment in said:
                    present = self._hear(present, proposal, comment)

    def _hear(self, case: Case, proposal: Proposed, comment: Comment) -> Case:
        command = command_of(comment.body)
        if command is None or not comment.may_write or comment.id in heard(case):
            return case
        hearing = hear(case, comment, command, self._levers.paused())
        if hearing.pulls is not None:
            self._levers.pause(hearing.pulls, once=True)
        if hearing.lifts is not None:
            self._levers.resume(actor_of(comment), comment.at, of=hearing.lifts.by, once=True)
        now = self._ports.now
        entry = Entry(at=now, actor=actor_of(comment), event=hearing.event)
        try:
            after = self._cases.add(case.id, entry, (_answer(proposal, comment, hearing),), _due(hearing, now))
        except IllegalStep as refusal:
            log.info("case %s: comment %d moves nothing: %s", case.id, comment.id, refusal)
            return case  # another daemon heard it first, or the case has just moved: then it is heard at the next look
        log.info("case %s: heard /trackwalker %s from %s", case.id, command.word, actor_of(comment))
        return after


class Acknowledgements:
    """Answers commands where they were given: a receiver of notices (see `cases.ports.Notifier`) of its own kind.

    A notice says in `subject` which repository, in `link` which branch. Each is posted once: the forge is asked first.
    """

    name = RECEIVER

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    def notify(self, notice: Notice) -> None:
        """Post it. What is no answer to a comment, as a report that another receiver is silent, is not for here."""
        if notice.key.startswith(ACKNOWLEDGEMENT):
            self._forge.comment(notice.subject, notice.link, notice.key, notice.text)


def _in_hand(case: Case) -> list[Proposed]:
    """The pull requests of the change that was proposed last, one a repository."""
    newest = case.proposals[-1].change if case.proposals else 0
    places = {(p.repository, p.branch): p for p in case.proposals if p.change == newest}
    return list(places.values())


def _due(hearing: Hearing, now: datetime) -> datetime | None:
    """Whether the case has something to do now."""
    return None if isinstance(hearing.event, Frozen | Heard) else now


def _answer(proposal: Proposed, comment: Comment, hearing: Hearing) -> SendNotice:
    key = f"{ACKNOWLEDGEMENT}{comment.id}"
    return SendNotice(
        key=key,
        receiver=RECEIVER,
        notice=Notice(
            key=key,
            severity=Severity.NOTE,
            subject=proposal.repository,
            text=hearing.reply,
            link=proposal.branch,
        ),
    )
