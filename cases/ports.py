"""The ports: how the parts of the house meet the outside and each other. All are synchronous.

Every adapter raises TemporaryError when the same call may succeed later, PermanentError when a human is needed, and
nothing else on purpose. No message of theirs carries a secret. Those of the ledger are in `cases.stores`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from cases.asking import Answer, Question
from cases.case import Case
from cases.change import FileEdit, Part, Reverted
from cases.conversation import Conversation
from cases.diagnosis import Commit, Suspect
from cases.incident import Incident
from cases.logs import ErrorSeen, LogPage
from cases.marks import Marks
from cases.merging import Merging
from cases.policy import Allow, Refuse
from cases.pull_request import OpenWork, PullRequest
from cases.steps import Effect, Notice, Receipt
from cases.telemetry import Deploy, SeriesBlock, Signal
from cases.trust import Area, Standing
from cases.trying import Recipe, SandboxReport, TrialOrder


class Clock(Protocol):
    """The time, and the way to wait."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for intervals and watchdogs."""
        ...

    def wait(self, duration: timedelta) -> bool:
        """Wait that long, or until somebody wakes it. True when it was woken early, to end."""
        ...


class SignalSource(Protocol):
    """One telemetry source. `name` is the configuration's."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    def probe(self) -> str:
        """Reach it and say what it is, for people. Raises SourceDown or PermanentError."""
        ...

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read the signal on a grid from `start` to `end`, both included.

        An answer with no series is a block of no series. Raises SourceDown when the source cannot be read.
        """
        ...


