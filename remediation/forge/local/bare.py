"""Bare: one repository of the local forge, as git has it. Git is the only truth for refs, commits, diffs and merges."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from remediation.forge.git_command import GitCommand, text
from remediation.forge.revert import merged
from remediation.forge.tree import Step, changed

if TYPE_CHECKING:
    from git import Repo

ZERO = "0" * 40
WAYS = frozenset({"merge", "squash", "rebase"})
_REF = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]*")
_STATUS = {"A": "added", "D": "removed", "M": "modified", "T": "changed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """An author or committer; `at` is ISO-8601 with an offset."""

    name: str
    mail: str
    at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What git stores of a commit."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Who
    committer: Who
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    """One file of a diff. `patch` is "" for a binary file, or where only the mode changed."""

    path: str
    status: str
    sha: str
    added: int
    removed: int
    patch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """An entry of a folder."""

    mode: str
    kind: str
    sha: str
    size: int
    path: str


class Bare:
    """The repository `owner/name` in the folder `DIR/owner/name.git`."""

    def __init__(self, full_name: str, folder: Path) -> None:
        self.full_name = full_name
        self.folder = folder
        self._git = GitCommand(folder)

    @property
    def archived(self) -> bool:
        """Whether the owner closed it for writing, by a file named `archived` in the bare repository."""
        return (self.folder / "archived").exists()

    @property
    def ways(self) -> frozenset[str]:
        """How pull requests may be merged: what a file named `merges` in the bare repository lists, or every way."""
        file = self.folder / "merges"
        return frozenset(file.read_text().split()) if file.exists() else WAYS

    def default_branch(self) -> str:
        """The branch that HEAD names, whether it has a commit or not."""
        if self._in_tables:
            return self._git.line("symbolic-ref", "HEAD").removeprefix("refs/heads/")
        return self._files.active_branch.name

    @cached_property
    def _files(self) -> "Repo":
        """The repository as GitPython reads it from its files: most requests ask for refs, and a process is dear."""
        from git import Repo

        return Repo(self.folder)

    @property
    def _in_tables(self) -> bool:
        """Whether its refs are kept as a reftable, which git alone can read."""
        return (self.folder / "reftable").exists()

    def branches(self) -> dict[str, str]:
        """Name → sha at the tip, by name."""
        out = self._git.run("for-each-ref", "--format=%(refname:lstrip=2)%00%(objectname)", "refs/heads/").out
        return dict(line.split("\0") for line in text(out).splitlines())

    def tip(self, branch: str) -> str | None:
        """The sha at the tip of a branch."""
        return self.ref(f"heads/{branch}")

    def ref(self, name: str) -> str | None:
        """The sha of the reference `refs/<name>`."""
        from git import SymbolicReference

        if not _is_plain(name):
            return None
        if self._in_tables:
            answer = self._git.ask("rev-parse", "--verify", "--quiet", f"refs/{name}")
            return text(answer.out).strip() if answer.status == 0 else None
        try:
            return SymbolicReference.dereference_recursive(self._files, f"refs/{name}")
        except ValueError:
            return None

    def resolve(self, name: str) -> str | None:
        """The commit that a branch, a tag, a sha or the start of one names."""
        if not _is_plain(name):
            return None
        tip = self.tip(name.removeprefix("refs/").removeprefix("heads/"))
        if tip is not None:
            return tip
        for known in (self.ref(f"tags/{name}"), name if _is_sha(name) else None):
            if known is None:
                continue
            answer = self._git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{known}^{{commit}}")
            if answer.status == 0:
                return text(answer.out).strip()
        return None

    def update(self, name: str, new: str, old: str | None) -> bool:
        """Set `refs/<name>` if it is at `old` (None: not there). False when it is not."""
        answer = self._git.ask("update-ref", f"refs/{name}", new, ZERO if old is None else old)
        return answer.status == 0

    def delete(self, name: str, old: str) -> bool:
        """Remove `refs/<name>` if it is at `old`."""
        return self._git.ask("update-ref", "-d", f"refs/{name}", old).status == 0

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `older` is `newer` or comes before it."""
        return self._git.run("merge-base", "--is-ancestor", older, newer, accept=(0, 1)).status == 0

    def merge_base(self, left: str, right: str) -> str | None:
        """The best common ancestor, or None for unrelated histories."""
        return text(self._git.run("merge-base", left, right, accept=(0, 1)).out).strip() or None

    def count(self, left: str, right: str) -> tuple[int, int]:
        """Commits only in `left`, only in `right`."""
        behind, ahead = self._git.line("rev-list", "--left-right", "--count", f"{left}...{right}").split("\t")
        return int(behind), int(ahead)

    def log(self, *words: str, path: str = "") -> list[Facts]:
        """Commits, newest first; `words` are what git-log takes: shas, exclusions, limits."""
        shape = "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B"
        out = self._git.run("log", "-z", "--encoding=UTF-8", shape, *words, "--", *([path] if path else [])).out
        fields = [text(field) for field in out.removesuffix(b"\0").split(b"\0")] if out else []
        return [_facts(fields[at : at + 10]) for at in range(0, len(fields), 10)]

    def facts(self, sha: str) -> Facts:
        """One commit."""
        return self.log("--max-count=1", sha)[0]

    def files(self, old: str | None, new: str) -> list[FileDiff]:
        """What differs from `old` to `new`; None is the empty tree."""
        before = old or self._git.line("hash-object", "-t", "tree", "-w", "--stdin")
        return [self._file(before, new, step) for step in changed(self._git, before, new)]

    def diff(self, old: str, new: str) -> str:
        """The whole diff as text."""
        return text(self._git.run("diff-tree", "-p", "--no-renames", "--no-ext-diff", "--no-textconv", old, new).out)

    def merged_tree(self, ours: str, theirs: str) -> str | None:
        """The tree of a merge, or None when it conflicts."""
        answer = self._git.run("merge-tree", "--write-tree", "--no-messages", "-z", ours, theirs, accept=(0, 1))
        return None if answer.status else text(answer.out).split("\0")[0].strip()

    def picked_tree(self, commit: str, onto: str) -> str | None:
        """The tree of `onto` with what one commit changed done to it as well, or None where that conflicts."""
        parent = self.facts(commit).parents[0]
        tree, *conflicts = [
            text(part) for part in merged(self._git, parent, ours=onto, theirs=commit).split(b"\0") if part
        ]
        return None if conflicts else tree

    def commit(self, tree: str, parents: Sequence[str], message: str, login: str) -> str:
        """Store a commit made by that person now."""
        mail = f"{login}@users.noreply.invalid"
        who = {f"GIT_{role}_NAME": login for role in ("AUTHOR", "COMMITTER")}
        who |= {f"GIT_{role}_EMAIL": mail for role in ("AUTHOR", "COMMITTER")}
        above = [word for parent in parents for word in ("-p", parent)]
        return self._git.line("commit-tree", tree, *above, "-F", "-", stdin=message.encode(), environment=who)

    def listing(self, sha: str, path: str) -> list[Item]:
        """The entries of a folder of the commit's tree; "" is its top."""
        return self._items("ls-tree", "-l", "-z", f"{sha}:{path}" if path else sha, above=f"{path}/" if path else "")

    def item(self, sha: str, path: str) -> Item | None:
        """What is at that path, or None."""
        if any(part in {"", ".", ".."} for part in path.split("/")):
            return None
        found = self._items("ls-tree", "-l", "-z", sha, "--", path)
        return next((item for item in found if item.path == path), None)

    def blob(self, sha: str) -> bytes:
        """The content of a blob."""
        return self._git.run("cat-file", "blob", sha).out

    def _items(self, *words: str, above: str = "") -> list[Item]:
        items: list[Item] = []
        for row in self._git.run(*words).out.split(b"\0")[:-1]:
            head, _, name = row.partition(b"\t")
            mode, kind, sha, size = head.decode("ascii").split()
            entry = Item(mode=mode, kind=kind, sha=sha, size=int(size) if size != "-" else 0, path=above + text(name))
            items.append(entry)
        return items

    def _file(self, old: str, new: str, step: Step) -> FileDiff:
        path = text(step.path)
        only = (old, new, "--", step.path.decode("utf-8", "surrogateescape"))
        plus, minus, *_ = text(self._git.run("diff-tree", "-r", "--numstat", "--no-renames", *only).out).split("\t")
        whole = text(self._git.run("diff-tree", "-r", "-p", "--no-renames", "--no-textconv", *only).out)
        return FileDiff(
            path=path,
            status=_STATUS[step.status],
            sha=step.old if step.status == "D" else step.new,
            added=int(plus) if plus != "-" else 0,
            removed=int(minus) if minus != "-" else 0,
            patch=whole[at:].rstrip("\n") if (at := whole.find("\n@@ ") + 1) else "",
        )


def _is_plain(name: str) -> bool:
    return bool(_REF.fullmatch(name)) and ".." not in name


def _is_sha(name: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{7,40}", name) is not None


def _facts(fields: Sequence[str]) -> Facts:
    sha, tree, parents, name, mail, at, name2, mail2, at2, message = fields
    return Facts(
        sha=sha,
        tree=tree,
        parents=tuple(parents.split()),
        author=Who(name=name, mail=mail, at=at),
        committer=Who(name=name2, mail=mail2, at=at2),
        message=message.rstrip("\n"),
    )
