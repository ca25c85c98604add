"""The ports: how the parts of the house meet the outside and each other. All are synchronous.

Every adapter raises TemporaryError when the same call may succeed later, PermanentError when a human is needed, and
nothing else on purpose. No message of theirs carries a secret.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from cases.asking import Answer, Question
from cases.case import Case
from cases.change import FileEdit, Part, Reverted
from cases.conversation import Conversation
from cases.diagnosis import Commit, Suspect
from cases.events import Entry
from cases.incident import Incident
from cases.leases import Claimed, Intent, Pause, Swap
from cases.logs import ErrorSeen, LogPage
from cases.marks import Marks
from cases.merging import Merging
from cases.outcome import Lesson, Quality, Recalled, Wanted
from cases.policy import Allow, Refuse
from cases.pull_request import OpenWork, PullRequest
from cases.steps import Effect, Notice, Receipt
from cases.telemetry import Deploy, SeriesBlock, Signal
from cases.trust import Area, Standing
from cases.trying import Recipe, SandboxReport, TrialOrder

ANY = Wanted()


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


class Purse(Protocol):
    """Money for language models. Every method is one transaction; caps hold over all daemons of one store."""

    def reserve(self, case: str, purpose: str, model: str, usd: float, *, prompt: str = "") -> str:
        """Set aside the worst case of one call; the reservation's id. Raises OverBudget when a cap would be passed.

        `prompt` is the hash of what is asked, for the audit.
        """
        ...

    def settle(self, reservation: str, usd: float, input_tokens: int, output_tokens: int) -> None:
        """Put what it really cost in place of the reservation. One that is never settled counts in full."""
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


class LessonStore(Protocol):
    """What was learnt."""

    def recall(self, fingerprint: str, service: str, limit: int = 5) -> tuple[Lesson, ...]:
        """Lessons of that fingerprint first, then of that service, newest first; only of changes that were drafted."""
        ...

    def newest(self, limit: int = 100) -> tuple[Lesson, ...]:
        """The newest lessons of all services, newest first."""
        ...

    def search(self, words: str, wanted: Wanted = ANY, limit: int = 5) -> tuple[Recalled, ...]:
        """Lessons that share words with these, their stems or, where it is set, their letters, the best first.

        With no words the newest that fit.
        """
        ...

    def quality(self, ids: Collection[str]) -> Mapping[str, Quality]:
        """How each of these lessons has fared in the cases that cited it."""
        ...

    def take_in(self, lesson: Lesson, by: str, at: datetime) -> bool:
        """Store a lesson that another ledger learnt; False when one of that id is here."""
        ...


class CaseStore(Protocol):
    """The cases and their steps, durable. Every method is one transaction."""

    def open(self, entry: Entry, effects: Sequence[Effect], due: datetime) -> Case | None:
        """Store a new case; None when an active case with its fingerprint exists already."""
        ...

    def active(self) -> tuple[Case, ...]:
        """Every case that is not closed, oldest first. One whose history cannot be read is left out, here and below."""
        ...

    def load(self, case_id: str) -> Case:
        """One case. PermanentError when there is none of that id."""
        ...

    def listed(self, limit: int = 100) -> tuple[Case, ...]:
        """The newest cases, whatever their phase, newest first. For people: a list has an end."""
        ...

    def ended(self, services: Collection[str]) -> tuple[Case, ...]:
        """The closed cases of these services, newest first; the newest twenty of each."""
        ...

    def since(self, moment: datetime) -> tuple[Case, ...]:
        """Every case that something happened to since then, oldest first."""
        ...

    def claim(self, owner: str, now: datetime, lease: timedelta) -> Claimed | None:
        """Take the longest-due case that nobody holds and that is not held (frozen, gate), or None.

        Raises Unreadable when the history of that one cannot be read: it is set aside, and the next is to be had.
        """
        ...

    def renew(self, claimed: Claimed, now: datetime, lease: timedelta) -> Claimed:
        """Keep the case longer. Raises Fenced when it was lost."""
        ...

    def commit(
        self, claimed: Claimed, entries: Sequence[Entry], effects: Sequence[Effect], due: datetime | None
    ) -> Claimed:
        """Advance by the entries, store the effects as intents, set when it is due next. Raises Fenced."""
        ...

    def add(self, case_id: str, entry: Entry, effects: Sequence[Effect], due: datetime | None) -> Case:
        """Advance a case from outside a step (an anomaly joins, a human speaks). `due` None keeps what was set."""
        ...

    def take_back(self, owner: str, now: datetime) -> int:
        """Free the cases that an earlier life of this owner still holds; how many. Its claims are fenced then."""
        ...

    def release(self, claimed: Claimed, due: datetime | None) -> None:
        """Let the case go. `due` None leaves it to whoever wakes it. Raises Fenced."""
        ...

    def wake(self, case_id: str, now: datetime) -> bool:
        """Let an active case be looked at now, as far as nobody holds it back; whether there is such a case.

        One that is in hand is looked at again as soon as it is let go.
        """
        ...

    def hasten(self, now: datetime, lease: timedelta) -> None:
        """The wall clock was set back: whatever waits for a later time is due now, no lease is longer than `lease`."""
        ...


class Outbox(Protocol):
    """Effects that were promised, until the outside has answered. Every method is one transaction."""

    def pending(self, case_id: str) -> tuple[Intent, ...]:
        """The forge effects of a case that have no receipt, oldest first. They hold the case up."""
        ...

    def notices(self, now: datetime, limit: int = 20) -> tuple[Intent, ...]:
        """Notices that are due, oldest first. They hold nothing up."""
        ...

    def take_notices(self, now: datetime, hold: timedelta, limit: int = 20) -> tuple[Intent, ...]:
        """The same, and no other daemon sees them until `hold` is over: whoever dies with them leaves them due then."""
        ...

    def send(
        self, effects: Sequence[Effect], now: datetime, *, swap: Swap | None = None, due: datetime | None = None
    ) -> bool:
        """Promise notices that belong to no case, for `due` or for now. A key that is there already is left alone.

        With a swap, both or neither: False when the checkpoint was another, for a different daemon was first.
        """
        ...

    def check(self, claimed: Claimed) -> None:
        """Raise Fenced unless the case is still held by this claim: asked just before each effect."""
        ...

    def receive(self, receipt: Receipt, claimed: Claimed | None) -> None:
        """Store the receipt. Raises Fenced when a claim is given and lost."""
        ...

    def receipt(self, key: str) -> Receipt | None:
        """What the outside answered to the effect of that key, or None while it has not."""
        ...

    def dropped(self, key: str) -> str:
        """Why the effect of that key was given up; "" where it was not, or was never promised."""
        ...

    def postpone(self, key: str, due: datetime, error: str) -> None:
        """The effect did not go through: count the attempt, try again at `due`."""
        ...

    def defer(self, key: str, due: datetime) -> None:
        """The effect is wanted later than was promised: no attempt was made, and none is counted."""
        ...

    def drop(self, key: str, because: str) -> None:
        """The effect will never go through: keep it with its reason, and hold nothing up with it."""
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


class Levers(Protocol):
    """What a human holds: the pause. Durable, and seen by every daemon on the same store at its next step."""

    def paused(self) -> Pause | None:
        """The pause in force, or None."""
        ...

    def pause(self, pause: Pause, *, once: bool = False) -> None:
        """Stop every write to repositories, models and sandboxes.

        `once`: one of the same actor and moment that was ever pulled is left alone.
        """
        ...

    def resume(self, by: str, at: datetime, *, of: str = "", once: bool = False) -> bool:
        """Go on; `of`: only if it is they who paused. Whether it was done now."""
        ...


class Checkpoints(Protocol):
    """Small durable state that is not a case: cursors, detector state, sights."""

    def get(self, key: str) -> bytes | None:
        """What was stored under the key, or None."""
        ...

    def put(self, key: str, blob: bytes, at: datetime) -> None:
        """Store it, in place of what was there."""
        ...

    def swap(self, swap: Swap, at: datetime) -> bool:
        """Store it if what is there is still what was seen; False when it is not: look again."""
        ...
