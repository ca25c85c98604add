"""Settings: what the operator decides, as `trackwalker.yaml` has it. Attributes have the names of the keys.

Every field says what it does, in which unit, and why this default; durations are `30s`, `5m`, `1h`, `7d` in the file
and `timedelta` here. `config.load` makes one from a file.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from cases.errors import PermanentError
from cases.telemetry import Signal
from config.access import AuthSettings, BasicSettings, HttpSettings, TlsSettings
from config.alerts import (
    AlertmanagerLinkSettings,
    AlertsSettings,
    BriefingSettings,
    ConsoleSettings,
    EmailSettings,
    FileSettings,
    NoticeWebhookSettings,
    PagerDutySettings,
    ReceiverSettings,
    SlackSettings,
    SlackThreadSettings,
)
from config.analytics import (
    AmplitudeSettings,
    Ga4Settings,
    HttpSourceSettings,
    MixpanelSettings,
    PagesSettings,
    PluginSettings,
    PosthogSettings,
    StripeSettings,
)
from config.approvals import ApprovalsSettings, DeciderSettings
from config.brake import BrakeSettings, CrashLoopSettings
from config.companions import CompanionSettings
from config.deploys import (
    BuildInfoSettings,
    DeploySettings,
    GithubDeploymentsOfSettings,
    GithubDeploymentsSettings,
    MergeDelaySettings,
    MergeSettings,
    WebhookSettings,
)
from config.edits import EditsSettings, LoopSettings
from config.experiments import (
    ExperimentsSettings,
    ExposuresSettings,
    FlagdSettings,
    LaunchDarklySettings,
    LeverSettings,
    MeasureSettings,
    UnleashSettings,
)
from config.fields import Duration, Glob, SecretRef, Store, Text
from config.keeping import BackupSettings, LessonsSettings, LeversSettings, ObserveSettings, RetentionSettings
from config.models import (
    BudgetSettings,
    ClassBudgetSettings,
    FailoverSettings,
    ModelSettings,
    PriceSettings,
    ProviderSettings,
)
from config.pull_requests import PullRequestsSettings
from config.recipes import RegistrySettings, SetupSettings
from config.remedies import (
    AppSettings,
    AuthoritySettings,
    AutoMergeSettings,
    DiagnosisSettings,
    ForgeSettings,
    JudgementSettings,
    KillSettings,
    SandboxSettings,
    ScopeSettings,
)
from config.repositories import RepositorySandboxSettings, RepositorySettings
from config.routes import RouteSettings
from config.running import ApiSettings, LinksSettings, RuntimeSettings
from config.schedule import FlappingSettings, MaintenanceSettings, QuietHoursSettings, ScheduleSettings
from config.section import Section
from config.segments import SegmentQuerySettings, SegmentSettings
from config.seldom_used import WhenUsed
from config.services import DEFAULT_WEIGHT, DeployedConfigSettings, ServiceSettings, TuneSettings
from config.sources import (
    AlertmanagerSettings,
    DetectionSettings,
    LokiSettings,
    PrometheusSettings,
    SignalsSettings,
    SqlSettings,
)
from config.watches import (
    AnyWatchSettings,
    CatalogFilesSettings,
    CatalogFromSettings,
    CatalogMetricSettings,
    CatalogSettings,
    FamilyWatchSettings,
    ImportWatchSettings,
    SloSettings,
    WatchSettings,
)

__all__ = [
    "AlertmanagerLinkSettings",
    "AlertmanagerSettings",
    "AlertsSettings",
    "AmplitudeSettings",
    "AnyWatchSettings",
    "ApiSettings",
    "AppSettings",
    "ApprovalsSettings",
    "AuthSettings",
    "AuthoritySettings",
    "AutoMergeSettings",
    "BackupSettings",
    "BasicSettings",
    "BrakeSettings",
    "BriefingSettings",
    "BudgetSettings",
    "BuildInfoSettings",
    "CatalogFilesSettings",
    "CatalogFromSettings",
    "CatalogMetricSettings",
    "CatalogSettings",
    "ClassBudgetSettings",
    "CompanionSettings",
    "ConsoleSettings",
    "CrashLoopSettings",
    "DeciderSettings",
    "DeploySettings",
    "DeployedConfigSettings",
    "DetectionSettings",
    "DiagnosisSettings",
    "EditsSettings",
    "EmailSettings",
    "ExperimentsSettings",
    "ExposuresSettings",
    "FailoverSettings",
    "FamilyWatchSettings",
    "FileSettings",
    "FlagdSettings",
    "FlappingSettings",
    "ForgeSettings",
    "Ga4Settings",
    "GithubDeploymentsOfSettings",
    "GithubDeploymentsSettings",
    "HttpSettings",
    "HttpSourceSettings",
    "ImportWatchSettings",
    "JudgementSettings",
    "KillSettings",
    "LaunchDarklySettings",
    "LessonsSettings",
    "LeverSettings",
    "LeversSettings",
    "LinksSettings",
    "LokiSettings",
    "LoopSettings",
    "MaintenanceSettings",
    "MeasureSettings",
    "MergeDelaySettings",
    "MergeSettings",
    "MixpanelSettings",
    "ModelSettings",
    "NoticeWebhookSettings",
    "ObserveSettings",
    "PagerDutySettings",
    "PagesSettings",
    "PluginSettings",
    "PosthogSettings",
    "PriceSettings",
    "PrometheusSettings",
    "ProviderSettings",
    "PullRequestsSettings",
    "QuietHoursSettings",
    "ReceiverSettings",
    "RegistrySettings",
    "RepositorySandboxSettings",
    "RepositorySettings",
    "RetentionSettings",
    "RouteSettings",
    "RuntimeSettings",
    "SandboxSettings",
    "ScheduleSettings",
    "ScopeSettings",
    "SegmentQuerySettings",
    "SegmentSettings",
    "ServiceSettings",
    "Settings",
    "SetupSettings",
    "SignalsSettings",
    "SlackSettings",
    "SlackThreadSettings",
    "SloSettings",
    "SqlSettings",
    "StripeSettings",
    "TlsSettings",
    "TuneSettings",
    "UnleashSettings",
    "WatchSettings",
    "WebhookSettings",
]


class Settings(Section):
    """A whole `trackwalker.yaml`."""

    store: Store = "sqlite:///trackwalker.db"
    """Where cases live. A SQLite file needs no server and survives a crash at any moment; the path is taken from the
    working directory. Several daemons may share a store; on several machines it is PostgreSQL,
    postgresql+psycopg://user@host/base."""

    store_password: SecretRef | None = None
    """The password of a PostgreSQL store. None: the server asks for none, or PGPASSFILE has it."""

    home: Text | None = None
    """Where a daemon keeps what it can make again, and what must not be in the store: mirrors, backups, the audit's
    anchor. None: `.trackwalker` beside a SQLite store, or in the working directory."""

    cycle: Duration = timedelta(seconds=30)
    """How often signals are read: twice a point of `detection.step`, so that none is seen late."""

    signals: SignalsSettings
    """Where telemetry is read."""

    include: tuple[Glob, ...] = ()
    """Further files, from this file's folder, as in conf.d/*.yaml. Lists are joined in the order of the names; any
    other key may stand in one file only."""

    watch: Annotated[tuple[AnyWatchSettings, ...], Field(min_length=1)]
    """What is watched, at least one query."""

    catalog: CatalogSettings = CatalogSettings()
    """How services are known without listing them."""

    services: tuple[ServiceSettings, ...] = ()
    """What is known of services, for those that need more than the defaults."""

    repositories: Annotated[tuple[RepositorySettings, ...], Field(min_length=1)]
    """Where code lives, at least one repository."""

    deploys: tuple[DeploySettings, ...] = ()
    """How a deploy is seen. With none no suspect is known to have run and every merged change ends inconclusive."""

    forge: ForgeSettings
    """Where pull requests are opened."""

    model: ModelSettings = ModelSettings()
    """The language model."""

    edits: EditsSettings = EditsSettings()
    """How an edit of the code is found."""

    sandbox: SandboxSettings = SandboxSettings()
    """How a change is tried."""

    scope: ScopeSettings = ScopeSettings()
    """What a change may touch."""

    authority: AuthoritySettings = AuthoritySettings()
    """How much is done unasked."""

    budget: BudgetSettings = BudgetSettings()
    """What may be spent."""

    pull_requests: PullRequestsSettings = PullRequestsSettings()
    """How it behaves around its own pull requests."""

    schedule: ScheduleSettings = ScheduleSettings.model_construct()
    """When the daemon holds back."""

    flapping: FlappingSettings = FlappingSettings()
    """When a signal comes and goes too often to be told each time."""

    alerts: AlertsSettings = AlertsSettings.model_construct()  # a default of its own would be a validator of its own
    """Who is told."""

    approvals: ApprovalsSettings = ApprovalsSettings.model_construct()
    """What is asked of humans."""

    links: LinksSettings = LinksSettings()
    """Where people look for themselves."""

    api: ApiSettings = ApiSettings()
    """The daemon's own HTTP side."""

    runtime: RuntimeSettings = RuntimeSettings()
    """How work is spread."""

    backup: BackupSettings = BackupSettings()
    """Copies of the store."""

    retention: RetentionSettings = RetentionSettings()
    """How long rows stay."""

    lessons: LessonsSettings = LessonsSettings()
    """How lessons are found again."""

    levers: LeversSettings = LeversSettings()
    """How humans stop it."""

    observe: ObserveSettings = ObserveSettings()
    """How the daemon can be watched itself."""

    detection: DetectionSettings = DetectionSettings()
    """How anomalies are told from what is normal."""

    diagnosis: DiagnosisSettings = DiagnosisSettings()
    """How a cause is looked for."""

    judgement: JudgementSettings = JudgementSettings()
    """How a deployed change is judged."""

    measures: Annotated[tuple[MeasureSettings, ...], WhenUsed()] = ()
    """What single users contribute to watched metrics, for experiments."""

    segments: Annotated[tuple[SegmentSettings, ...], WhenUsed()] = ()
    """Cards of groups of users: who they are, what ails them, what is usual there."""

    segments_from: Annotated[tuple[SegmentQuerySettings, ...], WhenUsed()] = ()
    """Databases that hold further cards."""

    @property
    def store_secret(self) -> Callable[[], str] | None:
        """What tells the store's password, where it has one."""
        return self.store_password.reveal if self.store_password is not None else None

    @property
    def enriches(self) -> bool:
        """Whether findings go to the alert that pages already: as `alerts.mode` says, or wherever there is one."""
        mode = self.alerts.mode
        return mode == "enrich" or (mode is None and self.signals.alertmanager is not None)

    def source_of(
        self,
        reader: WatchSettings | FamilyWatchSettings | ImportWatchSettings | BuildInfoSettings | CrashLoopSettings,
    ) -> str:
        """The name of the source that a watch or a deploy marker reads: its own word, or the only Prometheus.

        Raises PermanentError when there are several and it names none.
        """
        if reader.source is not None:
            return reader.source
        if len(self.signals.prometheus) == 1:
            return self.signals.prometheus[0].name
        names = ", ".join(source.name for source in self.signals.prometheus)
        raise PermanentError(f"there are several sources ({names}) and no `source` to choose one; name it")

    def service(self, name: str) -> ServiceSettings:
        """What is known of a service: as listed, or with the repository of its own name, or with the only one.

        Raises PermanentError when neither is there.
        """
        listed = next((service for service in self.services if service.name == name), None)
        if listed is not None:
            return listed
        names = [repository.name for repository in self.repositories]
        if name in names or len(names) == 1:
            return ServiceSettings(name=name, repository=name if name in names else names[0])
        raise PermanentError(f"no repository is known for the service {name}; list it under services")

    def weight(self, service: str) -> float:
        """What a service is worth to the business, from 0 to 10; the default of one that is not listed."""
        return next((listed.weight for listed in self.services if listed.name == service), DEFAULT_WEIGHT)

    def repository(self, name: str) -> RepositorySettings:
        """The repository of that name. Raises PermanentError when there is none."""
        for repository in self.repositories:
            if repository.name == name:
                return repository
        raise PermanentError(f"there is no repository named {name}; list it under repositories")

    def watched(self) -> tuple[Signal, ...]:
        """The signals that are watched by name, in the order of the file; what labels and rules add is found later."""
        queries = {source.name: source.asked for source in self.signals.seldom}
        named = [(watch, self.source_of(watch)) for watch in self.watch if isinstance(watch, WatchSettings)]
        return tuple(watch.signal(source, queries.get(source, "")) for watch, source in named)
