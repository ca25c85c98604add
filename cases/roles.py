"""Roles: what each kind of question to a model may decide, what it must hand up, and what it may be shown. Pure.

A role never acts. What it decides is an input of code, and what is not listed here is handed up: the table is the whole
of what a role is trusted with, and no answer of a model reaches it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from cases.asking import CHECKS, REPOSITORY, Question


class Role(StrEnum):
    """Who is asked."""

    ANALYST = "analyst"
    DRAFTER = "drafter"
    REVIEWER = "reviewer"
    EXPERIMENTER = "experimenter"


class Act(StrEnum):
    """What an answer may amount to."""

    ORDER_SUSPECTS = "order suspects that are alike"
    NAME_A_PLACE = "name a place in the code to read"
    ASK_TO_SEE = "ask to see a bounded, read-only thing"
    LINK = "say what links a suspect to the trouble"
    CONVICT = "name one suspect as the culprit"
    SUPPRESS = "suppress an alarm"
    WRITE_EDIT = "write an edit within the scope"
    WRITE_TEST = "write a new test"
    LOOK_AROUND = "run a typed action in the sandbox"
    WIDEN_SCOPE = "touch a path outside the scope"
    CHANGE_TEST = "change a test that is there"
    VETO = "veto a change with a line that it touches"
    AGREE = "find nothing that speaks against a change"
    PROMOTE = "call a change proved"
    PROPOSE_VARIANT = "propose a variant behind a flag"
    PLAN_SAMPLE = "plan how many users are needed"
    START = "start an experiment"
    SCALE = "raise the traffic of a variant"
    OPEN = "open a pull request"
    MERGE = "merge a pull request"
    SPEND = "spend past a budget"
    GRANT = "change scope, policy or authority"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decides:
    """The role's answer counts, within what code checks of it."""

    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandsUp:
    """The role's answer counts for nothing here: `to` decides."""

    to: str
    because: str


GATE, HUMAN, SANDBOX, CODE = "the policy gate", "a human", "the sandbox", "the program"

AUTHORITY: Mapping[Role, Mapping[Act, Decides | HandsUp]] = {
    Role.ANALYST: {
        Act.ORDER_SUSPECTS: Decides(because="only among suspects that code cannot tell apart"),
        Act.NAME_A_PLACE: Decides(because="a place that exists; it chooses what is read next"),
        Act.ASK_TO_SEE: Decides(because="three things at the most, of kinds that are listed"),
        Act.LINK: Decides(because="told as its word, with facts that exist"),
        Act.CONVICT: HandsUp(to=SANDBOX, because="a ranking accuses nobody"),
        Act.SUPPRESS: HandsUp(to=CODE, because="silence needs evidence as much as noise does"),
    },
    Role.DRAFTER: {
        Act.WRITE_EDIT: Decides(because="exact replacements in files that it was shown"),
        Act.WRITE_TEST: Decides(because="a new file, which must fail on base"),
        Act.LOOK_AROUND: Decides(because="bounded turns in a container of its own"),
        Act.WIDEN_SCOPE: HandsUp(to=HUMAN, because="the scope is the operator's"),
        Act.CHANGE_TEST: HandsUp(to=HUMAN, because="a test that is there is a promise to others"),
        Act.OPEN: HandsUp(to=GATE, because="code opens what was proved and let through"),
        Act.SPEND: HandsUp(to=HUMAN, because="caps are hard"),
    },
    Role.REVIEWER: {
        Act.VETO: Decides(because="one that cites a line of the change"),
        Act.AGREE: Decides(because="it changes nothing of what was proved"),
        Act.PROMOTE: HandsUp(to=SANDBOX, because="a look never promotes"),
        Act.MERGE: HandsUp(to=HUMAN, because="a human merges, or the ladder that humans gave"),
    },
    Role.EXPERIMENTER: {
        Act.PROPOSE_VARIANT: Decides(because="behind a flag that is off"),
        Act.PLAN_SAMPLE: Decides(because="the arithmetic is checked"),
        Act.START: HandsUp(to=HUMAN, because="users are exposed by it"),
        Act.SCALE: HandsUp(to=CODE, because="the interval decides, under its budget"),
    },
}
"""What each role decides and hands up. What is in no row is handed to a human."""

