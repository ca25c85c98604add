"""Commands in comments on our own pull requests: what they ask for, and what they are answered.

A comment is material: its first word picks one of a few levers, and the rest is kept as text and never obeyed. Who may
give commands is the forge's to say, and the caller's to ask.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cases.case import Case, Hold, Phase
from cases.events import Approved, Event, Frozen, Guided, Heard, Killed, Rejected, Retried, Thawed
from cases.leases import Pause
from cases.lifecycle import NEXT
from cases.pull_request import Comment
from cases.pull_request_events import Proposed
from remediation.neutral import neutral

PREFIX = "/trackwalker"
LONGEST_WORD, LONGEST_TEXT, LONGEST_REASON = 20, 1000, 200  # characters
FILE = "file:"  # how the actor of a signal file begins
NO_TEXT = "no reason given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The first line of a comment that begins with the prefix, taken apart."""

    word: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """What a command comes to: what happens to the case, what its author is told, and what is done to the pause.

    pulls  the pause to pull, before anything else
    lifts  the pause to lift, before anything else
    """

    event: Event
    reply: str
    pulls: Pause | None = None
    lifts: Pause | None = None


def command_of(body: str) -> Command | None:
    """The command in a comment, or None. A line that is quoted or indented is none."""
    for line in body.splitlines():
        first, _, rest = line.partition(" ")
        if first == PREFIX:
            word, _, text = rest.strip().partition(" ")
            return Command(word=neutral(word.lower(), LONGEST_WORD), text=neutral(text, LONGEST_TEXT))
    return None


def hear(case: Case, comment: Comment, command: Command, pause: Pause | None) -> Hearing:
    """What a command of somebody who may write comes to, as the case and the pause are now."""
    if comment.edited:
        return _only(comment, command, "**Not taken.** That comment was edited: say it again in a new one.")
    answer = ANSWERS.get(command.word)
    if answer is not None:
        return answer(case, comment, command, pause)
    return _only(comment, command, f"**Not taken.** That is no command of mine. {_KNOWN}")


def actor_of(comment: Comment) -> str:
    """Who said it, for the audit trail."""
    return f"comment:{neutral(comment.author, 60)}"


def _pause(case: Case, comment: Comment, command: Command, pause: Pause | None) -> Hearing:
    del case, pause  # a second pause takes the first one's place
    reason = neutral(command.text, LONGEST_REASON) or NO_TEXT
    pulled = Pause(by=actor_of(comment), reason=reason, since=comment.at)
    text = (
        f"**Paused** ({reason}). Nothing is written to repositories, models or sandboxes until `{PREFIX} resume` here "
        "or `trackwalker resume`; alerts go on."
    )
    return Hearing(event=_heard(comment, command, text), reply=text, pulls=pulled)


def _resume(case: Case, comment: Comment, command: Command, pause: Pause | None) -> Hearing:
    del case
    if pause is None:
        return _only(comment, command, "**Not paused.** Work goes on.")
    by = f"{neutral(pause.by)} ({neutral(pause.reason)})"
    if pause.by.startswith(FILE):
        return _only(comment, command, f"**Still paused** by {by}: work goes on when that file is removed.")
    if pause.since > comment.at:
        return _only(comment, command, f"**Still paused**: by {by}, after that was said. Say it again if you mean it.")
    text = f"**Resumed.** It was paused by {by}."
    return Hearing(event=_heard(comment, command, text), reply=text, lifts=pause)


def _freeze(case: Case, comment: Comment, command: Command, pause: Pause | None) -> Hearing:
    del pause
    reason = f"{neutral(command.text, LONGEST_REASON) or NO_TEXT} (said by {neutral(comment.author, 60)})"
    reply = f"**Frozen.** Case `{case.id}` stands still; `{PREFIX} retry` lets it go on."
    return Hearing(event=Frozen(reason=reason, comment=comment.id), reply=reply)


def _guide(case: Case, comment: Comment, command: Command, pause: Pause | None) -> Hearing:
    del pause
    if not command.text:
        return _only(comment, command, f"**Not taken.** Say what, as in `{PREFIX} guide look at the cache`.")
    reply = f"**Noted** in case `{case.id}`, for its next diagnosis and draft."
    return Hearing(event=Guided(text=command.text, comment=comment.id), reply=reply)


def _retry(case: Case, comment: Comment, command: Command, pause: Pause | None) -> Hearing:
    del pause
    because = f"asked for by {neutral(comment.author, 60)}"
    if case.hold is Hold.FROZEN:
        reply = f"**Let go.** Case `{case.id}` goes on; it is {case.phase}."
        return Hearing(event=Thawed(because=because, comment=comment.id), reply=reply)
    if (case.phase, Retried) not in NEXT:
        return _only(comment, command, f"**Not taken.** Case `{case.id}` is {case.phase}: there is nothing to retry.")
    reply = f"**Tried again.** Case `{case.id}` begins anew, from its diagnosis."
    return Hearing(event=Retried(because=because, comment=comment.id), reply=reply)


