"""Settings: what the operator decides, as `trackwalker.yaml` has it. Attributes have the names of the keys.

Every field says what it does, in which unit, and why this default; durations are `30s`, `5m`, `1h`, `7d` in the file
and `timedelta` here. `config.load` makes one from a file.
"""

from datetime import timedelta
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from cases.errors import PermanentError
from cases.telemetry import Signal
from config.fields import Address, Duration, HostPort, Name, SecretRef, Store, Url
from config.remedies import (
    AuthoritySettings,
    BudgetSettings,
    DiagnosisSettings,
    ForgeSettings,
    JudgementSettings,
    ModelSettings,
    RepositorySandboxSettings,
    RepositorySettings,
    SandboxSettings,
    ScopeSettings,
    ServiceSettings,
)
from config.section import Section
from config.sources import (
    BuildInfoSettings,
    DeploySettings,
    DetectionSettings,
    MergeDelaySettings,
    MergeSettings,
    PrometheusSettings,
    SignalsSettings,
    WatchSettings,
)

__all__ = [
    "AlertsSettings",
    "ApiSettings",
    "AuthoritySettings",
    "BudgetSettings",
    "BuildInfoSettings",
    "DeploySettings",
    "DetectionSettings",
    "DiagnosisSettings",
    "EmailSettings",
    "ForgeSettings",
    "JudgementSettings",
    "LinksSettings",
    "MergeDelaySettings",
    "MergeSettings",
    "ModelSettings",
    "PrometheusSettings",
    "ReceiverSettings",
    "RepositorySandboxSettings",
    "RepositorySettings",
    "RuntimeSettings",
    "SandboxSettings",
    "ScopeSettings",
    "ServiceSettings",
    "Settings",
    "SignalsSettings",
    "SlackSettings",
    "WatchSettings",
]


class SlackSettings(Section):
    """A receiver behind a Slack-shaped incoming webhook."""

    name: Name
    """What the log and the audit trail call it."""

    slack: SecretRef
    """The webhook's URL, which is itself the credential."""


class EmailSettings(Section):
    """A receiver behind a mail server, in plain text."""

    name: Name
    """What the log and the audit trail call it."""

    email: Address
    """Who gets it."""

    smtp: HostPort
    """The mail server, host:port. It is spoken to without log-in or encryption: name a relay nearby."""

    sender: Annotated[Address, Field(alias="from")] = "trackwalker@localhost"
    """Whom it comes from (`from` in the file). Many servers want an address of their own domain here."""


def _receiver(value: Any) -> str:  # noqa: ANN401 - what a file holds is anything
    mail = isinstance(value, EmailSettings) or (isinstance(value, dict) and ("email" in value or "smtp" in value))
    return "<email>" if mail else "<slack>"


ReceiverSettings: TypeAlias = Annotated[
    Annotated[SlackSettings, Tag("<slack>")] | Annotated[EmailSettings, Tag("<email>")], Discriminator(_receiver)
]


class AlertsSettings(Section):
    """Who is told."""

    mode: Literal["direct"] = "direct"
    """direct: every receiver is told of each case by Trackwalker itself. To annotate the alert that pages already
    (enrich) takes a connection to Alertmanager, which this version does not have."""

    receivers: tuple[ReceiverSettings, ...] = ()
    """Who is told. None: notices go to the log alone."""


class LinksSettings(Section):
    """Where people look for themselves."""

    grafana: Url | None = None
    """The Grafana that messages link to."""

    prometheus: Url | None = None
    """The Prometheus as browsers reach it, for links; `signals` has it as the daemon reaches it."""


class ApiSettings(Section):
    """The daemon's own HTTP side: health, metrics, dashboard."""

    listen: HostPort = "127.0.0.1:8040"
    """host:port to listen on; port 0 takes a free one. This machine only, for there is no log-in yet."""

    public_url: Url | None = None
    """How people reach it, for links in messages. None: no such links."""


class RuntimeSettings(Section):
    """How work is spread."""

    executor: Literal["inline", "threads"] = "threads"
    """threads: one slow trial holds up no other case. inline: one thing after the other, for debugging."""


class Settings(Section):
    """A whole `trackwalker.yaml`."""

    store: Store = "sqlite:///trackwalker.db"
    """Where cases live. A SQLite file needs no server and survives a crash at any moment; the path is taken from the
    working directory."""

    cycle: Duration = timedelta(seconds=30)
    """How often signals are read: twice a point of `detection.step`, so that none is seen late."""

    signals: SignalsSettings
    """Where telemetry is read."""

    watch: Annotated[tuple[WatchSettings, ...], Field(min_length=1)]
    """What is watched, at least one query."""

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

    sandbox: SandboxSettings = SandboxSettings()
    """How a change is tried."""

    scope: ScopeSettings = ScopeSettings()
    """What a change may touch."""

    authority: AuthoritySettings = AuthoritySettings()
    """How much is done unasked."""

    budget: BudgetSettings = BudgetSettings()
    """What may be spent."""

    alerts: AlertsSettings = AlertsSettings()
    """Who is told."""

    links: LinksSettings = LinksSettings()
    """Where people look for themselves."""

    api: ApiSettings = ApiSettings()
    """The daemon's own HTTP side."""

    runtime: RuntimeSettings = RuntimeSettings()
    """How work is spread."""

    detection: DetectionSettings = DetectionSettings()
    """How anomalies are told from what is normal."""

    diagnosis: DiagnosisSettings = DiagnosisSettings()
    """How a cause is looked for."""

    judgement: JudgementSettings = JudgementSettings()
    """How a deployed change is judged."""

    def source_of(self, reader: WatchSettings | BuildInfoSettings) -> str:
        """The name of the source that a watch or a deploy marker reads: its own word, or the only source.

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

    def repository(self, name: str) -> RepositorySettings:
        """The repository of that name. Raises PermanentError when there is none."""
        for repository in self.repositories:
            if repository.name == name:
                return repository
        raise PermanentError(f"there is no repository named {name}; list it under repositories")

    def watched(self) -> tuple[Signal, ...]:
        """The watched signals, in the order of the file."""
        return tuple(
            Signal(
                name=watch.name,
                service=watch.service,
                source=self.source_of(watch),
                query=watch.query,
                harm=watch.harm,
                severity=watch.severity,
                threshold=watch.threshold,
            )
            for watch in self.watch
        )
