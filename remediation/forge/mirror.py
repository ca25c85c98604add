"""Mirror: a bare copy of one remote below the cache folder, kept fresh. It has no work tree, ever."""

import base64
import hashlib
import re
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cases.errors import PermanentError, TemporaryError, TrackwalkerError
from remediation.forge.git_command import LONGEST_REASON, NOT_FOUND, Answer, GitCommand, local_error, locked, text
from remediation.forge.own_index import OWN_INDEX
from remediation.forge.quota import Quota
from remediation.forge.repository import ForgeRepository
from remediation.forge.token import ADVICE, TokenRefused, shared

TRACKED = "refs/remotes/origin/"
TRANSFER_LIMIT = timedelta(minutes=10)
DEAD_LOCK_S = 5.0  # a git holds a lock for milliseconds; one this old was left by a git that was killed
SHA = re.compile(r"[0-9a-f]{7,64}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,127}")

# These attributes could leave files out of an archive or rewrite them. info/attributes outranks every .gitattributes
# of the tree, so that what is tried in the sandbox is what is pushed, byte for byte.
ATTRIBUTES = "* -export-ignore -export-subst -text -eol -ident -filter -working-tree-encoding\n"


class Mirror:
    """One remote repository on this machine. Safe to use from several threads; a cache, safe to delete when idle.

    `token` is asked for anew at each use of the network, so that a rotated one is seen. A push counts against `quota`.
    `local_files` allows `file://`.
    """

    def __init__(
        self,
        repository: ForgeRepository,
        token: Callable[[], str],
        cache: Path,
        *,
        quota: Quota | None = None,
        local_files: bool = False,
    ) -> None:
        self._quota = quota
        self.repository = repository
        self._token = shared(token)
        digest = hashlib.sha256(repository.url.encode()).hexdigest()[:12]
        self.folder = cache.absolute() / f"{repository.full_name.replace('/', '-')}-{digest}.git"
        scheme = urlsplit(repository.url).scheme
        allowed = {"protocol.http.allow": "always", "protocol.https.allow": "always"} if scheme != "file" else {}
        if scheme == "file" and local_files:
            allowed = {"protocol.file.allow": "always"}
        self.git = GitCommand(self.folder, settings=allowed)
        self._lock = threading.RLock()
        self._ready = False

    def fetch(self) -> None:
        """Bring every branch up to date."""
        with self._lock:
            self._prepare()
            spec = f"+refs/heads/*:{TRACKED}*"
            words = ("--quiet", "--prune", "--no-tags", "--no-write-fetch-head", self.repository.url, spec)
            answer = self._network("fetch", *words)
        if answer.status != 0 or answer.timed_out:
            raise self._error(answer, "fetch")

    def head(self) -> str:
        """The sha at the tip of the watched branch as of the last fetch."""
        tip = self.tip(self.repository.branch)
        if tip is None:
            branches = self.git.line("for-each-ref", "--count=1", "--format=%(refname)", TRACKED)
            if not branches and self._had_commits():
                raise self._emptied("fetch")
            because = f"it has no branch {self.repository.branch}" if branches else "it is empty: push a commit first"
            raise PermanentError(f"repository {self.repository.name} at {self.repository.url} has no tip: {because}")
        return tip

    def tip(self, branch: str) -> str | None:
        """The sha at the tip of a branch as of the last fetch."""
        return self._commit(f"{TRACKED}{branch}")

    def resolve(self, sha: str) -> str | None:
        """The whole sha of a commit, looked for here and then at the remote; None when there is no such commit."""
        if not SHA.fullmatch(sha):
            return None
        with self._lock:
            self._prepare()
        found = self._commit(sha)
        if found is None:
            self.fetch()
            found = self._commit(sha)
        return found if found is not None and found.startswith(sha) else None

    def known(self, sha: str) -> str:
        """As `resolve`, but an unknown commit is a PermanentError."""
        found = self.resolve(sha)
        if found is None:
            raise PermanentError(f"repository {self.repository.name} has no commit {sha[:64]!r}")
        return found

    def contains(self, sha: str, ancestor: str) -> bool:
        """Whether `ancestor` is `sha` or one of its ancestors."""
        whole, older = self.resolve(sha), self.resolve(ancestor)
        if whole is None or older is None:
            return False
        return self.git.run("merge-base", "--is-ancestor", older, whole, accept=(0, 1)).status == 0

    def remote_tip(self, branch: str) -> str | None:
        """What the remote has at the tip of that branch right now."""
        ref = f"refs/heads/{branch}"
        return self._listed("look at the branches of", ref).get(ref)

    def tagged(self, tag: str) -> str | None:
        """The commit that a tag of the remote points to, an annotated one looked through; None without such a tag."""
        if not TAG.fullmatch(tag):
            return None
        ref = f"refs/tags/{tag}"
        found = self._listed("look at the tags of", ref, f"{ref}^{{}}")
        return found.get(f"{ref}^{{}}") or found.get(ref)

    def push(self, commit: str, branch: str, *, expected: str | None, dry: bool = False, urgent: bool = False) -> str:
        """Set the branch to the commit if the remote still has `expected` there (None: no such branch).

        Returns "" when it is done, else why the remote refused it: look again, somebody may have been quicker.
        `urgent`: no quota holds it up.
        """
        if self._quota is not None and not (dry or urgent):
            self._quota.before("POST")
        ref = f"refs/heads/{branch}"
        words = ["push", "--porcelain", f"--force-with-lease={ref}:{expected or ''}"]
        words += ["--dry-run"] if dry else []
        answer = self._network(*words, self.repository.url, f"{commit}:{ref}")
        if answer.status == 0 and not answer.timed_out:
            return ""
        refused = re.search(rf"^!\t[^\t]*:{re.escape(ref)}\t(\[.+)$", text(answer.out), re.MULTILINE)
        if refused is None:
            raise self._error(answer, "push to")
        return "".join(c if c.isprintable() else "?" for c in refused[1])[:LONGEST_REASON]

    def refusal(self, branch: str, reason: str) -> PermanentError:
        """What to tell when the remote refused a push for its own reasons."""
        return PermanentError(
            f"the forge refuses a push of {branch} to {self.repository.name}: {reason}. "
            f"Look at its branch rules and at what the token may do"
        )

    def _listed(self, verb: str, *refs: str) -> dict[str, str]:
        """Those of the refs that the remote has right now, with their shas.

        The watched branch is asked for beside them: git takes blanks, or nothing at all, for a list of no refs.
        """
        with self._lock:
            self._prepare()
        watched = f"refs/heads/{self.repository.branch}"
        answer = self._network("ls-remote", "--quiet", self.repository.url, watched, *refs)
        if answer.status != 0 or answer.timed_out:
            raise self._error(answer, verb)
        rows = (line.partition("\t") for line in text(answer.out).splitlines())
        found = {name: sha for sha, _, name in rows}
        if not found and self._had_commits():
            raise self._emptied(verb)
        return found

    def _had_commits(self) -> bool:
        """Whether anything was ever fetched."""
        objects = self.folder / "objects"
        return any(any(part.iterdir()) for part in objects.iterdir() if part.name != "info")

    def _emptied(self, verb: str) -> TemporaryError:
        return TemporaryError(f"cannot {verb} {self.repository.url}: it answers as if it were empty, and it is not")

    def _prepare(self) -> None:
        if self._ready:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self._sweep()
        # also over what is there: an earlier life may have been killed in the middle of this
        self.git.run("init", "--quiet", "--bare", "--template=", "--initial-branch=main", str(self.folder))
        (self.folder / "info").mkdir(exist_ok=True)
        (self.folder / "info" / "attributes").write_text(ATTRIBUTES, encoding="ascii")
        self._ready = True

    def _sweep(self) -> None:
        """Remove the locks and indexes of gits that were killed with their daemon: no other daemon uses this folder.

        A young one may be of a git that outlived its daemon for a moment: it stays for the next try.
        """
        mark = self.folder / "swept"
        mark.touch()
        now = mark.stat().st_mtime  # by the clock of the disk, as the locks are
        for left in (*self.folder.rglob("*.lock"), *self.folder.glob(f"{OWN_INDEX}*")):
            with suppress(FileNotFoundError):
                if now - left.stat().st_mtime < DEAD_LOCK_S:
                    continue
                if left.is_dir():
                    shutil.rmtree(left)
                else:
                    left.unlink()

    def _commit(self, name: str) -> str | None:
        answer = self.git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
        return text(answer.out).strip() if answer.status == 0 else None

    def _network(self, *words: str) -> Answer:
        """Run a command that talks to the remote. The token is in this one call's environment and nowhere else.

        It raises nothing, and takes the token out of what the remote said: no message and no frame of an error has it.
        """
        parts = urlsplit(self.repository.url)
        if parts.scheme == "file":
            return self.git.ask(*words, timeout=TRANSFER_LIMIT)
        token = self._token()
        pair = base64.b64encode(f"x-access-token:{token}".encode()).decode()
        key = f"http.{parts.scheme}://{parts.netloc}/.extraHeader"
        answer = self.git.ask(*words, settings={key: f"Authorization: Basic {pair}"}, timeout=TRANSFER_LIMIT)
        said = answer.err.replace(pair, "***")
        return replace(answer, err=said.replace(token, "***") if token else said)

    def _error(self, answer: Answer, verb: str) -> TrackwalkerError:
        what = f"cannot {verb} {self.repository.url}"
        if locked(answer.err):
            self._ready = False  # the next try sweeps
        lower = answer.err.lower().replace(self.repository.url.lower(), "")  # a name in it is no sign of anything
        if any(sign in lower for sign in UNKNOWN_TOKEN):
            self._token.refuse()
            return TokenRefused(f"{what}: {ADVICE} ({answer.reason})")
        for kind, signs, advice in MEANINGS:
            if any(sign in lower for sign in signs):
                return kind(f"{what}: {advice} ({answer.reason})")
        if answer.status == NOT_FOUND:
            return local_error(answer, verb, self.folder)
        return TemporaryError(f"{what}: {'it took too long' if answer.timed_out else answer.reason}")


