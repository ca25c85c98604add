"""Settings of what is done: forge, sandbox, scope, authority, and how a change is judged."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from cases.policy import Authority
from config.brake import BrakeSettings
from config.companions import Mebibytes
from config.fields import Count, Duration, Glob, Name, RelativePath, SecretRef, Url, lasting
from config.section import Section


class AppSettings(Section):
    """A GitHub App, as it is installed where the repositories are."""

    id: Annotated[int, Field(ge=1)]
    """The App's id, from its settings."""

    installation: Annotated[int, Field(ge=1)]
    """The id of its installation: the number at the end of the address of the installation's settings."""

    key: SecretRef
    """The App's private key, PEM, as in file:app.private-key.pem. It never leaves this machine."""


class ForgeSettings(Section):
    """Where pull requests are opened."""

    api_url: Url = "https://api.github.com"
    """The API. GitHub Enterprise and the local forge have it below /api/v3."""

    token: SecretRef | None = None
    """A token that may read and write contents, pull requests and issues of the repositories, and nothing more. Its
    owner is who opens the pull requests. This, or `app`."""

    app: AppSettings | None = None
    """A GitHub App that speaks there under a name of its own, instead of a token."""

    webhook_secret: SecretRef | None = None
    """What the forge signs its webhooks to /webhooks/github with. They hasten a look, and move nothing by themselves.
    None: none are taken, and everything is seen by polling."""

    draft_until_green: bool = True
    """Whether a pull request is opened as a draft and marked ready once the repository's own checks at its head are
    green. One that takes a change of ours back is ready at once. Who marks one ready or a draft by hand has the last
    word."""

    ci_wait: Annotated[Duration, lasting(timedelta(milliseconds=1), timedelta(hours=6))] = timedelta(seconds=30)
    """How long such a draft waits for a first check, where the watched branch shows none: then there is none, and it is
    marked ready. Where it shows some, twenty times as long."""

    write_spacing: Duration = timedelta(seconds=1)
    """The least time between two writes: GitHub asks for one second."""

    writes_per_minute: Annotated[int, Field(ge=1, le=100_000)] = 80
    """How many writes a minute are sent; what is over waits. GitHub's own limit. A forge of your own may take more."""

    writes_per_hour: Annotated[int, Field(ge=1, le=1_000_000)] = 500
    """The same for an hour, kept over a restart."""


class SandboxSettings(Section):
    """How a change is tried before anybody sees it: in a throwaway container with no network."""

    runtime: Literal["docker", "runsc", "process"] = "docker"
    """docker: the engine's own runtime. runsc: gVisor, where the engine has it; it is slower, and keeps no companions.
    A rootless engine is used as any other, and `trackwalker check` says that it is one. process: a plain child process
    that isolates little: only the demo takes it, for its own service. `trackwalker run` refuses it."""

    timeout: Duration = timedelta(minutes=10)
    """How long one command of a trial may run: test suites end well within it. Later is an error, not a failure."""

    memory_mib: Mebibytes = 512
    """Memory of a trial, in MiB, swap included. A trial that needs more is inconclusive, it does not fail."""

    cpus: Annotated[float, Field(gt=0, le=64, allow_inf_nan=False)] = 1
    """Processor cores of a trial. One leaves the rest of the machine to the daemon."""

    pids: Annotated[int, Field(ge=16, le=4096)] = 128
    """Processes and threads of a trial: enough for a parallel suite, too few for a fork bomb."""

    pool: Annotated[int, Field(ge=0, le=64)] = 2
    """How many containers wait, started ahead, in all: a trial that gets one saves about half a second. Each takes some
    15 MiB, serves one trial, and is replaced after half an hour. 0: each trial starts its own."""


class ScopeSettings(Section):
    """What a change may touch. `config.scope` adds what is always denied: CI, owners, policy, migrations, locks."""

    allow: tuple[Glob, ...] = ("**",)
    """Paths that may be touched, as in .gitignore. All, because a revert goes where its commit went, because what is
    dangerous is denied anyway, and because a human merges; narrow it for a repository with corners to protect."""

    deny: tuple[Glob, ...] = ()
    """Paths that may not, whatever `allow` says; letter case does not matter."""

    max_files: Count = 3
    """Files that one change may touch: small enough to review on a phone. An exact revert is excused."""

    max_lines: Count = 60
    """Lines that one change may add and remove together. An exact revert is excused."""


