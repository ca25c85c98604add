"""Commands in comments on our own pull requests: what they ask for, and what they are answered.

A comment is material: its first word picks one of a few levers, and the rest is kept as text and never obeyed. Who may
give commands is the forge's to say, and the caller's to ask.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from cases.case import Case, Hold
from cases.events import Event, Frozen, Guided, Heard, Retried, Thawed
from cases.leases import Pause
from cases.lifecycle import NEXT
from cases.pull_request import Comment
from remediation.neutral import neutral

PREFIX = "/trackwalker"
LONGEST_WORD, LONGEST_TEXT, LONGEST_REASON = 20, 1000, 200  # characters
LATER = ("approve", "reject", "rebase", "explain", "revert")
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
    if command.word in LATER:
        return _only(comment, command, f"**Not taken.** `{command.word}` is not in this version. {_KNOWN}")
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


ANSWERS: Mapping[str, Callable[[Case, Comment, Command, Pause | None], Hearing]] = {
    "pause": _pause,
    "resume": _resume,
    "freeze": _freeze,
    "guide": _guide,
    "retry": _retry,
}
_KNOWN = f"What is: {', '.join(f'`{PREFIX} {word}`' for word in ANSWERS)}."


def _only(comment: Comment, command: Command, reply: str) -> Hearing:
    """An answer, and nothing else."""
    return Hearing(event=_heard(comment, command, reply), reply=reply)


def _heard(comment: Comment, command: Command, reply: str) -> Heard:
    return Heard(
        comment=comment.id, by=neutral(comment.author, 60), word=command.word, answer=reply.replace("*", "").strip()
    )
