"""Remarks in reviews of an open pull request, each answered: with a further draft that is proved anew, or in words.

One at a time, oldest first. A request is drafted again a few times at the most (`pull_requests.rounds`), through the
sandbox and the gates as the first draft; then it is a human's.
"""

from dataclasses import replace

from cases.case import Case
from cases.change import Patch
from cases.events import Event, Guided, Redrafted
from cases.lifecycle import heard
from cases.pull_request import PullRequest, Remark
from cases.pull_request_events import Remarked, RemarkKind
from cases.steps import AnswerRemark, Effect, PostComment, StepResult
from remediation.draft import is_ours_to_draft, once_more
from remediation.heed import command_of
from remediation.neutral import neutral
from remediation.ports import Ports
from remediation.remark_kind import Sorted, sorted_by
from remediation.remarks import answered, in_words, kind_of
from remediation.rounds import rounds

BECAUSE = "a reviewer asked"  # how the reason of such a round begins
MOST_ANSWERS = 30  # on one pull request: what is behind them is read by people
LONGEST = 400  # characters of a remark that are kept


def reviewed(case: Case, ports: Ports, found: PullRequest) -> StepResult | None:
    """The answer to the oldest remark that has none; None where every one has."""
    if sum(isinstance(e.event, Remarked) for e in case.history) >= MOST_ANSWERS:
        return None
    part = case.change.lead
    for remark in ports.forge.remarks(part.repository, found.branch):
        if _counts(case, remark):
            return _answer(case, ports, remark)
    return None


def _counts(case: Case, remark: Remark) -> bool:
    """Whether it is a writer's, with words, unheard and unedited, and no command: those are heard elsewhere."""
    open_to_us = remark.may_write and not remark.edited and bool(remark.body.strip())
    return open_to_us and remark.id not in heard(case) and command_of(remark.body) is None


def _answer(case: Case, ports: Ports, remark: Remark) -> StepResult:
    if _is_between_others(case, remark):
        event = _event(case, remark, RemarkKind.OTHER, "")
        return StepResult(events=(event,), again=ports.now)  # they talk to each other in a thread of ours
    told = sorted_by(case, ports.model, remark)
    if told.kind is RemarkKind.QUESTION:
        return _told(case, ports, remark, told, answered(case, remark.body))
    if told.kind in {RemarkKind.CHANGE, RemarkKind.STYLE} and is_ours_to_draft(case):
        return _drafted(case, ports, remark, told)
    return _told(case, ports, remark, told, in_words(case, told.kind))


def _drafted(case: Case, ports: Ports, remark: Remark, kind: Sorted) -> StepResult:
    """A further round, or why there is none."""
    done = sum(again.because.startswith(BECAUSE) for again in rounds(case))
    most = ports.settings.pull_requests.rounds
    if done >= most:
        said = f"Not done: it was drafted again {done} times as asked here, and `pull_requests.rounds` is {most}."
        return _told(case, ports, remark, kind, f"{said} Commit to the branch and it is yours.")
    text = neutral(remark.body, LONGEST)
    drafting = once_more(replace(case, guidance=(*case.guidance, text)), ports)
    if not isinstance(drafting, Patch):
        return _told(case, ports, remark, kind, f"Not done: {neutral(drafting.reason, 300)}.")
    where = f" of {neutral(remark.path, 80)}:{remark.line}" if remark.path else ""
    because = f"{BECAUSE}: {neutral(remark.author, 40)}{where}"
    answer = f"Drafted again (round {done + 1} of {most}); it is pushed here as a further commit once it is proved."
    answer = _with(answer, kind)
    events = (
        _event(case, remark, kind.kind, answer),
        Guided(text=text),
        Redrafted(change=drafting, because=because),
    )
    return StepResult(events=events, effects=(_say(case, remark, answer),))


def _told(case: Case, ports: Ports, remark: Remark, kind: Sorted, answer: str) -> StepResult:
    said = _with(answer, kind)
    event: Event = _event(case, remark, kind.kind, said)
    return StepResult(events=(event,), effects=(_say(case, remark, said),), again=ports.now)


def _with(answer: str, kind: Sorted) -> str:
    return f"{answer}\n\n{kind.how}" if kind.how else answer


def _event(case: Case, remark: Remark, kind: RemarkKind, answer: str) -> Remarked:
    return Remarked(
        change=case.change.number,
        comment=remark.id,
        by=neutral(remark.author, 60),
        kind=kind,
        text=neutral(remark.body, LONGEST),
        answer=answer,
    )


def _is_between_others(case: Case, remark: Remark) -> bool:
    """Whether it asks nothing by the rules, in a thread of which a remark before it was answered."""
    answered_before = remark.thread != remark.id and remark.thread in heard(case)
    return answered_before and kind_of(remark) is RemarkKind.OTHER


def _say(case: Case, remark: Remark, answer: str) -> Effect:
    """In its thread; under the pull request where it is of the whole."""
    part, branch = case.change.lead, case.change.branch(case.id)
    key = f"{case.id}-{case.change.number}-remark-{-remark.id}"
    if remark.state:
        to = f"To {neutral(remark.author, 40)}'s review: "
        return PostComment(key=key, repository=part.repository, branch=branch, body=f"{to}{answer}")
    return AnswerRemark(key=key, repository=part.repository, branch=branch, remark=remark.thread, body=answer)
