"""Pull requests of ours that nobody should merge any more: drafts again, each with a comment that says why."""

from cases.case import Case
from cases.steps import ConvertToDraft, Effect, PostComment
from cases.verdict import Trial, Verdict
from remediation.neutral import neutral


def taken_back(case: Case, because: str) -> tuple[Effect, ...]:
    """What a human's no does to pull requests of the change in hand: drafts again, with a comment that says why."""
    said = f"**Dropped** by a human: {neutral(because)}. It is a draft now, and case `{case.id}` is closed."
    return _drafts_again(case, "dropped", said)


def left_behind(case: Case, because: str) -> tuple[Effect, ...]:
    """What becomes of pull requests of a case that ends while they wait for a human: drafts, as nobody follows them."""
    said = (
        f"**Closed without this.** {neutral(because)}. Case `{case.id}` is closed: this is a draft now, and what it "
        "would do is watched no more. Close it, or merge it as work of your own."
    )
    return _drafts_again(case, "left-behind", said)


def disproved(case: Case, trial: Trial) -> tuple[Effect, ...]:
    """What becomes of a pull request whose change was tried anew, and did not hold: the next one is another."""
    failed = next((check for check in trial.checks if check.verdict is Verdict.FAILED), None)
    detail = f"{failed.name.lower()}: {neutral(failed.detail, 300)}" if failed is not None else "it shows nothing"
    said = (
        f"**It does not hold any more.** Tried anew on {trial.base[:10]}, {detail}. This is a draft now, and what it "
        f"would do is watched no more; case `{case.id}` goes on without it."
    )
    return _drafts_again(case, "disproved", said)


def _drafts_again(case: Case, stage: str, said: str) -> tuple[Effect, ...]:
    if not case.changes:
        return ()
    number = case.change.number
    merged = {merge.repository for merge in case.merges if merge.change == number}
    effects: list[Effect] = []
    for proposal in case.proposals:
        if proposal.change != number or proposal.repository in merged:
            continue
        key, place = f"{case.id}-{number}-{proposal.repository}-{stage}", (proposal.repository, proposal.branch)
        effects += [
            ConvertToDraft(key=f"{key}-draft", repository=place[0], branch=place[1]),
            PostComment(key=key, repository=place[0], branch=place[1], body=said),
        ]
    return tuple(dict.fromkeys(effects))
