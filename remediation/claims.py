"""What a pull request claims, and what merging it does: a sentence each for every class of change."""

from cases.change import ChangeClass
from cases.verdict import Claim
from remediation.neutral import neutral
from remediation.telling import Story

UNDONE = {
    Claim.PROVED: "the fault shows with it and is gone without it, in the sandbox",
    Claim.CORRELATED: "the sandbox did not reproduce the fault, so this is timing and wording only",
    Claim.GUESS: "nothing was shown in the sandbox",
    Claim.DISPROVED: "the sandbox showed that undoing it does not help",
}
CHANGED = {
    **UNDONE,
    Claim.PROVED: "the fault shows without this change and is gone with it, in the sandbox",
    Claim.CORRELATED: "the sandbox did not reproduce the fault, so this is not proved",
    Claim.DISPROVED: "the sandbox showed that it does not help",
}


def claim(story: Story) -> str:
    """How sure, and of what."""
    return f"**{story.trial.claim}**: {_rolled_back(story) or _reason(story)}"


KINDS = {
    ChangeClass.REVERT: "a revert",
    ChangeClass.CONFIGURATION: "a change of configuration",
    ChangeClass.FLAG: "a flag, turned off",
    ChangeClass.PIN: "a dependency, pinned back",
    ChangeClass.EDIT: "an edit of code",
    ChangeClass.EXPERIMENT: "an experiment",
    ChangeClass.IMPROVEMENT: "an improvement, of no incident",
}
"""What each class of change is called in its pull requests."""
CLEAN_UP = "the clean-up of an experiment"


def tidies(story: Story) -> bool:
    """Whether the change takes out what an experiment left behind: nothing changes for any user."""
    return story.case.hypothesis is not None and story.change.experiment is None


def what_merging_does(story: Story) -> str:
    """Of which class the change is, what changes, how much of it, and what else goes with it."""
    change, blast = story.change, story.change.blast_radius
    named = CLEAN_UP if tidies(story) else KINDS[change.kind]
    kind = f"This is {', '.join((named, *(mark.replace('-', ' ') for mark in change.marks)))}."
    size = f"{files(len(change.lead.paths))}, +{change.lead.added} -{change.lead.removed}"
    removes = f", and takes “{blast.removes}” away" if blast.removes else ""
    if change.kind is ChangeClass.REVERT and change.inverse_of is not None:
        return f"**Merging** undoes {story.blamed} exactly ({size}){removes}; migrations: {blast.migrations}. {kind}"
    if len(change.parts) == 1:
        return f"**Merging** does this ({size}){removes}: {first_line(change.summary)} {kind}"
    part = change.parts[1]
    then = (
        f"Once it is merged, a second pull request takes {story.blamed} out of {part.repository} "
        f"(+{part.added} -{part.removed}{removes})"
    )
    return f"**Merging** does this in {change.lead.repository} ({size}): {first_line(change.summary)} {then}. {kind}"


def first_line(text: str) -> str:
    """The first line of a text, as a sentence in a list can have it."""
    return text.partition("\n")[0].strip()


def files(count: int) -> str:
    """`1 file`, `2 files`."""
    return f"{count} file{'s' if count != 1 else ''}"


def _rolled_back(story: Story) -> str:
    undone = story.change.rolls_back
    if undone is None:
        return ""
    judgement = next((j for j in reversed(story.case.judgements) if j.change == undone), None)
    if judgement is None:
        return f"change {undone} of this case is taken back: {neutral(story.case.escalation or 'a human asked')}."
    if judgement.braked:
        return f"change {undone} of this case is taken back by {judgement.because}."
    return f"change {undone} of this case was judged harmful: {judgement.because}."


def _reason(story: Story) -> str:
    if story.case.hypothesis is not None:
        because = neutral(first_line(story.change.because), 400).rstrip(".")
        if tidies(story):
            return f"{because}; the tests pass, and nothing changes for anybody."
        return f"{because}; the tests pass with either variant, and users decide."
    if story.change.kind is ChangeClass.REVERT and not story.change.because:
        return f"{story.blamed}{_ran(story)}; {UNDONE[story.trial.claim]}."
    return f"{neutral(first_line(story.change.because), 400)}{_ran(story)}; {CHANGED[story.trial.claim]}."


def _ran(story: Story) -> str:
    suspect = story.suspect
    if suspect is None or suspect.deployed is None:
        return ""
    onset = story.case.anomaly.onset
    which = "" if story.change.kind is ChangeClass.REVERT and not story.change.because else f"; {suspect.commit.short}"
    return f"{which} began to run at {suspect.deployed:%H:%M:%S} UTC, the trouble at {onset:%H:%M:%S}"
