"""The outside as it stood at a moment, for reading only: whatever would write raises, and is a bug."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta

from cases.change import FileEdit, Part, Reverted
from cases.diagnosis import Commit
from cases.errors import PermanentError
from cases.marks import Ci, ProofReport
from cases.merging import Obstacle
from cases.moments import iso, utc
from cases.ports import Changes, Clock, Forge
from cases.pull_request import Board, Comment, OpenWork, PullRequest, Remark, ShownChange
from cases.steps import Notice, Receipt
from cases.telemetry import Deploy
from cases.trying import Recipe, SandboxReport, TrialOrder

BACK = (timedelta(days=2), timedelta(days=30), timedelta(days=365), timedelta(days=3650))
"""How far back the tip is looked for: most branches have a commit of the last days, and patches are dear to read."""


class OutwardWrite(Exception):  # noqa: N818 - it names what was tried
    """A replay was about to write to the outside: a bug of this program, never caught."""


class StandingClock:
    """A clock whose date stands still. Intervals are real: a trial takes the time that it takes."""

    def __init__(self, at: datetime, clock: Clock) -> None:
        self._at = utc(at, "a standing clock")
        self._clock = clock

    def now(self) -> datetime:
        """The moment that is replayed."""
        return self._at

    def monotonic(self) -> float:
        """Real seconds."""
        return self._clock.monotonic()

    def wait(self, duration: timedelta) -> bool:
        """Wait in real time."""
        return self._clock.wait(duration)


class ReadOnlyForge:
    """A `Forge` as of a moment: its tip is the watched branch's newest first-parent commit up to then.

    A commit counts from its committer time on. Nothing can be written; no pull request of ours is known, as there was
    no daemon then.
    """

    def __init__(self, forge: Forge, at: datetime) -> None:
        self._forge = forge
        self._at = at
        self._tips: dict[str, str] = {}

    def head(self, repository: str) -> str:
        """The tip at the moment. PermanentError when the branch had no commit by then."""
        tip = self._tips.get(repository)
        if tip is None:
            tip = self._tips[repository] = self._tip(repository)
        return tip

    def commits(self, repository: str, since: datetime, until: datetime) -> tuple[Commit, ...]:
        """The first-parent commits in the window, as far as it had come."""
        return self._forge.commits(repository, since, min(until, self._at)) if since <= self._at else ()

    def contains(self, repository: str, sha: str, ancestor: str) -> bool:
        """Whether `ancestor` is `sha` or one of its ancestors."""
        return self._forge.contains(repository, sha, ancestor)

    def tree(self, repository: str, base: str, edits: Sequence[FileEdit]) -> bytes:
        """A tar of the tree at `base` with the edits made."""
        return self._forge.tree(repository, base, edits)

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        """What the file at `path` holds in the tree of `sha`."""
        return self._forge.read(repository, sha, path)

    def part(self, repository: str, base: str, edits: Sequence[FileEdit]) -> Part:
        """The edits on top of `base`, with their diff."""
        return self._forge.part(repository, base, edits)

    def tagged(self, repository: str, tag: str) -> str | None:
        """The commit that the git tag points to; tags carry no date, so this is as of today."""
        return self._forge.tagged(repository, tag)

    def revert(self, repository: str, base: str, commit: str, first: str = "") -> Reverted:
        """Undo one commit, or all from `first` to it, on top of `base`, without touching anything."""
        return self._forge.revert(repository, base, commit, first)

    def came_with(self, repository: str, sha: str) -> tuple[str, ...]:
        """The commits that one pull request brought with this one: what the forge says of it today."""
        return self._forge.came_with(repository, sha)

    def push(self, repository: str, branch: str, base: str, edits: Sequence[FileEdit], message: str) -> Receipt:
        """Refused."""
        raise OutwardWrite(
            f"push {branch} of {repository} ({len(edits)} files on {base[:10]}, {len(message)} characters)"
        )

    def find_pull_request(self, repository: str, branch: str) -> PullRequest | None:
        """None: there was none then."""
        del repository, branch
        return None

    def open_pull_request(
        self, repository: str, branch: str, title: str, body: str, labels: Sequence[str], *, draft: bool
    ) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"open {branch} of {repository} ({title!r}, {len(body)} characters, {labels}, {draft})")

    def comment(self, repository: str, branch: str, key: str, body: str) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"comment {key} on {branch} of {repository} ({len(body)} characters)")

    def to_draft(self, repository: str, branch: str) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"take {branch} of {repository} back to a draft")

    def to_ready(self, repository: str, branch: str) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"show {branch} of {repository} for review")

    def update(
        self, repository: str, branch: str, base: str, edits: Sequence[FileEdit], message: str, onto: str
    ) -> Receipt:
        """Refused."""
        on = f"{base[:10]} and {onto[:10]}"
        raise OutwardWrite(f"push {branch} of {repository} ({len(edits)} files on {on}, {len(message)} characters)")

    def conflicts(self, repository: str, sha: str) -> tuple[str, ...]:
        """None: nothing was ever opened."""
        del repository, sha
        return ()

    def remarks(self, repository: str, branch: str) -> tuple[Remark, ...]:
        """None: nothing was ever opened."""
        del repository, branch
        return ()

    def reply(self, repository: str, branch: str, remark: int, key: str, body: str) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"answer {remark} as {key} on {branch} of {repository} ({len(body)} characters)")

    def react(self, repository: str, comment: int, word: str) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"put {word} under {comment} in {repository}")

    def rewrite(self, repository: str, branch: str, body: str) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"rewrite {branch} of {repository} ({len(body)} characters)")

    def relabel(self, repository: str, branch: str, add: Collection[str], remove: Collection[str]) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"label {branch} of {repository} (+{sorted(add)} -{sorted(remove)})")

    def board(self, repository: str) -> Board | None:
        """None: what it said then is not known."""
        del repository
        return None

    def write_board(self, repository: str, title: str, body: str, seen: str | None) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"write the dashboard of {repository} ({title!r}, {len(body)} characters, {seen is None})")

    def comments(self, repository: str, branch: str) -> tuple[Comment, ...]:
        """None: nothing was ever opened."""
        del repository, branch
        return ()

    def show(self, repository: str, branch: str, title: str, body: str) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"show {branch} in an issue of {repository} ({title!r}, {len(body)} characters)")

    def shown(self, repository: str) -> tuple[ShownChange, ...]:
        """None: what was shown then is not known."""
        del repository
        return ()

    def hide(self, repository: str, branch: str, key: str, body: str, *, done: bool) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"close the issue of {branch} in {repository} as {key} ({len(body)} characters, {done})")

    def store_plot(
        self, repository: str, path: str, content: bytes, beside: Mapping[str, str] | None = None
    ) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"store {path} in {repository} ({len(content)} bytes, {sorted(beside or ())} beside)")

    def plot_url(self, repository: str, path: str) -> str:
        """Where a stored picture would be shown."""
        return self._forge.plot_url(repository, path)

    def open_pull_requests(self, repository: str) -> tuple[PullRequest, ...]:
        """None: there were none then."""
        del repository
        return ()

    def open_work(self, repository: str, paths: Collection[str]) -> tuple[OpenWork, ...]:
        """None: what was open then is not known."""
        del repository, paths
        return ()

    def ci(self, repository: str, sha: str) -> Ci:
        """Nothing: what tools said then is not asked for."""
        del repository
        return Ci(sha=sha, checks=())

    def report_proof(self, repository: str, branch: str, base: str, report: ProofReport) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"report {report.key} on {branch} of {repository}, on {base[:10]}")

    def request_reviewers(
        self, repository: str, branch: str, owners: Sequence[str], culprit: tuple[str, ...]
    ) -> Receipt:
        """Refused."""
        raise OutwardWrite(
            f"ask {len(owners)} owners and {len(culprit) // 2} authors to review {branch} of {repository}"
        )

    def obstacles(self, repository: str, branch: str, sha: str) -> tuple[Obstacle, ...]:
        """None: there is no pull request to merge."""
        del repository, branch, sha
        return ()

    def merge(self, repository: str, branch: str, sha: str, message: str) -> Receipt:
        """Refused."""
        raise OutwardWrite(f"merge {branch} of {repository} at {sha[:10]} ({len(message)} characters)")

    def permissions(self, repository: str) -> tuple[tuple[str, bool, str], ...]:
        """Refused: to ask for permission to push, a push is rehearsed."""
        raise OutwardWrite(f"rehearse a push to {repository}")

    def close(self) -> None:
        """Close what it reads from."""
        _close(self._forge)

    def _tip(self, repository: str) -> str:
        for reach in BACK:
            found = self._forge.commits(repository, self._at - reach, self._at)
            if found:
                return found[0].sha
        raise PermanentError(f"repository {repository} has no commit on its watched branch up to {iso(self._at)}")


class ChangesAsOf:
    """`Changes` up to a moment."""

    def __init__(self, changes: Changes, at: datetime) -> None:
        self._changes = changes
        self._at = at

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """The deploys in the window that had begun by then."""
        return self._changes.deploys(service, since, min(until, self._at)) if since <= self._at else ()

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        """What was running."""
        return self._changes.running(service, min(at, self._at))

    def close(self) -> None:
        """Close what it reads from."""
        _close(self._changes)


class SilentNotifier:
    """A receiver that must not hear of a replay."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        return self._name

    def notify(self, notice: Notice) -> None:
        """Refused."""
        raise OutwardWrite(f"tell {self._name} of {notice.key}")


class NoSandbox:
    """In the place of a sandbox where the trial is left out."""

    def describe(self) -> str:
        """Says so."""
        return "no sandbox (the trial was left out)"

    def run(self, order: TrialOrder) -> SandboxReport:
        """Nothing may ask for a trial then."""
        raise PermanentError(f"{order.key} needs a trial, and trials were left out")

    def ready(self, image: str) -> None:
        """Nothing is needed for any image."""

    def prepare(self, recipe: Recipe) -> str:
        """None is needed."""
        return recipe.image

    def reap(self) -> int:
        """Nothing is ever left behind."""
        return 0


def _close(part: object) -> None:
    close: Callable[[], None] | None = getattr(part, "close", None)
    if close is not None:
        close()
