"""The file of grants: what humans give the daemon, an area a grant, in a repository and by merges alone.

```yaml
pools: {web: [shop, cart]}
grants:
  - {repository: shop, service: shop, class: revert, risk: low, level: pull_request, granted: "2026-03-01T09:00:00Z",
     because: 7 of 7 proposals were merged as they were}
```
A grant that leaves a key out means any; of those that fit the one that says most counts, of equals none: that is a
mistake. `granted` is when it was given: a demotion that came later holds against it.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, ValidationError

from cases.change import ChangeClass
from cases.policy import Authority
from cases.trust import ROLLBACK, Area, Risk
from config.document import Loc, parse
from config.errors import ConfigError, Mistake
from config.fields import Moment, Name, Text
from config.section import Section

Level: TypeAlias = Literal["observe", "propose", "pull_request", "auto_merge"]
Kind: TypeAlias = Literal[
    "revert", "configuration", "flag", "pin", "edit", "experiment", "improvement", "rollback"
]  # fmt: skip
KINDS = (*(kind.value for kind in ChangeClass), ROLLBACK)
_AREA = ("repository", "pool", "service", "kind", "risk")


class GrantSettings(Section):
    """One grant."""

    repository: Name | None = None
    """The repository, by its name in the configuration. None: any."""

    pool: Name | None = None
    """A pool of repositories: their outcomes count together. It stands in the place of `repository`."""

    service: Name | None = None
    """The service. None: any."""

    kind: Annotated[Kind | None, Field(alias="class")] = None
    """The action class. None: any."""

    risk: Literal["low", "normal", "high"] | None = None
    """The risk tier. None: any."""

    level: Level
    """What may be done unasked."""

    granted: Moment
    """When it was given, with its zone."""

    because: Text
    """Why: the outcomes that it rests on, or a human's reason."""

    @property
    def authority(self) -> Authority:
        """The level as a noun."""
        return Authority[self.level.upper()]

    @property
    def says(self) -> int:
        """How many parts of the area it names."""
        return sum(getattr(self, name) is not None for name in _AREA)

    def fits(self, area: Area, pools: Mapping[str, Sequence[str]]) -> bool:
        """Whether it is about that area."""
        return (
            (self.repository is None or self.repository == area.repository)
            and (self.pool is None or area.repository in pools.get(self.pool, ()))
            and (self.service is None or self.service == area.service)
            and (self.kind is None or self.kind == area.kind)
            and (self.risk is None or Risk(self.risk) is area.risk)
        )


class TrustFile(Section):
    """A whole file of grants."""

    pools: Mapping[Name, tuple[Name, ...]] = {}
    """Pools of repositories, named by hand."""

    grants: tuple[GrantSettings, ...] = ()
    """The grants, in any order."""

    def grant(self, area: Area) -> GrantSettings | None:
        """The grant that counts there: the one that says most."""
        fitting = [grant for grant in self.grants if grant.fits(area, self.pools)]
        return max(fitting, key=lambda grant: grant.says, default=None)

    def levels_in(self, repository: str) -> tuple[Authority, ...]:
        """What is given to any area of a repository."""
        own = (g for g in self.grants if g.pool is None and g.repository in {None, repository})
        pooled = (g for g in self.grants if g.pool is not None and repository in self.pools.get(g.pool, ()))
        return tuple(grant.authority for grant in (*own, *pooled))

    def pool_of(self, area: Area) -> tuple[str, ...]:
        """The repositories whose outcomes count for that area: its own, or those of the pool that its grant names."""
        grant = self.grant(area)
        if grant is None or grant.pool is None:
            return (area.repository,)
        return self.pools.get(grant.pool, (area.repository,))


def read(text: str, name: str, now: datetime, repositories: Sequence[str]) -> TrustFile:
    """The grants in a text. Raises ConfigError with every mistake: then nothing of it counts."""
    document = parse(text, name)
    try:
        found = TrustFile.model_validate(document.value if document.value is not None else {})
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        wrong = [(fault["loc"], fault["msg"], _HINT) for fault in faults]
    else:
        wrong = list(_misfits(found, now, repositories))
        if not wrong:
            return found
    raise ConfigError(
        name,
        [
            Mistake(line=document.line_of(loc), key=_key(loc), problem=problem, hint=hint)
            for loc, problem, hint in wrong
        ],
    )


_HINT = "see docs/authority.md for what a grant holds"


def _misfits(found: TrustFile, now: datetime, repositories: Sequence[str]) -> Iterator[tuple[Loc, str, str]]:
    """What does not fit together."""
    for pool, names in found.pools.items():
        for name in names:
            if name not in repositories:
                yield ("pools", pool), f"there is no repository named {name}", f"known: {', '.join(repositories)}"
    for place, grant in enumerate(found.grants):
        loc: Loc = ("grants", place)
        for key, problem, hint in _odd(grant, found, now):
            yield (*loc, key), problem, hint
        for before, other in enumerate(found.grants[:place]):
            if grant.says == other.says and overlap(grant, other, found.pools):
                yield loc, f"it is about the same as grants[{before}], and says no more", "keep one of the two"


def _odd(grant: GrantSettings, found: TrustFile, now: datetime) -> Iterator[tuple[str, str, str]]:
    """What is wrong with one grant: key, problem, hint."""
    if grant.granted > now:
        yield "granted", "it is in the future", "write when it was given: it must not outlast a demotion"
    if grant.repository is not None and grant.pool is not None:
        yield "pool", "it names a repository as well", "keep one of the two"
    if grant.pool is not None and grant.pool not in found.pools:
        yield "pool", f"there is no pool named {grant.pool}", "list it under pools"
    if grant.level == "auto_merge" and grant.risk != "low":
        yield "level", "auto_merge is for low risk alone", "add risk: low"


def overlap(one: GrantSettings, other: GrantSettings, pools: Mapping[str, Sequence[str]]) -> bool:
    """Whether some area fits both."""

    def places(grant: GrantSettings) -> set[str] | None:
        if grant.pool is not None:
            return set(pools.get(grant.pool, ()))
        return None if grant.repository is None else {grant.repository}

    def meet(first: object, second: object) -> bool:
        return first is None or second is None or first == second

    here, there = places(one), places(other)
    return (
        (here is None or there is None or bool(here & there))
        and meet(one.service, other.service)
        and meet(one.kind, other.kind)
        and meet(one.risk, other.risk)
    )


def _key(loc: Loc) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc).removeprefix(".")
