"""The shop's repository: made from the template with a dated history, then changed by its developers.

Git runs as a subprocess, blind to the machine's own git configuration. A token travels in the environment of the one
git process that needs it; it is in no configuration, no URL and no message.
"""

import base64
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from demo.errors import GitError
from demo.faults import DEVELOPER, HISTORY, Commit
from demo.forge_api import ForgeApi

TEMPLATE = Path(__file__).parent / "shop"
OPENED = timedelta(days=60)
"""How long before the story the shop's first commit was made."""


class Git:
    """Runs git in one folder, as one role.

    `token` is sent to http remotes as GitHub wants it: user `x-access-token`, the token as password.
    """

    def __init__(self, folder: Path, *, token: str | None = None) -> None:
        self.folder = folder
        self._token = token

    def __call__(self, *arguments: str, author: str = DEVELOPER, when: datetime | None = None) -> str:
        """Run one git command and return what it printed, stripped. Raises GitError.

        `when` dates the commits that the command makes; None is now.
        """
        return self._run(*arguments, author=author, when=when).decode(errors="replace").strip()

    def file(self, sha: str, path: str) -> bytes:
        """What a file holds in a commit, byte for byte. Raises GitError."""
        return self._run("cat-file", "blob", f"{sha}:{path}", author=DEVELOPER, when=None)

    def export(self, sha: str, folder: Path) -> None:
        """Write the tree of a commit of this bare repository into a new folder. Raises GitError.

        The standard library's tarfile is no way there: its safe filter is missing from Python 3.11.2, Debian's own.
        """
        folder.mkdir(parents=True)
        (self.folder / "index").unlink(missing_ok=True)  # what the export before left behind
        self("--work-tree", str(folder.resolve()), "checkout", "--quiet", sha, "--", ".")

    def _run(self, *arguments: str, author: str, when: datetime | None) -> bytes:
        try:
            done = subprocess.run(
                ["git", *arguments],
                cwd=self.folder,
                env=self._environment(author, when),
                capture_output=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise GitError(f"git cannot run in {self.folder}: {error}; install git") from error
        if done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace").strip()
            raise GitError(f"`git {arguments[0]}` in {self.folder} ended with status {done.returncode}: {said}")
        return done.stdout

    def _environment(self, author: str, when: datetime | None) -> dict[str, str]:
        name, _, address = author.rstrip(">").partition(" <")
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "LC_ALL": "C",
            "HOME": os.devnull,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        }
        for role in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": address}
            if when is not None:
                environment[f"GIT_{role}_DATE"] = when.isoformat()
        if self._token is not None:
            basic = base64.b64encode(f"x-access-token:{self._token}".encode()).decode()
            environment |= {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "http.extraHeader",
                "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
            }
        return environment


class Clone:
    """A developer's private clone of the shop; `url` is any address that git understands."""

    def __init__(self, folder: Path, *, url: str, token: str | None = None) -> None:
        folder.mkdir(parents=True)
        self.tree = folder
        self.git = Git(folder, token=token)
        self.git("clone", "--quiet", url, ".")

    def head(self) -> str:
        """Return the sha of main on the remote."""
        return self.git("ls-remote", "origin", "refs/heads/main").split()[0]

    def push_branch(self, commit: Commit) -> str:
        """Commit on a fresh feature branch off the remote's main, push it, and return the branch."""
        self.git("fetch", "--quiet", "--prune", "origin")
        self._commit(commit, onto="origin/main", when=None)
        self.git("push", "--quiet", "origin", commit.branch)
        return commit.branch

    def merge(self, commit: Commit, *, when: datetime | None = None) -> str:
        """Merge a commit into main with a merge commit, without a pull request; return the merge's sha."""
        self.git("fetch", "--quiet", "--prune", "origin")
        self._commit(commit, onto="origin/main", when=when)
        self.git("checkout", "--quiet", "-B", "main", "origin/main")
        title = f"Merge branch '{commit.branch}'"
        self.git("merge", "--quiet", "--no-ff", "-m", title, "-m", commit.title, commit.branch, when=when)
        self.git("push", "--quiet", "origin", "main")
        return self.git("rev-parse", "HEAD")

    def _commit(self, commit: Commit, *, onto: str, when: datetime | None) -> None:
        self.git("checkout", "--quiet", "-B", commit.branch, onto)
        for edit in commit.edits:
            edit.apply(self.tree)
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", commit.message, author=commit.author, when=when)


class ShopRepository:
    """The shop on a forge: a clone, and the pull requests of its developers."""

    def __init__(self, folder: Path, *, url: str, api: ForgeApi, token: str) -> None:
        self.clone = Clone(folder, url=url, token=token)
        self._api = api

    def head(self) -> str:
        """Return the sha of main on the forge."""
        return self.clone.head()

    def merge_pull_request(self, commit: Commit, *, method: Literal["merge", "squash"] = "merge") -> str:
        """Push a branch, open a pull request, merge it; return the sha that main has now.

        Raises GitError, ForgeApiError.
        """
        branch = self.clone.push_branch(commit)
        number = self._api.open_pull_request(title=commit.title, body=commit.body, branch=branch)
        return self._api.merge_pull_request(number, method=method)


def create_repository(
    root: Path, *, until: datetime, owner: str = "acme", name: str = "shop", history: Sequence[Commit] = HISTORY
) -> Path:
    """Make the bare repository `root/owner/name.git` and return its path.

    main holds the template and the history, merged at even distances between 60 days before `until` and `until`.
    """
    bare = root / owner / f"{name}.git"
    bare.mkdir(parents=True)
    Git(bare)("init", "--quiet", "--bare", "--initial-branch=main")
    with tempfile.TemporaryDirectory(prefix="shop-") as folder:
        first = Path(folder) / "first"
        shutil.copytree(TEMPLATE, first, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        git = Git(first)
        git("init", "--quiet", "--initial-branch=main")
        git("add", "--all")
        git("commit", "--quiet", "-m", "Open the shop", when=until - OPENED)
        git("push", "--quiet", str(bare), "main")
        clone = Clone(Path(folder) / "clone", url=str(bare))
        for number, commit in enumerate(history, start=1):
            clone.merge(commit, when=until - OPENED * (1 - number / (len(history) + 1)))
    return bare
