"""Effects on the forge: each is done, or what is there already under its key is adopted."""

from cases.errors import PermanentError
from cases.flagging import Flags
from cases.marks import ProofReport
from cases.ports import Forge
from cases.steps import (
    AnswerRemark,
    ConvertToDraft,
    Effect,
    KillFlag,
    MarkReady,
    MergePullRequest,
    OpenPullRequest,
    PostComment,
    PushBranch,
    Receipt,
    Relabel,
    ReportProof,
    RequestReviewers,
    RewriteBody,
    ShowChange,
    StorePlot,
)

# Without these there is no pull request: when one cannot be done, the case goes to a human.
ESSENTIAL = (PushBranch, OpenPullRequest)


def turn_off(effect: KillFlag, flags: Flags | None) -> Receipt:
    """Show everybody the control. PermanentError where nothing says any more how flags are reached."""
    if flags is None:
        raise PermanentError(f"{effect.place} cannot be turned off: the configuration has no `experiments` now")
    receipt = flags.off(effect.place, effect.key, effect.because)
    return Receipt(key=effect.key, adopted=receipt.adopted, facts=receipt.facts)


def perform(effect: Effect, forge: Forge) -> Receipt:
    """Do it, or adopt it. The forge port asks the outside by key before it writes."""
    match effect:
        case StorePlot():
            receipt = forge.store_plot(effect.repository, effect.path, effect.content, effect.beside)
        case PushBranch(onto=onto) if onto:
            receipt = forge.update(effect.repository, effect.branch, effect.base, effect.edits, effect.message, onto)
        case PushBranch():
            receipt = forge.push(effect.repository, effect.branch, effect.base, effect.edits, effect.message)
        case OpenPullRequest():
            receipt = forge.open_pull_request(
                effect.repository, effect.branch, effect.title, effect.body, effect.labels, draft=effect.draft
            )
        case MergePullRequest():
            receipt = forge.merge(effect.repository, effect.branch, effect.sha, effect.message)
        case ConvertToDraft():
            receipt = forge.to_draft(effect.repository, effect.branch)
        case MarkReady():
            receipt = forge.to_ready(effect.repository, effect.branch)
        case ReportProof():
            report = ProofReport(key=effect.key, title=effect.title, text=effect.text, proved=effect.proved)
            receipt = forge.report_proof(effect.repository, effect.branch, effect.base, report)
        case RequestReviewers():
            receipt = forge.request_reviewers(effect.repository, effect.branch, effect.owners, effect.culprit)
        case _:
            receipt = _said(effect, forge)
    return Receipt(key=effect.key, adopted=receipt.adopted, facts=receipt.facts)


def _said(effect: Effect, forge: Forge) -> Receipt:
    """What is written around a pull request that is there."""
    match effect:
        case PostComment():
            return forge.comment(effect.repository, effect.branch, effect.key, effect.body)
        case AnswerRemark():
            return forge.reply(effect.repository, effect.branch, effect.remark, effect.key, effect.body)
        case ShowChange():
            return forge.show(effect.repository, effect.branch, effect.title, effect.body)
        case RewriteBody():
            return forge.rewrite(effect.repository, effect.branch, effect.body)
        case Relabel():
            return forge.relabel(effect.repository, effect.branch, effect.add, effect.remove)
        case _:
            raise TypeError(f"a {type(effect).__name__} is none of a case's step: notices are delivered elsewhere")