@runtime_checkable
class Relieving(Protocol):
    """A source that asks for less while it is under pressure. See `SignalSource.read` for what it is given."""

    def history(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read what can wait. Raises SourceDown as well when it is put off."""
        ...

    def recent(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """Read what cannot: under pressure with fewer points, the others missing."""
        ...


class LogSource(Protocol):
    """One source of log lines. `name` is the configuration's."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    def probe(self) -> str:
        """Reach it and say what it is, for people. Raises SourceDown or PermanentError."""
        ...

    def errors(self, since: int, until: int) -> LogPage:
        """Read error lines from `since` (included) to `until` (not), in nanoseconds since the epoch, oldest first.

        A bounded page: ask again from its cursor until it is whole. Raises SourceDown, after which the same call gives
        the same lines.
        """
        ...


class Logs(Protocol):
    """What the logs have said, as far as they were read."""

    def errors(self, service: str, since: datetime, until: datetime) -> tuple[ErrorSeen, ...]:
        """The kinds of error of a service in the stretch: those that are new in it first, then the most frequent."""
        ...

    def blind(self) -> str:
        """Why nothing can be said now, or "" when the logs are read to the present; "no log source" when none is."""
        ...


class LanguageModel(Protocol):
    """A language model behind one structured question."""

    def describe(self, purpose: str) -> str:
        """Which model answers questions of that purpose, for people and for a change's origin."""
        ...

    def probe(self) -> str:
        """Reach it without spending, and say what it is. Raises TemporaryError or PermanentError."""
        ...

    def ask(self, question: Question) -> Answer:
        """Ask, once or as often as an unusable answer allows. The money of each attempt is reserved before it.

        Raises OverBudget before anything is spent, NoAnswer for a refusal or nothing usable, TemporaryError for a
        server that is busy or away, PermanentError for a bad key or an unknown model.
        """
        ...


class Changes(Protocol):
    """What changed in production, as some marker says."""

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        """The deploys of a service that began in the window, oldest first. Raises SourceDown."""
        ...

    def running(self, service: str, at: datetime) -> tuple[str, ...]:
        """The commits that were running at a moment, sorted; none when no marker says. Raises SourceDown."""
        ...


class Ranker(Protocol):
    """Ranks commits as suspects. Pure."""

    def __call__(
        self, incident: Incident, repository: str, commits: Sequence[Commit], deploys: Sequence[Deploy]
    ) -> tuple[Suspect, ...]:
        """Best first; commits that cannot have done it are left in, low, with the reason."""
        ...


class Sandbox(Protocol):
    """Runs untrusted code where it can do no harm."""

    def describe(self) -> str:
        """Which sandbox this is, in words for a pull request."""
        ...

    def run(self, order: TrialOrder) -> SandboxReport:
        """Run the order to its end. Raises TemporaryError when there is no engine, PermanentError for no such image."""
        ...

    def ready(self, image: str) -> None:
        """Raise TemporaryError when there is no engine, PermanentError when there is no such image; else return."""
        ...

    def prepare(self, recipe: Recipe) -> str:
        """The image that a recipe comes to, made now if it is not there and the recipe lets it be.

        Raises NotPrepared when it does not, PermanentError for a setup that fails, TemporaryError without an engine.
        """
        ...

    def reap(self) -> int:
        """Remove whatever an earlier life left behind; how many there were."""
        ...


class Quarantine(Protocol):
    """The tests of a repository that come and go, as runs of one and the same tree have shown. It forgets in time."""

    def known(self, repository: str) -> frozenset[str]:
        """Those that nothing may rest on now."""
        ...

    def seen(self, repository: str, flaky: Collection[str]) -> None:
        """These differed between runs of one tree of the watched branch just now."""
        ...


class Forge(Conversation, Marks, Merging, Protocol):
    """Git and the pull requests on it. `repository` is the configuration's name. Only this port runs git."""

    def head(self, repository: str) -> str:
        """The sha at the tip of the watched branch now. PermanentError for an empty repository."""
        ...

    def commits(self, repository: str, since: datetime, until: datetime) -> tuple[Commit, ...]:
        """The first-parent commits of the watched branch in the window, newest first, with files and capped patches."""
        ...

    def contains(self, repository: str, sha: str, ancestor: str) -> bool:
        """Whether `ancestor` is `sha` or one of its ancestors. Either may be abbreviated; an unknown one is False."""
        ...

    def tree(self, repository: str, base: str, edits: Sequence[FileEdit]) -> bytes:
        """An uncompressed tar of the tree at `base` with the edits made."""
        ...

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        """What the file at `path` holds in the tree of `sha`; None when there is no such regular file."""
        ...

    def part(self, repository: str, base: str, edits: Sequence[FileEdit]) -> Part:
        """The edits on top of `base`, with their diff and its counts. Touches nothing."""
        ...

    def tagged(self, repository: str, tag: str) -> str | None:
        """The commit that the git tag of that name points to, or None."""
        ...

    def revert(self, repository: str, base: str, commit: str, first: str = "") -> Reverted:
        """Undo one commit (a merge commit against its first parent) on top of `base`, without touching anything.

        With `first`, all from that commit to `commit`, which follow each other on the watched branch.
        """
        ...

    def came_with(self, repository: str, sha: str) -> tuple[str, ...]:
        """The commits of the watched branch that one pull request brought with this one, oldest first, it among them.

        More than one only where the forge says that it was merged by rebase, and git agrees.
        """
        ...

    def push(self, repository: str, branch: str, base: str, edits: Sequence[FileEdit], message: str) -> Receipt:
        """Make the branch hold `base` plus `edits` as one commit; adopt the branch if it holds just that already.

        facts: `sha`. PermanentError when there is no permission, or the branch holds somebody else's work.
        """
        ...

    def find_pull_request(self, repository: str, branch: str) -> PullRequest | None:
        """The newest pull request of that branch, in any state."""
        ...

    def open_pull_request(
        self, repository: str, branch: str, title: str, body: str, labels: Sequence[str], *, draft: bool
    ) -> Receipt:
        """Open it, or adopt the one that is there. facts: `number`, `url`."""
        ...

    def to_draft(self, repository: str, branch: str) -> Receipt:
        """Take the open pull request of that branch back to a draft; one that is a draft or not open is left alone."""
        ...

    def to_ready(self, repository: str, branch: str) -> Receipt:
        """Show the open pull request of that branch for review; one that is no draft or not open is left alone."""
        ...

    def update(
        self, repository: str, branch: str, base: str, edits: Sequence[FileEdit], message: str, onto: str
    ) -> Receipt:
        """Add one commit on top of `onto`, our own last one there, that makes the branch hold `base` plus `edits`.

        Nothing is ever pushed by force: where the base moved on, the commit merges it. facts: `sha`. PermanentError
        when the branch holds somebody else's work, or is gone.
        """
        ...

    def conflicts(self, repository: str, sha: str) -> tuple[str, ...]:
        """The files in which `sha` and the tip of the watched branch cannot be merged by git itself; () when it can."""
        ...

    def store_plot(
        self, repository: str, path: str, content: bytes, beside: Mapping[str, str] | None = None
    ) -> Receipt:
        """Keep the picture at `path` of the pictures' branch, or adopt it. facts: `url`, where a browser shows it.

        `beside`: text files that are kept with it, by their names in its folder.
        """
        ...

    def plot_url(self, repository: str, path: str) -> str:
        """Where a stored picture will be shown, known before it is stored."""
        ...

    def open_pull_requests(self, repository: str) -> tuple[PullRequest, ...]:
        """Trackwalker's own open pull requests there."""
        ...

    def open_work(self, repository: str, paths: Collection[str]) -> tuple[OpenWork, ...]:
        """What open pull requests of others into the watched branch do to these files, bounded to the latest ones."""
        ...

    def permissions(self, repository: str) -> tuple[tuple[str, bool, str], ...]:
        """What is needed there: (permission, granted, what to do when it is not). Writes nothing."""
        ...


class Notifier(Protocol):
    """One receiver of notices."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    def notify(self, notice: Notice) -> None:
        """Deliver it. At least once: the receiver drops doubles by the notice's key."""
        ...


class Trust(Protocol):
    """The daemon's right to act, as humans gave it and outcomes left it."""

    def standing(self, area: Area) -> Standing:
        """How an area stands now. Raises TemporaryError when that cannot be read: then nothing is done."""
        ...

    def beside(self, repository: str) -> Allow | Refuse:
        """Whether what belongs to no case, as the dashboard issue, may be written there: not while all only observe.

        Raises as `standing`.
        """
        ...

    def check(self, case: Case, effect: Effect) -> Allow | Refuse:
        """Whether the effect may be done now, asked just before it and kept in the audit. Raises as `standing`."""
        ...