SEES: Mapping[Role, frozenset[str]] = {
    # Log lines and commits reach the analyst alone, quoted: an edit is written from what was checked.
    Role.DRAFTER: frozenset({REPOSITORY, "checked by the program", "the program", "the sandbox", "a human"}),
    # Nothing of the drafting: a look that saw the reasons would believe them.
    Role.REVIEWER: frozenset({"checked by the program", "the change under review", "the sandbox", "a human"}),
    # What people declared and what was learnt, never what any user did, nor code: it names levers, and edits nothing.
    Role.EXPERIMENTER: frozenset(
        {"what people declared", "the configuration", "lessons", "earlier hypotheses", "an earlier answer"}
    ),
}
"""The sources of material that a role may be shown; the analyst reads all evidence, and code."""

SEES_FOR: Mapping[str, frozenset[str]] = {"repair": frozenset({CHECKS})}
"""What the role may be shown as well, for a purpose of its own."""

OF_PURPOSE: Mapping[str, Role] = {
    **dict.fromkeys(("locate", "hotspot", "diagnose", "triage"), Role.ANALYST),
    **dict.fromkeys(("edit", "reproduce", "loop", "repair", "variant", "improvement"), Role.DRAFTER),
    **dict.fromkeys(("review", "remark"), Role.REVIEWER),
    "experiment": Role.EXPERIMENTER,
}
"""Who is asked a question of a purpose."""


def routed(role: Role, act: Act) -> Decides | HandsUp:
    """Who decides that. What is not listed goes to a human."""
    listed = AUTHORITY[role].get(act)
    return listed or HandsUp(to=HUMAN, because=f"nothing lets the {role} {act}")


def out_of_sight(question: Question) -> tuple[str, ...]:
    """The sources of a question's material that the role may not be shown; none for a question that may be asked."""
    role = OF_PURPOSE.get(question.purpose)
    if role is None:
        return (f"everything: no role answers questions of the purpose {question.purpose}",)
    allowed = SEES.get(role)
    if allowed is None:
        return ()
    allowed |= SEES_FOR.get(question.purpose, frozenset())
    return tuple(dict.fromkeys(piece.source for piece in question.material if piece.source not in allowed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What a role holds about one change. `strength` orders proofs: 0 proved, 1 open, 2 could not run, 3 failed.

    cites  whether it names a line, a fact or a run that exists
    lines  how large the change is that it stands for
    """

    role: Role
    says: str
    strength: int
    cites: bool
    lines: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One of two positions holds, by a rule."""

    holds: Position
    because: str


def settled(one: Position, other: Position) -> Settled | HandsUp:
    """What follows when two roles, or two drafts, disagree: a rule, or a human. Nobody wins by being first."""
    for mine, theirs in ((one, other), (other, one)):
        if mine.role is Role.REVIEWER and theirs.role is Role.DRAFTER and mine.says == "veto":
            if mine.cites:
                return Settled(holds=mine, because="a veto that cites a line of the change holds against its drafter")
            return Settled(holds=theirs, because="a veto that cites nothing counts as none")
    if one.role is other.role is Role.DRAFTER:
        return _between_drafts(one, other)
    if one.cites is not other.cites:
        return Settled(holds=one if one.cites else other, because="what cites something that exists holds")
    return HandsUp(
        to=HUMAN, because=f"the {one.role} says “{one.says}”, the {other.role} “{other.says}”, and no rule tells"
    )


def _between_drafts(one: Position, other: Position) -> Settled | HandsUp:
    if one.strength != other.strength:
        return Settled(holds=min(one, other, key=lambda each: each.strength), because="it proves more")
    if one.lines != other.lines:
        return Settled(holds=min(one, other, key=lambda each: each.lines), because="it is the smaller of equals")
    return HandsUp(to=HUMAN, because="both drafts prove as much and are as large")
