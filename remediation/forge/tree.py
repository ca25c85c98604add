"""Trees: a base with edits made, as git objects. Nothing is checked out: paths never meet a file system."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from cases.change import FileEdit
from cases.errors import PermanentError
from remediation.forge.git_command import GitCommand
from remediation.forge.own_index import own_index

AUTHOR = ("Trackwalker", "trackwalker@noreply.invalid")
FILE, EXECUTABLE, SYMLINK, SUBMODULE = "100644", "100755", "120000", "160000"
ABSENT = "000000"
LARGEST_TREE = 256 * 1024 * 1024
LARGEST_EDIT = 8 * 1024 * 1024
LONGEST_PATH = 1024
FAR = 100  # commits of others that may lie on top of ours


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One path that differs between two trees: modes and blob shas on both sides, as in `diff-tree --raw`."""

    path: bytes
    status: str
    old_mode: str
    new_mode: str
    old: str
    new: str


def check_path(path: str) -> None:
    """Raise PermanentError for a path that no edit may name: escapes, git's own folder, invisible characters."""
    parts = path.split("/")
    # Cc: newline and other controls, Cf: bidi marks and zero-width, Cs: what was no UTF-8
    unseen = any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in path)
    folded = [unicodedata.normalize("NFKC", part).casefold().rstrip(". ") for part in parts]
    gits = any(part in {".git", "git~1"} or part.startswith(".git:") for part in folded)
    escapes = any(part in {"", ".", ".."} for part in parts)
    if unseen or gits or escapes or "\\" in path or len(path) > LONGEST_PATH:
        shown = path[:120].encode("unicode_escape").decode("ascii")
        raise PermanentError(f"no edit may touch {shown!r}: it is not a plain path inside the repository")


def changed(git: GitCommand, old: str, new: str) -> tuple[Step, ...]:
    """The paths that differ between two trees, renames taken apart."""
    out = git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-abbrev", old, new).out
    fields = out.split(b"\0")[:-1]
    steps: list[Step] = []
    for head, path in zip(fields[::2], fields[1::2], strict=True):
        old_mode, new_mode, before, after, status = head.decode("ascii").lstrip(":").split(" ")
        step = Step(path=path, status=status, old_mode=old_mode, new_mode=new_mode, old=before, new=after)
        steps.append(step)
    return tuple(steps)


def committed(git: GitCommand, base: str, edits: Sequence[FileEdit], message: str, *, at: int = 0) -> str:
    """The sha of a commit on top of `base` that holds `base` plus the edits, and nothing else.

    The same call gives the same sha, today and tomorrow: author and dates are made from `base`. `at` is an epoch second
    that the commit is dated by where it is later.
    """
    tree = _tree(git, base, edits)
    born = int(git.line("log", "-1", "--format=%ct", base)) + 1
    return commit_tree(git, tree, (base,), message, max(born, at))


def commit_tree(git: GitCommand, tree: str, parents: Sequence[str], message: str, born: int) -> str:
    """Store a commit; `born` is its date in epoch seconds."""
    name, mail = AUTHOR
    who = {
        f"GIT_{role}_{part}": value
        for role in ("AUTHOR", "COMMITTER")
        for part, value in (("NAME", name), ("EMAIL", mail), ("DATE", f"@{born} +0000"))
    }
    above = [word for parent in parents for word in ("-p", parent)]
    return git.line("commit-tree", tree, *above, "-F", "-", stdin=message.encode(), environment=who)


def our_last(git: GitCommand, tip: str | None, base: str) -> str:
    """The last commit of ours at or below `tip`, which others may have committed on since. It holds `base`.

    PermanentError where there is none: the branch is gone, or somebody put something else in its place.
    """
    if tip is not None:
        rows = git.line("log", "--first-parent", f"--max-count={FAR}", "--format=%H %ce", tip, f"^{base}").splitlines()
        ours = next((row.split()[0] for row in rows if row.endswith(f" {AUTHOR[1]}")), None)
        if ours and git.run("merge-base", "--is-ancestor", base, ours, accept=(0, 1)).status == 0:
            return ours
    raise PermanentError(f"no commit of ours on {base[:10]} is there any more: the branch is gone, or not ours now")


