"""Settings in, adapters out: each heavy library is imported only by the adapter that is really used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cases.errors import PermanentError
from cases.flagging import Flags
from cases.measure import Measures
from cases.ports import Changes, Clock, Forge, LanguageModel, Logs, Notifier, Sandbox, SignalSource
from cases.steps import Notice
from cases.stores import Levers
from config.settings import Settings
from daemon.alerts.addresses import COMMENTS, PROMOTIONS, ROUTES
from daemon.alerts.receivers import notifiers_of, remembering
from daemon.clock import SystemClock
from daemon.home import Home
from daemon.observe.spans import Traces
from daemon.observe.traces import TracedModel

if TYPE_CHECKING:
    from daemon.ledger.ledger import Ledger
    from remediation.forge.survey import Survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Every adapter that the daemon meets the outside with."""

    sources: Mapping[str, SignalSource]
    changes: Changes
    forge: Forge
    sandbox: Sandbox
    notifiers: Mapping[str, Notifier]
    logs: Logs | None = None  # None: what the configuration names, see `with_ledger`
    model: LanguageModel | None = None  # the same; playbooks only, where that is none
    flags: Flags | None = None  # None: no service is experimented with
    measures: Measures | None = None  # likewise

    def close(self) -> None:
        """End what is under way and close the connections."""
        parts = (self.sandbox, self.forge, self.changes, self.logs, self.model, self.flags, self.measures)
        for part in (*parts, *self.sources.values()):
            close: Callable[[], None] | None = getattr(part, "close", None)
            if close is not None:
                close()


def outside_of(settings: Settings, home: Home, clock: Clock, *, process_sandbox: bool = False) -> Outside:
    """What the configuration names. Only the demo lets `sandbox: {runtime: process}` through."""
    sources, forge = sources_of(settings, clock), forge_of(settings, home, clock)
    flags, measures = experimenting(settings, home, forge, clock)
    return Outside(
        sources=sources,
        changes=changes_of(settings, sources, forge, clock),
        forge=forge,
        sandbox=sandbox_of(settings, home.name, process=process_sandbox, pool=True),
        notifiers=notifiers_of(settings, clock),
        flags=flags,
        measures=measures,
    )


def experimenting(settings: Settings, home: Home, forge: Forge, clock: Clock) -> tuple[Flags | None, Measures | None]:
    """What turns flags off and what measures users; loaded only where a service is experimented with."""
    if not any(service.experiments is not None for service in settings.services):
        return None, None
    from daemon.flagging import flags_of
    from daemon.measuring import measures_of

    return flags_of(settings, forge, clock), measures_of(settings, home.folder)


def with_ledger(
    outside: Outside,
    settings: Settings,
    ledger: "Ledger",
    clock: Clock,
    *,
    levers: Levers | None = None,
    traces: Traces | None = None,
) -> Outside:
    """Add the adapters that keep something in the ledger: a log's cursor, a model's money, a thread's name.

    What is there stays. Every trial has its lines in the audit, and every question its span in the traces; neither
    begins while `levers` (by default the ledger's own) say that everything is paused.
    """
    from daemon.audited import AuditedSandbox, HeldModel
    from daemon.authority import trust_of

    logs, model, held = outside.logs, outside.model, levers or ledger.levers
    if logs is None and settings.signals.loki:
        from daemon.tail import tail_of
        from daemon.template_rates import with_templates

        logs = tail_of(settings, ledger.checkpoints, clock, outside.sources)
        outside = replace(outside, sources=with_templates(outside.sources, logs))
    if logs is None:
        from signals.recorded import NoLogs

        logs = NoLogs()
    if model is None and settings.model.provider != "none":
        from remediation.model import model_of
        from remediation.model.remembered import Remembered

        purse, checkpoints = ledger.purse(settings.budget), ledger.checkpoints
        model = model_of(settings.model, purse, clock, remember=lambda asked: Remembered(asked, checkpoints, clock))

    def promotions() -> Notifier:
        from daemon.promotion import Promotions

        return Promotions(outside.forge, trust_of(settings, outside.forge, ledger, clock), held)

    def answers() -> Notifier:
        from daemon.heed import Acknowledgements

        return Acknowledgements(outside.forge)

    own: dict[str, Notifier] = {COMMENTS: _Later(COMMENTS, answers), PROMOTIONS: _Later(PROMOTIONS, promotions)}
    notifiers = {name: remembering(notifier, ledger) for name, notifier in outside.notifiers.items()}
    return replace(
        outside,
        logs=logs,
        model=None if model is None else TracedModel(HeldModel(model, held), traces or Traces()),
        notifiers={**notifiers, **own, **_router(settings, ledger, clock)},
        sandbox=AuditedSandbox(outside.sandbox, ledger.audit, clock, held),
    )


class _Later:
    """A receiver that is loaded with its first notice."""

    def __init__(self, name: str, build: Callable[[], Notifier]) -> None:
        self.name = name
        self._build = build

    def notify(self, notice: Notice) -> None:
        """See `cases.ports.Notifier`."""
        self._build().notify(notice)


