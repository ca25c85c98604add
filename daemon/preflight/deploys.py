"""Deploy markers: does each name commits, and are they commits of the right repository."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from functools import partial
from ipaddress import ip_address

from cases.errors import PermanentError
from cases.moments import iso
from cases.ports import Clock, Forge
from config.settings import GithubDeploymentsSettings, Settings, WebhookSettings
from daemon.ledger.deploys import StoredDeploys
from daemon.markers import Ground, Marker, markers_of
from daemon.preflight.finding import Finding, asked, fine, short
from daemon.preflight.sources import Reached
from signals.deploys import AllMarkers

MOST_NAMED = 5


def findings(settings: Settings, clock: Clock, forge: Forge, reached: Reached) -> Iterator[Finding]:
    """Ask each marker by itself, then for each service what all of them come to."""
    if not settings.deploys:
        yield short(
            "deploys",
            "a marker is configured",
            "none: no suspect can be said to have run, and every merge ends inconclusive; add `deploys`",
        )
        return
    if not reached.sources:
        return  # said already: their secrets cannot be read
    with closing(StoredDeploys(settings.store, settings.store_secret)) as told:
        ground = Ground(settings=settings, sources=reached.sources, forge=forge, clock=clock, told=told)
        try:
            markers = markers_of(ground)
        except PermanentError as error:
            yield short("deploys", "markers can be made", str(error))
            return
        now = clock.now()
        for marker in markers:
            yield from _marker(marker, reached.services, ground, told, now)
        everything = AllMarkers(parts=tuple(marker.changes for marker in markers))
        for service in reached.services:
            yield asked(
                f"deploys of {service}",
                "a marker resolves to a commit",
                partial(_resolved, everything, service, settings, forge, now),
            )


def _marker(
    marker: Marker, services: Sequence[str], ground: Ground, told: StoredDeploys, now: datetime
) -> Iterator[Finding]:
    system = f"deploys[{marker.place}] {marker.words}"
    if isinstance(marker.settings, WebhookSettings):
        yield asked(system, "its sender can be known", partial(_sender, marker.settings, ground.settings))
        yield asked(system, "was told something", partial(_told, marker.settings, ground.settings, told))
        return
    yield asked(system, "names commits", partial(_names, marker, services, now))
    if isinstance(marker.settings, GithubDeploymentsSettings):
        shared = _sharing(ground.settings, services)
        if shared:
            yield fine(system, "which service it tells of", f"each of {shared}: the record names no service")


def _names(marker: Marker, services: Sequence[str], now: datetime) -> str:
    """Which services the marker knows. Raises PermanentError when it knows none."""
    silent = {service: why for service in services if (why := marker.changes.silence(service, now))}
    why = "; ".join(f"{service}: {reason}" for service, reason in list(silent.items())[:MOST_NAMED])
    more = f"; and {len(silent) - MOST_NAMED} more" if len(silent) > MOST_NAMED else ""
    if len(silent) == len(services):
        raise PermanentError(f"it says nothing of any service; {why}{more}")
    known = len(services) - len(silent)
    return f"of {known} of {len(services)} services" + (f"; not of {why}{more}" if silent else "")


def _sharing(settings: Settings, services: Sequence[str]) -> str:
    """The services that share a repository, "" when none do."""
    homes: dict[str, list[str]] = {}
    for service in services:
        homes.setdefault(settings.service(service).repository, []).append(service)
    return "; ".join(f"{', '.join(found)} (in {name})" for name, found in homes.items() if len(found) > 1)


def _sender(marker: WebhookSettings, settings: Settings) -> str:
    """Who may send: the secret is read, never shown."""
    place = f"POST {settings.api.listen}/webhooks/deploys/{marker.webhook}"
    if marker.secret is not None:
        marker.secret.reveal()
        return f"by the marker's own secret, at {place}"
    if settings.api.token is not None:
        settings.api.token.reveal()
        return f"by api.token, at {place}"
    return f"only this machine may send, at {place}: set `secret` for senders elsewhere"


def _told(marker: WebhookSettings, settings: Settings, told: StoredDeploys) -> str:
    """When it was last heard. Nothing is no fault: the first deploy may be still to come."""
    at = told.last_received(marker.teller, marker.environment)
    if at is not None:
        return f"last at {iso(at)}"
    here = is_here(settings.api.listen)
    unheard = (
        ", and nothing outside this machine can reach api.listen" if here and settings.api.public_url is None else ""
    )
    return f"nothing received yet{unheard}"


def is_here(listen: str) -> bool:
    """Whether only this machine reaches the address."""
    host = listen.rpartition(":")[0].strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _resolved(changes: AllMarkers, service: str, settings: Settings, forge: Forge, now: datetime) -> str:
    """What runs, by all markers together: commits of the service's repository, or of its configuration's."""
    running = changes.running(service, now)
    if not running:
        raise PermanentError(f"no marker says what runs now; check `deploys` against what {service} exports")
    known = settings.service(service)
    homes = [known.repository, *([known.config.repository] if known.config is not None else [])]
    found = {commit: _home(commit, homes, forge) for commit in running}
    lost = [commit[:12] for commit, home in found.items() if home is None]
    if lost:
        raise PermanentError(
            f"a marker says {', '.join(lost)}, no commit on the watched branch of {' or '.join(homes)}"
        )
    return ", ".join(f"{commit[:12]} of {home} runs" for commit, home in found.items())


def _home(commit: str, homes: Sequence[str], forge: Forge) -> str | None:
    return next((home for home in homes if forge.contains(home, forge.head(home), commit)), None)
