"""From an empty folder to a configuration: what telemetry and the forge have is proposed, what does not fit is listed.

Nothing is written anywhere. What is in the file already stays, unless it can be nothing but wrong: a repository that
the token does not see, a watch of a service that has no telemetry.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import cast
from urllib.parse import urlsplit

from cases.errors import PermanentError
from cases.ports import SignalSource
from config.load import Begun
from daemon.discover.catalog import CatalogEntry, entries
from daemon.discover.census import Census, taken
from daemon.discover.matching import CODEOWNERS, matched, owners
from daemon.discover.names import Repository, is_name
from daemon.discover.proposal import Block, written
from daemon.listing import Unmatched

Entry = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a service's code lives, and how that was found."""

    service: str
    repository: Repository
    because: str
    owners: tuple[str, ...] = ()
    configuration: str = ""  # the repository of its configuration, by its name here


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What was found, and the configuration that is proposed for it.

    split, firing   how many watches of rules have a reading, and how many only their firing state
    left_out        entries of the present file that were taken out, with the reason
    unused          repositories that the token sees and no service is built from
    """

    config: str
    places: tuple[Place, ...]
    unmatched: tuple[Unmatched, ...]
    left_out: tuple[str, ...]
    unused: tuple[str, ...]
    services: int
    split: int
    firing: int


@dataclass(slots=True, kw_only=True)
class Discoverer:
    """Looks around and proposes. `read` reads a file of a repository, by full name and path."""

    begun: Begun
    sources: Mapping[str, SignalSource]
    repositories: Sequence[Repository]
    read: Callable[[str, str], bytes | None]
    now: datetime
    _owners: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def discover(self) -> Discovery:
        """Everything. Raises TemporaryError for what cannot be reached, PermanentError for what is refused."""
        if not self.repositories:
            raise PermanentError("the token of `forge.token` sees no repository: give it access to those of your code")
        censuses = {name: taken(self.begun.settings, source, self.now) for name, source in self.sources.items()}
        told = self._catalog()
        services = sorted({*(s for census in censuses.values() for s in census.services), *told})
        places, homeless = self._places(services, told)
        unmatched = [*homeless, *(one for census in censuses.values() for one in census.unmatched)]
        unmatched += self._undeployed(censuses)
        blocks, left_out = self._blocks(censuses, places, homeless, frozenset(services))
        used = {place.repository.full_name for place in places}
        watches = [watch for census in censuses.values() for watch in census.watches]
        return Discovery(
            config=written(self.begun.text, blocks),
            places=tuple(places),
            unmatched=tuple(unmatched),
            left_out=tuple(left_out),
            unused=tuple(one.full_name for one in self.repositories if one.full_name not in used),
            services=len(services),
            split=sum(not watch.because for watch in watches),
            firing=sum(bool(watch.because) for watch in watches),
        )

    def _catalog(self) -> dict[str, CatalogEntry]:
        """Service → what the first catalog that has it says."""
        seen = {one.full_name: one.url for one in self.repositories}
        told: dict[str, CatalogEntry] = {}
        for entry in entries(self.begun.settings, self.sources, seen, self.read, self.now):
            told.setdefault(entry.service, entry)
        return told

    def _places(self, services: Iterable[str], told: Mapping[str, CatalogEntry]) -> tuple[list[Place], list[Unmatched]]:
        """Where each service lives; and those that nobody knows a place for. What the file has is not asked again."""
        here = {str(entry.get("name")) for entry in self._present("services")}
        known = {one.full_name: one for one in self.repositories}
        places: list[Place] = []
        homeless: list[Unmatched] = []
        for service in services:
            if service in here:
                continue
            if not is_name(service):
                homeless.append(Unmatched(what=service, because="its name cannot stand in `services`"))
                continue
            entry = told.get(service)
            said = entry.repository if entry else ""
            match = matched(service, list(known))
            full_name = said or match.repository
            if full_name is None:
                homeless.append(Unmatched(what=service, because=match.because))
                continue
            configuration = known.get(entry.configuration) if entry else None
            place = Place(
                service=service,
                repository=known[full_name],
                because=entry.source if entry and said else match.because,
                owners=(entry.owners if entry else ()) or self._owners_of(full_name),
                configuration=configuration.name if configuration else "",
            )
            places.append(place)
        return places, homeless

    def _owners_of(self, full_name: str) -> tuple[str, ...]:
        if full_name not in self._owners:
            contents = (self.read(full_name, path) for path in CODEOWNERS)
            first = next((content for content in contents if content is not None), b"")
            self._owners[full_name] = owners(first.decode(errors="replace"))
        return self._owners[full_name]

    def _undeployed(self, censuses: Mapping[str, Census]) -> list[Unmatched]:
        metrics = frozenset[str]().union(*(census.metrics for census in censuses.values()))
        if any(entry.get("prometheus", "") in {"", *metrics} for entry in self._present("deploys")) or any(
            census.markers for census in censuses.values()
        ):
            return []
        because = "no metric says which commit runs: see the notes at `deploys`"
        return [Unmatched(what="deploys", because=because)]

    def _blocks(
        self,
        censuses: Mapping[str, Census],
        places: Sequence[Place],
        homeless: Sequence[Unmatched],
        services: frozenset[str],
    ) -> tuple[list[Block], list[str]]:
        """The lists of the proposed file, and what was taken out of the present ones."""
        left_out: list[str] = []
        watch = self._watch(censuses, services, left_out)
        gone, repositories = self._repositories(places, left_out)
        here = self._services(places, homeless, gone, left_out)
        blocks = (watch, here, repositories, self._deploys(censuses, left_out))
        return [block for block in blocks if block is not None], left_out

    def _watch(self, censuses: Mapping[str, Census], services: frozenset[str], left_out: list[str]) -> Block | None:
        present = self._present("watch")
        kept: list[Entry] = []
        for entry in present:
            service = entry.get("service")
            if "import" in entry or "by" in entry or service in services:
                kept.append(entry)
            else:
                left_out.append(f"watch {entry.get('name')}: no telemetry names the service {service}")
        several = len(censuses) > 1
        added: list[Entry] = []
        for name, census in censuses.items():
            source = {"source": name} if several else {}
            imported = any("import" in entry and entry.get("source", name) == name for entry in kept)
            if census.watches and not imported:
                added.append({"import": "prometheus_rules", **source})
            if not census.watches and not kept:
                added += [{**family, **source} for family in census.families]
        heading = "What is watched: every alert rule that names a service, or a query for each service."
        return self._block("watch", heading, kept, added)

    def _repositories(self, places: Iterable[Place], left_out: list[str]) -> tuple[set[object], Block | None]:
        """The names of the repositories that were taken out, and the list."""
        present, visible = self._present("repositories"), {one.full_name.casefold() for one in self.repositories}
        kept: list[Entry] = []
        gone: set[object] = set()
        for entry in present:
            if str(entry.get("full_name")).casefold() in visible and self._at_home(str(entry.get("url"))):
                kept.append(entry)
            else:
                gone.add(entry.get("name"))
                left_out.append(f"repository {entry.get('full_name')}: the token does not see it on this forge")
        here = {str(entry.get("full_name")).casefold() for entry in kept}
        configurations = {place.configuration for place in places}
        wanted = {place.repository for place in places} | {r for r in self.repositories if r.name in configurations}
        if not wanted and not kept:
            wanted = set(self.repositories)  # a file needs one: let its owner choose
        added = [one.entry() for one in sorted(wanted) if one.full_name.casefold() not in here]
        gone -= {one["name"] for one in added}
        return gone, self._block("repositories", "Where the code lives.", kept, added)

    def _services(
        self, places: Iterable[Place], homeless: Sequence[Unmatched], gone: set[object], left_out: list[str]
    ) -> Block | None:
        kept: list[Entry] = []
        for entry in self._present("services"):
            if entry.get("repository") in gone:
                left_out.append(f"service {entry.get('name')}: its repository {entry.get('repository')} was taken out")
            else:
                kept.append(entry)
        added: list[Entry] = [
            {
                "name": place.service,
                "repository": place.repository.name,
                **({"owners": list(place.owners)} if place.owners else {}),
            }
            for place in places
        ]
        notes: list[str] = []
        if homeless:
            notes.append("Unmatched. Put the right repository (name it under repositories too), and take the # away:")
        notes += [f"- {{name: {one.what}, repository: ?}}  # {one.because}" for one in homeless]
        moved = [place for place in places if place.configuration]
        if moved:
            notes.append("Their configuration lives elsewhere. Add to these services, with the right file:")
        notes += [
            f"{place.service}: config: {{repository: {place.configuration}, file: prod/values.yaml}}" for place in moved
        ]
        heading = "Which repository a service is built from, and who owns it."
        return self._block("services", heading, kept, added, notes)

    def _deploys(self, censuses: Mapping[str, Census], left_out: list[str]) -> Block | None:
        metrics = frozenset[str]().union(*(census.metrics for census in censuses.values()))
        present: list[Entry] = []
        for entry in self._present("deploys"):
            if str(entry.get("prometheus", "")) in metrics or "prometheus" not in entry:
                present.append(entry)
            else:
                left_out.append(f"deploys {entry['prometheus']}: no Prometheus has had that metric for an hour")
        several = len(censuses) > 1
        have = {str(entry.get("prometheus")) for entry in present}
        found = [
            {**marker, **({"source": name} if several else {})}
            for name, census in censuses.items()
            for marker in census.markers
        ]
        added = [marker for marker in found if marker["prometheus"] not in have]
        notes = [hint for census in censuses.values() for hint in census.hints]
        if not found and not present:
            notes.append("No metric says which commit runs. For services that deploy on merge: {merge: {delay: 2m}}")
        return self._block("deploys", "How it is seen which commit runs.", present, added, notes)

    def _block(
        self, key: str, heading: str, kept: Sequence[Entry], added: Sequence[Entry], notes: Sequence[str] = ()
    ) -> Block | None:
        """The list as proposed, or None when nothing about it is new."""
        unsaid = [note for note in notes if note not in self.begun.text]
        own = _groups(self.begun.own.get(key))
        stays = [entry for entry in own if any(entry is one for one in kept)]  # what is included stays where it is
        if len(stays) == len(own) and not added and not unsaid:
            return None
        return Block(key=key, heading=heading, entries=[*stays, *added], notes=notes)

    def _present(self, key: str) -> list[Entry]:
        """The entries of a list in the present file and those that it includes."""
        return _groups(self.begun.value.get(key))

    def _at_home(self, url: str) -> bool:
        """Whether the address is on one of the hosts where the forge's repositories are."""
        return urlsplit(url).netloc in {urlsplit(one.url).netloc for one in self.repositories}


def _groups(listed: object) -> list[Entry]:
    entries_here = cast("Sequence[object]", listed) if isinstance(listed, tuple) else ()
    return [cast("Entry", entry) for entry in entries_here if isinstance(entry, dict)]
