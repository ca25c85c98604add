"""What a tree holds, and how two trees differ, for readers."""

from remediation.forge.git_command import GitCommand, text
from remediation.forge.tree import EXECUTABLE, FILE, check_path


def content(git: GitCommand, commit: str, path: str) -> bytes | None:
    """What the regular file at `path` holds in a commit; None when there is none, or it is a link or a folder.

    PermanentError for a path that no edit may name.
    """
    check_path(path)
    listed = git.run("--literal-pathspecs", "ls-tree", "-z", commit, "--", path).out
    mode, _, blob = text(listed.partition(b"\t")[0]).partition(" blob ")
    return git.run("cat-file", "blob", blob).out if mode in {FILE, EXECUTABLE} and blob else None


def unified(git: GitCommand, old: str, new: str) -> str:
    """The unified diff between two trees, renames taken apart."""
    return text(git.run("diff-tree", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", old, new).out)


def counts(git: GitCommand, old: str, new: str) -> tuple[int, int]:
    """Lines added and removed; a binary file counts none."""
    out = git.run("diff-tree", "-r", "-z", "--numstat", "--no-renames", old, new).out
    rows = [row.split(b"\t")[:2] for row in out.split(b"\0") if row]
    added = sum(int(plus) for plus, _ in rows if plus != b"-")
    return added, sum(int(minus) for _, minus in rows if minus != b"-")
