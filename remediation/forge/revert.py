"""Undoing a commit, or the commits of one pull request, on top of a later one, three-way, without touching anything."""

from cases.change import FileEdit, Reverted
from cases.errors import PermanentError
from remediation.forge.difference import counts, unified
from remediation.forge.git_command import GitCommand, text
from remediation.forge.tree import (
    ABSENT,
    EXECUTABLE,
    SUBMODULE,
    SYMLINK,
    Step,
    blobs,
    changed,
    check_path,
    commit_tree,
    committed,
)


def reverted(git: GitCommand, base: str, commit: str, *, first: str = "") -> Reverted:
    """What undoing `commit` on top of `base` gives; a merge commit is undone against its first parent.

    With `first`, all from it to `commit` are undone as one. Where files conflict, `edits` undo the others alone.
    No edits and no conflicts: it was undone before. PermanentError when `commit` is no part of `base`, has no parent,
    does not follow `first`, or undoing it would touch a symbolic link, a submodule, or a path that no edit may name.
    """
    if git.run("merge-base", "--is-ancestor", commit, base, accept=(0, 1)).status != 0:
        raise PermanentError(f"{commit[:10]} is no part of {base[:10]}: there is nothing to undo")
    oldest = first or commit
    if git.run("merge-base", "--is-ancestor", oldest, commit, accept=(0, 1)).status != 0:
        raise PermanentError(f"{commit[:10]} does not follow {oldest[:10]}: they cannot be undone as one")
    parents = git.line("rev-list", "--parents", "-n", "1", oldest).split(" ")[1:]
    if not parents:
        raise PermanentError(f"{oldest[:10]} is the repository's first commit: it cannot be undone")
    answer = merged(git, commit, ours=base, theirs=parents[0])
    tree, *conflicts = [text(field) for field in answer.split(b"\0") if field]
    names = tuple(dict.fromkeys(conflicts))
    steps = tuple(step for step in changed(git, base, tree) if text(step.path) not in names)
    edits = _edits(git, steps)
    if names:  # the merged tree has marks of conflict: what is left of it is made by itself
        tree = committed(git, base, edits, "undone in part\n")
    added, removed = counts(git, base, tree)
    diff = unified(git, base, tree)
    return Reverted(base=base, edits=edits, diff=diff, added=added, removed=removed, conflicts=names)


def merged(git: GitCommand, ancestor: str, *, ours: str, theirs: str) -> bytes:
    """Merge two trees as if `ancestor` were their common past: the tree, then the conflicted paths, NUL apart.

    `git merge-tree --merge-base` is younger than the git of Debian 12, so the past is told by three commits that only
    this merge sees.
    """
    past = commit_tree(git, f"{ancestor}^{{tree}}", (), "past", 0)
    left = commit_tree(git, f"{ours}^{{tree}}", (past,), "ours", 0)
    right = commit_tree(git, f"{theirs}^{{tree}}", (past,), "theirs", 0)
    words = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages", left, right)
    return git.run(*words, accept=(0, 1)).out


def _edits(git: GitCommand, steps: tuple[Step, ...]) -> tuple[FileEdit, ...]:
    for step in steps:
        check_path(step.path.decode("utf-8", "surrogateescape"))
        if {step.old_mode, step.new_mode} & {SYMLINK, SUBMODULE}:
            raise PermanentError(
                f"undoing it would touch {text(step.path)}, a symbolic link or a submodule: a human has to do that"
            )
    contents = blobs(git, sorted({step.new for step in steps if step.new_mode != ABSENT}))
    return tuple(
        FileEdit(path=step.path.decode(), content=contents.get(step.new), executable=step.new_mode == EXECUTABLE)
        for step in steps
    )
