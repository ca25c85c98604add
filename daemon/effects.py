"""Effects on the forge: each is done, or what is there already under its key is adopted."""

from cases.ports import Forge
from cases.steps import ConvertToDraft, Effect, OpenPullRequest, PostComment, PushBranch, Receipt, SendNotice, StorePlot

# Without these there is no pull request: when one cannot be done, the case goes to a human.
ESSENTIAL = (PushBranch, OpenPullRequest)


def perform(effect: Effect, forge: Forge) -> Receipt:
    """Do it, or adopt it. The forge port asks the outside by key before it writes."""
    match effect:
        case StorePlot():
            receipt = forge.store_plot(effect.repository, effect.path, effect.content)
        case PushBranch():
            receipt = forge.push(effect.repository, effect.branch, effect.base, effect.edits, effect.message)
        case OpenPullRequest():
            receipt = forge.open_pull_request(
                effect.repository, effect.branch, effect.title, effect.body, effect.labels, draft=effect.draft
            )
        case ConvertToDraft():
            receipt = forge.to_draft(effect.repository, effect.branch)
        case PostComment():
            receipt = forge.comment(effect.repository, effect.branch, effect.key, effect.body)
        case SendNotice():
            raise TypeError("notices are delivered by daemon.alerts.delivery, not by a case's step")
    return Receipt(key=effect.key, adopted=receipt.adopted, facts=receipt.facts)