def _router(settings: Settings, ledger: "Ledger", clock: Clock) -> dict[str, Notifier]:
    """What chooses receivers, where the settings have routes."""
    if not settings.alerts.routes:
        return {}
    from daemon.alerts.labels import Labels
    from daemon.alerts.routing import Router

    labels = Labels(settings=settings, cases=ledger.cases)
    router = Router(settings=settings, labels=labels, outbox=ledger.outbox, checkpoints=ledger.checkpoints, clock=clock)
    return {ROUTES: router}


def sources_of(settings: Settings, clock: Clock | None = None) -> Mapping[str, SignalSource]:
    """The telemetry sources by name. Nothing is reached yet.

    What is asked seldom goes by `clock`, or by the machine's.
    """
    from signals.access import client_arguments
    from signals.prometheus import PrometheusSource

    sources: dict[str, SignalSource] = {
        source.name: PrometheusSource(
            source.name,
            url=source.url,
            timeout=source.timeout,
            max_in_flight=source.max_in_flight,
            max_response_bytes=source.max_response_mib * 1024 * 1024,
            **client_arguments(source),
        )
        for source in settings.signals.prometheus
    }
    if settings.signals.loki:
        from daemon.tail import loki_of

        sources |= {source.name: loki_of(source) for source in settings.signals.loki}
    if any(settings.signals.analytics.values()):
        from daemon.connectors import analytics_of

        sources |= analytics_of(settings, clock or SystemClock())
    return sources | (_databases_of(settings, clock or SystemClock()) if settings.signals.sql else {})


def _databases_of(settings: Settings, clock: Clock) -> dict[str, SignalSource]:
    from signals.sql.source import SqlSource

    return {
        source.name: SqlSource(
            source.name,
            url=source.url,
            query=source.query,
            clock=clock,
            password=source.password.reveal if source.password else None,
            every=source.every,
            timeout=source.timeout,
            max_rows=source.max_rows,
        )
        for source in settings.signals.sql
    }


def services_of(settings: Settings) -> tuple[str, ...]:
    """The services that are watched."""
    return tuple(dict.fromkeys(signal.service for signal in settings.watched()))


def changes_of(settings: Settings, sources: Mapping[str, SignalSource], forge: Forge, clock: Clock) -> Changes:
    """Every deploy marker of the configuration, as one. What webhooks told is read from the store."""
    from daemon.ledger.deploys import StoredDeploys
    from daemon.markers import Ground, markers_of
    from signals.deploys import AllMarkers

    told = StoredDeploys(settings.store, settings.store_secret)
    ground = Ground(settings=settings, sources=sources, forge=forge, clock=clock, told=told)
    return AllMarkers(parts=tuple(marker.changes for marker in markers_of(ground)), closing=told.close)


def token_of(settings: Settings, clock: Clock | None = None) -> Callable[[], str]:
    """Where the forge's tokens come from: what the file names, or the installation of an App."""
    forge = settings.forge
    if forge.app is None:
        if forge.token is None:
            raise PermanentError("forge needs one of token and app; write token: env:GITHUB_TOKEN")
        return forge.token.reveal
    from remediation.forge.app import Installation

    return Installation(
        api_url=forge.api_url,
        app=forge.app.id,
        installation=forge.app.installation,
        key=forge.app.key.reveal_key,
        repositories=[repository.full_name.partition("/")[2] for repository in settings.repositories],
        clock=clock or SystemClock(),
    )


def forge_of(settings: Settings, home: Home, clock: Clock | None = None) -> Forge:
    """GitHub, or whatever speaks like it at `forge.api_url`. `clock` is the machine's unless another is given."""
    from remediation.forge.forge import GitForge
    from remediation.forge.quota import Limits, Quota
    from remediation.forge.repository import ForgeRepository

    return GitForge(
        tuple(
            ForgeRepository(name=r.name, url=r.url, branch=r.branch, full_name=r.full_name)
            for r in settings.repositories
        ),
        api_url=settings.forge.api_url,
        token=token_of(settings, clock),
        cache=home.mirrors,
        quota=Quota(
            Limits(
                spacing=settings.forge.write_spacing,
                per_minute=settings.forge.writes_per_minute,
                per_hour=settings.forge.writes_per_hour,
            ),
            clock or SystemClock(),
            home.folder / "forge-writes",
        ),
    )


def survey_of(settings: Settings) -> "Survey":
    """What the forge's token sees, before any repository is configured."""
    from remediation.forge.github import GithubApi
    from remediation.forge.survey import Survey

    return Survey(GithubApi(settings.forge.api_url, token_of(settings), settings.forge.write_spacing))


def sandbox_of(settings: Settings, owner: str, *, process: bool, pool: bool = False) -> Sandbox:
    """Docker; a process only where the caller vouches for the code, which is the demo with its own sample service.

    `pool` lets it keep containers waiting: for whoever closes it. Raises TemporaryError when no Docker engine answers.
    """
    if settings.sandbox.runtime != "process":
        from daemon.pool import stock_of
        from sandbox.docker import DockerSandbox

        runtime = None if settings.sandbox.runtime == "docker" else settings.sandbox.runtime
        return DockerSandbox(owner=owner, runtime=runtime, stock=stock_of(settings) if pool else None)
    if not process:
        raise PermanentError(
            "sandbox.runtime: process isolates too little for code from a repository; only `trackwalker demo` uses it. "
            "Write `runtime: docker`, and start a Docker engine"
        )
    from sandbox.process import ProcessSandbox

    return ProcessSandbox()