def _approve(case: Case, comment: Comment, command: Command, pause: Pause | None) -> Hearing:
    del pause
    if case.hold is not Hold.GATE:
        return _only(comment, command, f"**Not taken.** Case `{case.id}` waits for nobody's yes: it is {case.phase}.")
    because = f"{neutral(command.text, LONGEST_REASON) or 'approved'} (said by {neutral(comment.author, 60)})"
    reply = f"**Approved.** Case `{case.id}` goes on; it waited because {neutral(case.hold_reason)}"
    return Hearing(event=Approved(because=because, comment=comment.id), reply=reply)


def _reject(case: Case, comment: Comment, command: Command, pause: Pause | None) -> Hearing:
    """A no with its reason. What follows (drafts again, the case closed, the lesson) is the case's next step."""
    del pause
    if not command.text:
        return _only(comment, command, f"**Not taken.** Say why, as in `{PREFIX} reject the cause is another`.")
    if case.hold is not Hold.GATE and case.phase not in {Phase.PROVED, Phase.PROPOSED}:
        return _only(comment, command, f"**Not taken.** Case `{case.id}` is {case.phase}: there is nothing to reject.")
    because = f"{neutral(command.text, LONGEST_REASON)} (said by {neutral(comment.author, 60)})"
    reply = f"**Rejected.** Case `{case.id}` is closed, and the no is remembered with its reason."
    return Hearing(event=Rejected(because=because, comment=comment.id), reply=reply)


def _rebase(case: Case, comment: Comment, command: Command, pause: Pause | None) -> Hearing:
    del pause
    if case.phase is not Phase.PROPOSED:
        return _only(comment, command, f"**Not taken.** Case `{case.id}` is {case.phase}: nothing of it is open.")
    if case.taken_over:
        return _only(comment, command, "**Not taken.** Somebody else committed to the branch, and it is theirs now.")
    return _only(
        comment,
        command,
        "**Taken.** It is drafted on the watched branch as it is now, proved again, and pushed on top.",
    )


def _stop(case: Case, comment: Comment, command: Command, pause: Pause | None) -> Hearing:
    del pause
    if case.phase is not Phase.PROPOSED:
        return _only(comment, command, f"**Not taken.** Case `{case.id}` is {case.phase}: nothing of it is open.")
    return _only(comment, command, "**Stopped.** It is not merged unasked: it is a human's to merge, or to close.")


def _explain(case: Case, comment: Comment, command: Command, pause: Pause | None) -> Hearing:
    del pause
    from remediation.explain import explained  # only who asks for reasons needs what tells them

    return Hearing(event=_heard(comment, command, "told what is known, with its weights"), reply=explained(case))


def _revert(case: Case, comment: Comment, command: Command, pause: Pause | None) -> Hearing:
    """Take back what was merged: by the way that harm takes, as a pull request that a human merges."""
    if case.phase not in {Phase.MERGED, Phase.DEPLOYED}:
        said = "nothing of it runs to be taken back; `reject` closes it"
        return _only(comment, command, f"**Not taken.** Case `{case.id}` is {case.phase}: {said}.")
    number = case.change.number
    if case.change.rolls_back is not None:
        return _only(comment, command, f"**Not taken.** Change {number} is itself a rollback: revert it by hand.")
    reason = neutral(command.text, LONGEST_REASON) or NO_TEXT
    because = f"change {number} is taken back: {neutral(comment.author, 60)} asks for it ({reason})"
    later = "; it waits, for everything is paused" if pause is not None else ""
    reply = f"**Taken.** A pull request that takes change {number} back is drafted, tried and opened{later}."
    return Hearing(event=Killed(because=because, comment=comment.id), reply=reply)


ANSWERS: Mapping[str, Callable[[Case, Comment, Command, Pause | None], Hearing]] = {
    "pause": _pause,
    "resume": _resume,
    "freeze": _freeze,
    "guide": _guide,
    "retry": _retry,
    "approve": _approve,
    "reject": _reject,
    "rebase": _rebase,
    "stop": _stop,
    "explain": _explain,
    "revert": _revert,
}
_KNOWN = f"What is: {', '.join(f'`{PREFIX} {word}`' for word in ANSWERS)}."


def _only(comment: Comment, command: Command, reply: str) -> Hearing:
    """An answer, and nothing else."""
    return Hearing(event=_heard(comment, command, reply), reply=reply)


def rebase_wanted(case: Case) -> str:
    """Who asked for the change in hand to be brought up to date since it was proposed last; "" for nobody."""
    for entry in reversed(case.history):
        match entry.event:
            case Heard(word="rebase", answer=answer, by=by) if answer.startswith("Taken"):
                return by
            case Proposed():
                return ""
            case _:
                continue
    return ""


def _heard(comment: Comment, command: Command, reply: str) -> Heard:
    return Heard(
        comment=comment.id, by=neutral(comment.author, 60), word=command.word, answer=reply.replace("*", "").strip()
    )
