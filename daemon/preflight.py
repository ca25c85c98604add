"""What `trackwalker check` asks of every system that the configuration names. Nothing is written anywhere."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from cases.errors import PermanentError, TemporaryError
from cases.ports import Clock, Forge, SignalSource
from cases.telemetry import Sight, Signal
from config.settings import ReceiverSettings, Settings, SlackSettings, SlackThreadSettings
from daemon.build import changes_of, forge_of, sandbox_of, sources_of
from daemon.exits import DONE, FOUND, UNREACHABLE
from daemon.home import Home

LOOK_BACK = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the table. `status` is an exit status: 0 fine, 1 falls short, 3 cannot be reached."""

    system: str
    asked: str
    status: int
    said: str


def worst(findings: list[Finding]) -> int:
    """The exit status of a whole check: what cannot be reached comes before what falls short."""
    return max((finding.status for finding in findings), default=DONE)


def preflight(settings: Settings, clock: Clock, home: Home) -> Iterator[Finding]:
    """Ask each system in turn; every finding comes as soon as it is known."""
    yield from _sources(settings, clock)
    yield from _forge(settings, clock, home)
    yield from _sandbox(settings, home)
    yield from _receivers(settings)


def _sources(settings: Settings, clock: Clock) -> Iterator[Finding]:
    now = clock.now()
    try:
        sources = sources_of(settings)
    except (PermanentError, TemporaryError) as error:
        yield Finding(system="signals", asked="secrets can be read", status=FOUND, said=str(error))
        return
    for name, source in sources.items():
        yield _asked(f"source {name}", "answers", source.probe)
    for signal in settings.watched():
        yield _asked(f"watch {signal.key}", "has fresh readings", partial(_reads, signal, sources, settings, now))


def _reads(signal: Signal, sources: Mapping[str, SignalSource], settings: Settings, now: datetime) -> str:
    from detectors.sight import sight

    block = sources[signal.source].read(signal, now - LOOK_BACK, now, settings.detection.step)
    state = sight(block, now, settings.detection.stale_after)
    if state.sight is not Sight.FRESH:
        raise PermanentError(f"{state.sight}: {state.because}")
    return f"{len(block.labels)} series" + (f", reads {state.value:.4g}" if state.value is not None else "")


def _forge(settings: Settings, clock: Clock, home: Home) -> Iterator[Finding]:
    now = clock.now()
    forge = forge_of(settings, home)
    for repository in settings.repositories:
        asked = f"repository {repository.name}"
        head = _asked(asked, f"branch {repository.branch} can be fetched", partial(forge.head, repository.name))
        yield head
        try:
            permissions = forge.permissions(repository.name)
        except TemporaryError as error:
            yield Finding(system=asked, asked="permissions", status=UNREACHABLE, said=str(error))
            continue
        except PermanentError as error:
            yield Finding(system=asked, asked="permissions", status=FOUND, said=str(error))
            continue
        for permission, granted, mend in permissions:
            yield Finding(
                system=asked, asked=permission, status=DONE if granted else FOUND, said="granted" if granted else mend
            )
    if not settings.deploys:
        yield Finding(
            system="deploys",
            asked="a marker is configured",
            status=FOUND,
            said="none: no suspect can be said to have run, and every merge ends inconclusive; add `deploys`",
        )
        return
    for service in dict.fromkeys(signal.service for signal in settings.watched()):
        yield _asked(
            f"deploys of {service}",
            "a marker resolves to a commit",
            partial(_marked, service, settings, forge, now),
        )


def _marked(service: str, settings: Settings, forge: Forge, now: datetime) -> str:
    changes = changes_of(settings, sources_of(settings), forge)
    running = changes.running(service, now)
    if not running:
        raise PermanentError(f"no marker says what runs now; check `deploys` against what {service} exports")
    repository = settings.service(service).repository
    head = forge.head(repository)
    unknown = [commit[:12] for commit in running if not forge.contains(repository, head, commit)]
    if unknown:
        raise PermanentError(f"the marker says {', '.join(unknown)}, no commit on the watched branch of {repository}")
    return f"{', '.join(commit[:12] for commit in running)} runs"


def _sandbox(settings: Settings, home: Home) -> Iterator[Finding]:
    images = dict.fromkeys(repository.sandbox.image for repository in settings.repositories)
    for image in images:
        yield _asked("sandbox", f"image {image} is there", partial(_image, settings, home, image))


def _image(settings: Settings, home: Home, image: str) -> str:
    sandbox = sandbox_of(settings, home.name, process=False)
    sandbox.ready(image)
    return sandbox.describe()


def _receivers(settings: Settings) -> Iterator[Finding]:
    for receiver in settings.alerts.receivers:
        yield _asked(f"receiver {receiver.name}", "its secret can be read", partial(_readable, receiver))
    if not settings.alerts.receivers:
        yield Finding(
            system="receivers", asked="somebody is told", status=DONE, said="none configured: notices go to the log"
        )


def _readable(receiver: ReceiverSettings) -> str:
    if isinstance(receiver, SlackSettings):
        receiver.slack.reveal()
        return "a webhook; nothing was sent"
    if isinstance(receiver, SlackThreadSettings):
        receiver.slack_token.reveal()
        return f"a bot in {receiver.channel}; nothing was sent"
    return f"mail to {receiver.email} by {receiver.smtp}; nothing was sent"


def _asked(system: str, asked: str, ask: Callable[[], str]) -> Finding:
    """Ask, and turn the answer or the error into a finding."""
    try:
        return Finding(system=system, asked=asked, status=DONE, said=ask())
    except TemporaryError as error:
        return Finding(system=system, asked=asked, status=UNREACHABLE, said=str(error))
    except PermanentError as error:
        return Finding(system=system, asked=asked, status=FOUND, said=str(error))
