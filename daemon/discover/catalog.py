"""`catalog.from`: services, their repositories and owners, as Argo CD's metric and Backstage's files have them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

import yaml

from cases.ports import SignalSource
from cases.telemetry import Signal
from config.settings import CatalogFilesSettings, CatalogMetricSettings, Settings
from daemon.discover.matching import full_name_of
from signals.promql import selector

_LABEL = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_]*)\}")
_SLUG = "github.com/project-slug"
_STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """What a catalog says of one service; `repository` and `configuration` are full names, "" for not said."""

    service: str
    repository: str = ""
    configuration: str = ""
    owners: tuple[str, ...] = ()
    source: str


def entries(
    settings: Settings,
    sources: Mapping[str, SignalSource],
    repositories: Mapping[str, str],
    read: Callable[[str, str], bytes | None],
    now: datetime,
) -> Iterator[CatalogEntry]:
    """Everything that the catalogs say. `repositories` are full names with their addresses; `read` reads a file."""
    for origin in settings.catalog.from_:
        if isinstance(origin, CatalogMetricSettings):
            source = sources[origin.source or settings.signals.prometheus[0].name]
            yield from _of_metric(origin, source, repositories, now)
        else:
            yield from _of_files(origin, repositories, read)


def _of_metric(
    origin: CatalogMetricSettings, source: SignalSource, repositories: Mapping[str, str], now: datetime
) -> Iterator[CatalogEntry]:
    query = selector(origin.prometheus, {})
    signal = Signal(name="catalog", service="", source=source.name, query=query)
    for labels in source.read(signal, now, now, _STEP).labels:
        service = _filled(origin.service, labels)
        address = _filled(origin.config_repository or "", labels)
        if service:
            configuration = full_name_of(address, repositories) if address else None
            yield CatalogEntry(service=service, configuration=configuration or "", source=origin.prometheus)


def _filled(form: str, labels: Mapping[str, str]) -> str:
    """The text with labels in the place of braces; "" when one of them is not there."""
    wanted = _LABEL.findall(form)
    if any(not labels.get(name) for name in wanted):
        return ""
    return _LABEL.sub(lambda found: labels[found[1]], form)


def _of_files(
    origin: CatalogFilesSettings, repositories: Mapping[str, str], read: Callable[[str, str], bytes | None]
) -> Iterator[CatalogEntry]:
    path = origin.files.removeprefix("/").removeprefix("**/")
    for full_name in repositories:
        content = read(full_name, path)
        for component in _components(content or b""):
            metadata = _group(component.get("metadata"))
            owner = _group(component.get("spec")).get("owner")
            slug = _group(metadata.get("annotations")).get(_SLUG)
            home = full_name_of(slug, repositories) if isinstance(slug, str) else None
            if isinstance(metadata.get("name"), str):
                yield CatalogEntry(
                    service=str(metadata["name"]),
                    repository=home or full_name,
                    owners=(owner,) if isinstance(owner, str) and owner else (),
                    source=f"{path} of {full_name}",
                )


def _components(content: bytes) -> list[dict[object, object]]:
    """The components of a file that somebody else wrote; none of one that cannot be read."""
    try:
        documents = list(yaml.safe_load_all(content))
    except (yaml.YAMLError, RecursionError, ValueError):
        return []
    return [group for group in map(_group, documents) if group.get("kind") == "Component"]


def _group(value: object) -> dict[object, object]:
    return cast("dict[object, object]", value) if isinstance(value, dict) else {}
