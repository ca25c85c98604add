"""Red checks on our pull request: theirs as well, or drafted once more, or a human's.

What a check says of itself is written by whoever writes tests and logs: it is shown to a model as quoted material, and
nothing in it chooses scope, budget or authority. The further draft goes through the sandbox and every gate again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from cases.asking import Answer, Question
from cases.case import Case
from cases.change import Patch
from cases.errors import PermanentError
from cases.events import Entry, Redrafted
from cases.lifecycle import advance
from cases.marks import Ci, CiCheck, CiState
from cases.ports import LanguageModel
from cases.pull_request import PullRequest
from cases.pull_request_events import ChecksFailed
from cases.steps import Effect, PostComment, StepResult
from cases.telemetry import Severity
from remediation.draft import is_ours_to_draft, once_more
from remediation.drafting import Drafting
from remediation.neutral import neutral
from remediation.ports import Ports
from remediation.rounds import proposed_at, rounds

NO_MODEL = "no model is configured to draft it again"
BECAUSE = "the repository's own checks failed"  # how the reason of such a round begins
REPAIR = "repair"  # the purpose of its questions: they have a budget of their own
PATIENCE = timedelta(minutes=30)  # for checks that are not done, before those that are count for all
MOST_NAMED, MOST_KEPT = 5, 50  # checks
MOST_OUTPUT = 6_000  # characters of what all of them say


def red(case: Case, ports: Ports, found: PullRequest, ci: Ci) -> StepResult | None:
    """What follows from failed checks; None where it was said at this commit, or others are not done yet."""
    told = [e.event for e in case.history if isinstance(e.event, ChecksFailed) and e.event.change == case.change.number]
    if any(before.sha == found.head for before in told):
        return None
    pending = any(check.state is CiState.PENDING for check in ci.checks)
    if pending and ports.now - proposed_at(case) < PATIENCE:
        return None
    failed = [check for check in ci.checks if check.state is CiState.FAILED]
    base = _failed_on_base(case, ports)
    mine = [check for check in failed if check.name not in base]
    if not mine:
        said = (
            f"{_named(failed)} failed at {found.head[:10]}, and on {case.change.lead.base[:10]} of the watched branch, "
            "which has none of this change: nothing is done about it here"
        )
        return _said(case, ports, found, failed, said, asks=False)
    return _ours(case, ports, found, mine, told)


def _ours(
    case: Case, ports: Ports, found: PullRequest, mine: Sequence[CiCheck], told: Sequence[ChecksFailed]
) -> StepResult:
    """What only our commit breaks: drafted once more, or a human's with the reason."""
    fact = f"{_named(mine)} failed at {found.head[:10]} and not on {case.change.lead.base[:10]}"
    hindered = _hindered(case, ports, told)
    if hindered or ports.model is None:
        return _said(case, ports, found, mine, f"{fact}; {hindered or NO_MODEL}: it is yours")
    event = ChecksFailed(
        change=case.change.number,
        sha=found.head,
        failed=_names(mine),
        because=f"{fact}; it is drafted again",
        output=_output(mine),
    )
    drafting = _repaired(case, ports, ports.model, event)
    if not isinstance(drafting, Patch):
        why = neutral(drafting.reason, 300) or "nothing came of it"
        return _said(case, ports, found, mine, f"{fact}; it could not be drafted again ({why}): it is yours")
    if drafting.lead.edits == case.change.lead.edits:
        return _said(case, ports, found, mine, f"{fact}; drafted again it is the same: it is yours")
    again = Redrafted(change=drafting, because=f"{BECAUSE}: {_named(mine)}")
    text = f"**Checks failed.** {_sentence(fact)}. It is drafted again, and pushed here once it is proved."
    return StepResult(events=(event, again), effects=(_comment(case, found, text),))


def _hindered(case: Case, ports: Ports, told: Sequence[ChecksFailed]) -> str:
    """Why nothing is drafted for it; "" where nothing stands in the way."""
    done, most = sum(again.because.startswith(BECAUSE) for again in rounds(case)), ports.settings.pull_requests.repairs
    if done >= most:
        before = [f"{_listed(one.failed)} had failed at {one.sha[:10]}" for one in told if one.output]
        drafted = f"{'; '.join(before)}, and it was drafted again for that" if before else "nothing is drafted for it"
        return f"{drafted}; `pull_requests.repairs` is {most}"
    if not is_ours_to_draft(case):
        return f"it is drafted by {neutral(case.change.origin, 60)}, and proposed as it is or not at all"
    return ""


def _repaired(case: Case, ports: Ports, model: LanguageModel, event: ChecksFailed) -> Drafting:
    """The edit drafted once more by what the checks say. Raises TemporaryError while the model is away."""
    told = advance(case, Entry(at=ports.now, actor="daemon", event=event))
    return once_more(told, replace(ports, model=_Repairing(model)))


@dataclass(frozen=True, slots=True)
class _Repairing:
    """The same model: what it is asked now is a repair, and is shown and paid for as such."""

    model: LanguageModel

    def describe(self, purpose: str) -> str:
        return self.model.describe(purpose)

    def probe(self) -> str:
        return self.model.probe()

    def ask(self, question: Question) -> Answer:
        return self.model.ask(replace(question, purpose=REPAIR))


def _failed_on_base(case: Case, ports: Ports) -> frozenset[str]:
    """The checks that fail without any of it, by their names. What is not known there is not taken for red."""
    part = case.change.lead
    try:
        ci = ports.forge.ci(part.repository, part.base)
    except PermanentError:
        return frozenset()
    return frozenset(check.name for check in ci.checks if check.state is CiState.FAILED)


def _said(
    case: Case, ports: Ports, found: PullRequest, failed: Sequence[CiCheck], because: str, *, asks: bool = True
) -> StepResult:
    """It is said under the pull request, once a commit; and to people where something is asked of them."""
    number = case.change.number
    event = ChecksFailed(change=number, sha=found.head, failed=_names(failed), because=because)
    text = f"**Checks failed.** {_sentence(because)}."
    told: tuple[Effect, ...] = ()
    if asks:
        told = ports.tell(
            f"{case.id}-{number}-checks-{found.head[:10]}",
            case.asks(Severity.TICKET),
            f"{case.service}: checks failed on {found.branch}",
            f"{_sentence(because)}. Case {case.id}.",
            case=case.id,
            link=found.url,
        )
    return StepResult(events=(event,), effects=(_comment(case, found, text), *told), again=ports.now)


def _comment(case: Case, found: PullRequest, text: str) -> PostComment:
    key = f"{case.id}-{case.change.number}-checks-{found.head[:10]}"
    return PostComment(key=key, repository=found.repository, branch=found.branch, body=text)


def _names(failed: Sequence[CiCheck]) -> tuple[str, ...]:
    return tuple(neutral(check.name, 80) for check in failed[:MOST_KEPT])


def _named(failed: Sequence[CiCheck]) -> str:
    return _listed(_names(failed))


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{', '.join(f'“{name}”' for name in names[:MOST_NAMED])}{more}"


def _output(failed: Sequence[CiCheck]) -> str:
    """What they say of themselves, each with its name, as far as there is room."""
    each = MOST_OUTPUT // min(len(failed), MOST_NAMED)
    return "\n\n".join(f"{neutral(check.name, 80)}:\n{check.output[-each:]}" for check in failed[:MOST_NAMED])


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]
