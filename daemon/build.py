"""Settings in, adapters out: each heavy library is imported only by the adapter that is really used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from cases.errors import PermanentError
from cases.ports import Changes, Clock, Forge, LanguageModel, Logs, Notifier, Sandbox, SignalSource
from cases.telemetry import DAY
from config.settings import BuildInfoSettings, EmailSettings, MergeSettings, Settings, SlackSettings
from daemon.home import Home

# Deploy markers are looked for on a grid four times as fine as the readings, within these bounds.
FINEST, COARSEST = timedelta(seconds=1), timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """Every adapter that the daemon meets the outside with."""

    sources: Mapping[str, SignalSource]
    changes: Changes
    forge: Forge
    sandbox: Sandbox
    notifiers: Mapping[str, Notifier]
    logs: Logs
    model: LanguageModel | None = None  # None: playbooks only

    def close(self) -> None:
        """End what is under way and close the connections."""
        for part in (self.sandbox, self.forge, *self.sources.values()):
            close: Callable[[], None] | None = getattr(part, "close", None)
            if close is not None:
                close()


def outside_of(settings: Settings, home: Home, clock: Clock, *, process_sandbox: bool = False) -> Outside:
    """What the configuration names. Only the demo lets `sandbox: {runtime: process}` through."""
    sources, forge = sources_of(settings), forge_of(settings, home)
    return Outside(
        sources=sources,
        changes=changes_of(settings, sources, forge),
        forge=forge,
        sandbox=sandbox_of(settings, home.name, process=process_sandbox),
        notifiers=notifiers_of(settings, clock),
        logs=logs_of(),
    )


def sources_of(settings: Settings) -> Mapping[str, SignalSource]:
    """The telemetry sources by name. Nothing is reached yet."""
    from signals.prometheus import PrometheusSource

    return {
        source.name: PrometheusSource(
            source.name,
            url=source.url,
            headers={name: secret.reveal() for name, secret in source.headers.items()},
            timeout=source.timeout,
            max_in_flight=source.max_in_flight,
            max_response_bytes=source.max_response_mib * 1024 * 1024,
        )
        for source in settings.signals.prometheus
    }


def logs_of() -> Logs:
    """What the logs say: without a log source, that there is none."""
    from signals.recorded import NoLogs

    return NoLogs()


def services_of(settings: Settings) -> tuple[str, ...]:
    """The services that are watched."""
    return tuple(dict.fromkeys(signal.service for signal in settings.watched()))


def changes_of(settings: Settings, sources: Mapping[str, SignalSource], forge: Forge) -> Changes:
    """Every deploy marker of the configuration, as one."""
    from signals.deploys import AllMarkers, BuildInfoMarkers, MergeMarkers

    markers: list[Changes] = []
    for deploy in settings.deploys:
        match deploy:
            case BuildInfoSettings():
                markers.append(
                    BuildInfoMarkers(
                        source=sources[settings.source_of(deploy)],
                        metric=deploy.prometheus,
                        commit_label=deploy.commit_label,
                        service_label=deploy.service_label,
                        step=min(COARSEST, max(FINEST, settings.detection.step / 4)),
                        lead_in=min(DAY, settings.diagnosis.look_back),
                    )
                )
            case MergeSettings(merge=merge):
                markers.append(
                    MergeMarkers(
                        commits=forge.commits,
                        repositories={s: settings.service(s).repository for s in services_of(settings)},
                        delay=merge.delay,
                    )
                )
    return AllMarkers(parts=tuple(markers))


def forge_of(settings: Settings, home: Home) -> Forge:
    """GitHub, or whatever speaks like it at `forge.api_url`."""
    from remediation.forge.forge import GitForge
    from remediation.forge.repository import ForgeRepository

    return GitForge(
        tuple(
            ForgeRepository(name=r.name, url=r.url, branch=r.branch, full_name=r.full_name)
            for r in settings.repositories
        ),
        api_url=settings.forge.api_url,
        token=settings.forge.token.reveal,
        cache=home.mirrors,
        write_spacing=settings.forge.write_spacing,
    )


def sandbox_of(settings: Settings, owner: str, *, process: bool) -> Sandbox:
    """Docker; a process only where the caller vouches for the code, which is the demo with its own sample service.

    Raises TemporaryError when no Docker engine answers.
    """
    if settings.sandbox.runtime == "docker":
        from sandbox.docker import DockerSandbox

        return DockerSandbox(owner=owner)
    if not process:
        raise PermanentError(
            "sandbox.runtime: process isolates too little for code from a repository; only `trackwalker demo` uses it. "
            "Write `runtime: docker`, and start a Docker engine"
        )
    from sandbox.process import ProcessSandbox

    return ProcessSandbox()


def notifiers_of(settings: Settings, clock: Clock) -> Mapping[str, Notifier]:
    """The receivers by name; with none configured, notices go to the log."""
    from daemon.alerts.console import ConsoleNotifier

    receivers: dict[str, Notifier] = {}
    for receiver in settings.alerts.receivers:
        if isinstance(receiver, SlackSettings):
            from daemon.alerts.slack import SlackNotifier

            receivers[receiver.name] = SlackNotifier(receiver.name, receiver.slack.reveal)
        elif isinstance(receiver, EmailSettings):
            from daemon.alerts.email import EmailNotifier

            receivers[receiver.name] = EmailNotifier(
                receiver.name, smtp=receiver.smtp, sender=receiver.sender, recipient=receiver.email, clock=clock
            )
    return receivers or {"log": ConsoleNotifier("log")}