def archived(git: GitCommand, commit: str) -> bytes:
    """An uncompressed tar of the commit's tree. PermanentError when it is too large to be tried."""
    listing = git.run("ls-tree", "-r", "-l", "-z", commit).out
    size = sum(int(found) for found in re.findall(rb"(?:^|\0)\d+ blob \w+ +(\d+)\t", listing))
    if size > LARGEST_TREE:
        raise PermanentError(
            f"the tree at {commit[:10]} holds {size >> 20} MiB, more than the {LARGEST_TREE >> 20} MiB that are tried"
        )
    return git.run("archive", "--format=tar", commit).out


def blobs(git: GitCommand, shas: Sequence[str]) -> dict[str, bytes]:
    """The contents of blobs. PermanentError for one that is too large to be proposed."""
    listed = "".join(f"{sha}\n" for sha in shas).encode()
    for line in git.run("cat-file", "--batch-check=%(objectname) %(objectsize)", stdin=listed).out.splitlines():
        sha, size = line.decode("ascii").split(" ")
        if int(size) > LARGEST_EDIT:
            raise PermanentError(f"a file of {int(size) >> 20} MiB ({sha[:10]}) is too large to be proposed")
    out = git.run("cat-file", "--batch", stdin=listed).out
    found: dict[str, bytes] = {}
    while out:
        head, _, out = out.partition(b"\n")
        sha, _, size = head.decode("ascii").split(" ")
        found[sha], out = out[: int(size)], out[int(size) + 1 :]
    return found


def _tree(git: GitCommand, base: str, edits: Sequence[FileEdit]) -> str:
    lines: list[bytes] = []
    wanted: dict[bytes, tuple[str, str]] = {}
    for edit in edits:
        check_path(edit.path)
        path = edit.path.encode()
        if path in wanted:
            raise PermanentError(f"{edit.path} is edited twice in one change")
        wanted[path] = _entry(git, edit)
    # Removals first: a folder may take the place of a file that goes away.
    for path, (mode, blob) in sorted(wanted.items(), key=lambda item: item[1][0] != ABSENT):
        lines.append(f"{0 if mode == ABSENT else mode} {blob}\t".encode() + path + b"\0")
    with own_index(git) as index:
        git.run("read-tree", base, environment=index)
        git.run("update-index", "-z", "--index-info", stdin=b"".join(lines), environment=index)
        tree = git.line("write-tree", environment=index)
    _check(git, base, tree, wanted)
    return tree


def _entry(git: GitCommand, edit: FileEdit) -> tuple[str, str]:
    """The mode and blob that the edit leaves at its path."""
    if edit.content is None:
        return ABSENT, "0" * 40
    blob = git.line("hash-object", "-w", "-t", "blob", "--no-filters", "--stdin", stdin=edit.content)
    return EXECUTABLE if edit.executable else FILE, blob


def _check(git: GitCommand, base: str, tree: str, wanted: dict[bytes, tuple[str, str]]) -> None:
    """Raise PermanentError unless the tree is `base` plus exactly what is wanted, with plain files on both sides."""
    steps = {step.path: step for step in changed(git, base, tree)}
    for path, step in steps.items():
        if {step.old_mode, step.new_mode} & {SYMLINK, SUBMODULE}:
            raise PermanentError(f"{path!r} is a symbolic link or a submodule: no edit may touch it")
        if wanted.get(path) != (step.new_mode, step.new):
            raise PermanentError(f"the edits would also change {path!r}: they are not applied")
    for path, (mode, _) in wanted.items():
        if path not in steps:
            because = "there is no such file" if mode == ABSENT else "it holds just that already"
            raise PermanentError(f"the edit of {path!r} changes nothing: {because}")
