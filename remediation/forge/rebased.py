"""Pull requests that were merged by rebase: several commits on the watched branch, and none that says so."""

from collections.abc import Sequence
from dataclasses import dataclass

from cases.errors import PermanentError
from remediation.forge.git_command import GitCommand, text

MOST = 50  # commits of one pull request that are undone together


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What the forge says of a merged pull request: the sha that the branch had after it, and its commits' titles."""

    sha: str
    titles: Sequence[str]


def is_merge(git: GitCommand, commit: str) -> bool:
    """Whether a commit has several parents: it stands for its pull request by itself."""
    return len(_parents(git, commit)) > 1


def together(git: GitCommand, commit: str, merged: Merged) -> tuple[str, ...]:
    """The commits of the watched branch that are the pull request's, oldest first; `commit` alone where git disagrees.

    They end at the forge's sha, one upon the other, as many as the pull request had, by the same titles, and `commit`
    is one of them. A squash commit is one, whatever the pull request had.
    """
    if not 1 < len(merged.titles) <= MOST:
        return (commit,)
    words = (
        "log",
        "-z",
        "--first-parent",
        "--encoding=UTF-8",
        f"--max-count={len(merged.titles)}",
        "--format=%H%x01%P%x01%s",
    )
    try:
        rows = [row.split("\x01") for row in text(git.run(*words, merged.sha).out).removesuffix("\0").split("\0")]
    except PermanentError:
        return (commit,)  # the branch has no such commit any more
    rows.reverse()
    one_by_one = all(len(parents.split()) == 1 for _, parents, _ in rows)
    shas = tuple(sha for sha, _, _ in rows)
    same = [title for _, _, title in rows] == [title.strip() for title in merged.titles]
    return shas if one_by_one and same and commit in shas else (commit,)


def _parents(git: GitCommand, commit: str) -> list[str]:
    return git.line("rev-list", "--parents", "-n", "1", commit).split(" ")[1:]
