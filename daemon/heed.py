"""Commands in comments on our own pull requests, and on issues that show a change.

They are listened to in every cycle, whatever holds the case, paused or not.

What a comment asks for is one entry in its case's history, with the answer to its author as a promised notice; a case
takes no comment twice, so a command is done once and answered once, whichever daemon hears it. A lever is pulled before
that entry: whoever is killed between finds the comment unheard, and the same pull is not pulled again.
"""

import logging
from dataclasses import dataclass
from datetime import datetime

from cases.case import Case, Phase
from cases.errors import IllegalStep, PermanentError, TemporaryError
from cases.events import Entry, Frozen, Heard
from cases.lifecycle import heard
from cases.ports import Forge
from cases.pull_request import ISSUE, Comment
from cases.steps import Notice, SendNotice
from cases.stores import CaseStore, Levers
from cases.telemetry import Severity
from daemon.alerts.addresses import COMMENTS
from remediation.heed import Hearing, actor_of, command_of, hear
from remediation.ports import Ports

log = logging.getLogger("trackwalker.heed")

REMARK = "remark-"
SEEN, DONE = "eyes", "+1"  # the reactions under a comment that was only read, and under one that was taken
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
            for place in _in_hand(case):
                try:
                    said = self._said(case, place)
                except (TemporaryError, PermanentError) as error:
                    log.warning("case %s: comments on %s cannot be read: %s", case.id, place.thread, error)
                    continue
                for comment in said:
                    present = self._hear(present, place, comment)

    def _said(self, case: Case, place: "_Place") -> list[Comment]:
        """What people said there, in the thread and in reviews."""
        forge = self._ports.forge
        said = list(forge.comments(place.repository, place.thread))
        if case.phase is Phase.PROPOSED:
            said += [remark.as_comment for remark in forge.remarks(place.repository, place.thread)]
        return said

    def _hear(self, case: Case, place: "_Place", comment: Comment) -> Case:
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
            after = self._cases.add(case.id, entry, (_answer(place, comment, hearing),), _due(hearing, now))
        except IllegalStep as refusal:
            log.info("case %s: comment %d moves nothing: %s", case.id, comment.id, refusal)
            return case  # another daemon heard it first, or the case has just moved: then it is heard at the next look
        log.info("case %s: heard /trackwalker %s from %s", case.id, command.word, actor_of(comment))
        return after


class Acknowledgements:
    """Answers commands where they were given: a receiver of notices (see `cases.ports.Notifier`) of its own kind.

    A notice says in `subject` which repository, in `link` which branch. Each is posted once: the forge is asked first.
    """

    name = COMMENTS

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    def notify(self, notice: Notice) -> None:
        """Post it. What is no answer to a comment, as a report that another receiver is silent, is not for here."""
        if not notice.key.startswith(ACKNOWLEDGEMENT):
            return
        self._forge.comment(notice.subject, notice.link, notice.key, notice.text)
        heard = _comment_of(notice.key)
        try:
            self._forge.react(notice.subject, heard, SEEN if notice.text.startswith("**Not") else DONE)
        except PermanentError as error:  # the answer is what counts
            log.warning("comment %d of %s gets no reaction: %s", heard, notice.subject, error)


def key_of(comment: int) -> str:
    """The key of the answer to a comment; a remark of a review has an id below zero, and a key takes no two dashes."""
    return f"{ACKNOWLEDGEMENT}{comment}" if comment > 0 else f"{ACKNOWLEDGEMENT}{REMARK}{-comment}"


def _comment_of(key: str) -> int:
    name = key.removeprefix(ACKNOWLEDGEMENT)
    return -int(name.removeprefix(REMARK)) if name.startswith(REMARK) else int(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A thread of a repository in which commands are heard."""

    repository: str
    thread: str


def _in_hand(case: Case) -> list[_Place]:
    """The pull requests of the change that was proposed last, one a repository; before there is one, the issue."""
    newest = case.proposals[-1].change if case.proposals else 0
    places = [_Place(repository=p.repository, thread=p.branch) for p in case.proposals if p.change == newest]
    if shown := case.shown_in:
        places.append(_Place(repository=shown, thread=f"{ISSUE}{case.change.branch(case.id)}"))
    return list(dict.fromkeys(places))


def _due(hearing: Hearing, now: datetime) -> datetime | None:
    """Whether the case has something to do now."""
    return None if isinstance(hearing.event, Frozen | Heard) else now


def _answer(place: _Place, comment: Comment, hearing: Hearing) -> SendNotice:
    key = key_of(comment.id)
    return SendNotice(
        key=key,
        receiver=COMMENTS,
        notice=Notice(
            key=key,
            severity=Severity.NOTE,
            subject=place.repository,
            text=hearing.reply,
            link=place.thread,
        ),
    )