class AutoMergeSettings(Section):
    """What may be merged unasked where the file of grants gives `auto_merge`.

    A proved change of low risk, announced on its pull request, with green checks of the forge's, and nobody's no.
    """

    paths: tuple[Glob, ...] = ()
    """Paths that such a change may touch, as in .gitignore, letter case and all. None by default: then nothing is
    merged unasked."""

    veto: Annotated[Duration, lasting(timedelta(minutes=5))] = timedelta(minutes=30)
    """How long anybody who may write there has to say no, from when the pull request is open and its checks are green.
    A word on it, the label trackwalker:stop, a commit, a draft or closing it is a no; an approval is none."""


class AuthoritySettings(Section):
    """How much the daemon does unasked."""

    default: Literal["observe", "propose", "pull_request"] = "observe"
    """observe: it says what it would do. propose: it drafts, proves and shows. pull_request: it opens pull requests.
    It begins as an observer, so that trust comes before writes."""

    file: RelativePath | None = None
    """The file in which humans give more or less than the default, as in trust.yaml: an area (repository, service,
    class, risk) a grant. Only a merge to the watched branch changes it. None: the default holds everywhere."""

    repository: Name | None = None
    """The repository that the file is in. None: the only one that there is."""

    auto_merge: AutoMergeSettings = AutoMergeSettings()
    """What may be merged unasked, where the file of grants gives that much."""

    @property
    def granted(self) -> Authority:
        """The default as a noun."""
        return Authority[self.default.upper()]


class DiagnosisSettings(Section):
    """How a cause is looked for."""

    look_back: Duration = timedelta(hours=24)
    """How far before the onset changes are suspects. A day holds yesterday's slow leak and last night's deploy."""

    suspects: Annotated[int, Field(ge=1, le=10)] = 3
    """How many are tried in the sandbox, best first. The culprit is nearly always among the first two."""


class KillSettings(Section):
    """When a merged change is taken back without waiting for its judgement: a brake for catastrophes.

    It looks at the signals of the case from the merge on, also before any deploy marker, during a pause, and while the
    case is frozen or gated. The rollback itself obeys pause and hold.
    """

    worse_by: Annotated[float, Field(gt=1, allow_inf_nan=False)] | None = 3.0
    """How many times as far from normal as the trouble ever was before the change; one that grew by itself may go on
    growing at its pace. Three times is no noise. A ratio that is bad already may have no room for it: the judgement
    sees that. None: off."""

    lasting: Duration = timedelta(minutes=5)
    """How long every reading must be that bad: one restart is shorter."""


class JudgementSettings(Section):
    """How a deployed change is judged, from the metric that it promised to move."""

    warm_up: Duration = timedelta(minutes=20)
    """How long after the deploy readings do not count: caches fill, old instances drain."""

    window: Duration = timedelta(days=7)
    """How long a change is watched: once through the week."""

    act_within: Duration = timedelta(hours=48)
    """How long after the deploy harm leads to a revert by itself. Later a human is asked: other causes are likelier."""

    look_every: Duration = timedelta(minutes=5)
    """How often it is judged. Looking often is safe: the interval holds however often one looks."""

    step: Duration = timedelta(minutes=1)
    """The distance of the points that are read."""

    history: Duration = timedelta(days=14)
    """How far back the normal level and its noise are estimated from."""

    min_samples: Annotated[int, Field(ge=3)] = 12
    """Readings after the warm-up before anything is decided."""

    alpha: Annotated[float, Field(gt=0, le=0.1)] = 0.01
    """The chance of calling a harmless deploy harmful, over the whole window and all its signals."""

    holds: Count = 3
    """Consecutive readings at which the evidence must hold."""

    margin: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """The smallest harm worth a revert, in the signal's unit. None: a quarter of its normal deviation."""

    deploy_wait: Duration = timedelta(hours=24)
    """How long a merged change waits for its deploy marker. Without one it ends inconclusive, never as a pass."""

    kill: KillSettings = KillSettings()
    """When it is taken back at once."""

    brake: BrakeSettings = BrakeSettings()
    """When it is taken back at once because its service breaks down."""
