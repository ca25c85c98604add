"""Deploy markers in the configuration, made into adapters, each with its words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from cases.errors import PermanentError
from cases.ports import Changes, Clock, Forge, SignalSource
from cases.telemetry import DAY
from config.settings import (
    BuildInfoSettings,
    DeploySettings,
    GithubDeploymentsSettings,
    MergeSettings,
    Settings,
    WebhookSettings,
)
from signals.deploys import (
    BuildInfoMarkers,
    ForgeMarkers,
    ImageMarkers,
    KeepsDeployments,
    MergeMarkers,
    Showing,
    TagBook,
    ToldDeploys,
    ToldMarkers,
    tag_of,
)

# Deploy markers are looked for on a grid four times as fine as the readings, within these bounds.
FINEST, COARSEST = timedelta(seconds=1), timedelta(seconds=15)


class Marks(Changes, Protocol):
    """Changes that can say why they say nothing."""

    def silence(self, service: str, at: datetime) -> str:
        """Why no commit is named at a moment, for people; "" when one is. Raises what `running` raises."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Marker:
    """One entry of `deploys`: its place in the list, what it is in words, and the adapter."""

    place: int
    words: str
    settings: DeploySettings
    changes: Marks


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What markers are made on."""

    settings: Settings
    sources: Mapping[str, SignalSource]
    forge: Forge
    clock: Clock
    told: ToldDeploys


def markers_of(ground: Ground) -> tuple[Marker, ...]:
    """Every entry of `deploys`, in its order. Nothing is reached yet.

    Raises PermanentError for a forge that keeps no record of deployments, where one is asked for.
    """
    return tuple(
        Marker(place=place, words=words(deploy), settings=deploy, changes=_changes(deploy, ground))
        for place, deploy in enumerate(ground.settings.deploys)
    )


def words(deploy: DeploySettings) -> str:
    """What an entry of `deploys` is, for people."""
    match deploy:
        case BuildInfoSettings():
            return f"metric {deploy.prometheus}, label {deploy.image_label or deploy.commit_label}"
        case GithubDeploymentsSettings(github_deployments=wanted):
            return f"deployments to {wanted.environment} on the forge"
        case WebhookSettings():
            return f"webhook {deploy.webhook} for {deploy.environment}"
        case MergeSettings():
            return "merge and delay"


def _changes(deploy: DeploySettings, ground: Ground) -> Marks:
    repository_of = _repository_of(ground.settings)
    match deploy:
        case BuildInfoSettings(image_label=None):
            return BuildInfoMarkers(showing=_showing(deploy, ground))
        case BuildInfoSettings():
            book = TagBook(form=re.compile(deploy.tag), tagged=ground.forge.tagged, clock=ground.clock)
            return ImageMarkers(showing=_showing(deploy, ground), tags=book, repository_of=repository_of)
        case GithubDeploymentsSettings(github_deployments=wanted):
            if not isinstance(ground.forge, KeepsDeployments):
                raise PermanentError("deploys: this forge keeps no record of deployments; use another marker")
            return ForgeMarkers(
                forge=ground.forge, repository_of=repository_of, environment=wanted.environment, clock=ground.clock
            )
        case WebhookSettings():
            return ToldMarkers(ledger=ground.told, source=deploy.teller, environment=deploy.environment)
        case MergeSettings(merge=merge):
            return MergeMarkers(commits=ground.forge.commits, repository_of=repository_of, delay=merge.delay)


def _showing(deploy: BuildInfoSettings, ground: Ground) -> Showing:
    image, commit = deploy.image_label, deploy.commit_label

    def version(labels: Mapping[str, str]) -> str:
        return labels.get(commit, "") if image is None else tag_of(labels.get(image, ""))

    return Showing(
        source=ground.sources[ground.settings.source_of(deploy)],
        metric=deploy.prometheus,
        service_label=deploy.service_label,
        version=version,
        grouped_by=image or "",  # pods come and go, each with a series of its own
        match=deploy.match,
        step=min(COARSEST, max(FINEST, ground.settings.detection.step / 4)),
        lead_in=min(DAY, ground.settings.diagnosis.look_back),
    )


def _repository_of(settings: Settings) -> Callable[[str], str | None]:
    def repository_of(service: str) -> str | None:
        try:
            return settings.service(service).repository
        except PermanentError:
            return None

    return repository_of
