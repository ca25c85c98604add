"""A further commit on our own branch. Nothing is pushed by force: what a reviewer has seen stays where it was."""

from collections.abc import Sequence

from cases.change import FileEdit
from cases.errors import PermanentError, TemporaryError
from cases.steps import Receipt
from remediation.forge import tree
from remediation.forge.git_command import GitCommand, text
from remediation.forge.mirror import Mirror

CLEAN, CONFLICTS = 0, 1  # what git's merge-tree answers


def added(mirror: Mirror, branch: str, base: str, edits: Sequence[FileEdit], message: str, onto: str) -> Receipt:
    """Make the branch hold `base` plus the edits by a commit whose parents are `onto` and, where it moved on, `base`.

    The same call makes the same commit, so that it is found again. facts: `sha`. PermanentError when the branch is at
    another commit than `onto`: it is somebody else's, and is left alone.
    """
    git, before, ground = mirror.git, mirror.known(onto), mirror.known(base)
    whole = tree.committed(git, ground, edits, message)
    held = git.line("log", "-1", "--format=%T", whole)
    stands_on_it = git.run("merge-base", "--is-ancestor", ground, before, accept=(0, 1)).status == 0
    parents = (before,) if stands_on_it else (before, ground)
    born = max(int(git.line("log", "-1", "--format=%ct", parent)) for parent in parents) + 1
    commit = tree.commit_tree(git, held, parents, message, born)
    tip = mirror.remote_tip(branch)
    if tip == commit:
        return Receipt(key=branch, adopted=True, facts={"sha": commit})
    if tip != before:
        said = "it is gone" if tip is None else f"it holds somebody else's work ({tip[:10]})"
        raise PermanentError(f"{branch} of {mirror.repository.name} is left alone: {said}")
    refused = mirror.push(commit, branch, expected=before)
    if refused and mirror.remote_tip(branch) != before:
        raise TemporaryError(f"{branch} of {mirror.repository.name} moved meanwhile")
    if refused:
        raise mirror.refusal(branch, refused)
    return Receipt(key=branch, adopted=False, facts={"sha": commit})


def conflicts(git: GitCommand, ours: str, theirs: str) -> tuple[str, ...]:
    """The files that git cannot merge by itself; () where it can."""
    words = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", ours, theirs)
    answer = git.run(*words, accept=(CLEAN, CONFLICTS))
    if answer.status == CLEAN:
        return ()
    return tuple(dict.fromkeys(name for name in text(answer.out).split("\0")[1:] if name))