UNKNOWN_TOKEN = ("error: 401", "authentication failed", "could not read username", "could not read password")
"""What git says when the token is not taken."""

MEANINGS: tuple[tuple[type[TemporaryError | PermanentError], tuple[str, ...], str], ...] = (
    (PermanentError, ("was archived",), "it is archived: unarchive it or take it out of the configuration"),
    (
        PermanentError,
        ("error: 403", "write access to repository not granted", "permission to"),
        "the token has no permission for this: give it read and write access to contents and pull requests",
    ),
    (
        PermanentError,
        ("error: 404", "repository not found", "' not found", "not appear to be a git repository"),
        "there is no such repository, or the token may not see it: check the url and the token",
    ),
    (
        PermanentError,
        ("redirect", "error: 301", "error: 302", "error: 307", "error: 308"),
        "it moved or was renamed: set its new url",
    ),
    (PermanentError, ("not allowed",), "this kind of address is not allowed"),
    (
        PermanentError,
        ("fsck error", "fsck.c"),
        "its history holds an object that git finds dangerous: have it looked at",
    ),
    (TemporaryError, ("no space left on device",), "the disk of the cache folder is full: make room there"),
    (TemporaryError, ("error: 429",), "the forge asks to slow down"),
)
"""What git's complaints mean, first match first; everything else that has to do with the network may pass by itself."""
