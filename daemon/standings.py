"""How each repository's recipe stands: whether its commands could be run when they were last tried."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from cases.leases import Swap
from cases.stores import Checkpoints
from config.settings import Settings

PREFIX = "recipe/"
"""The checkpoint of a repository is `recipe/NAME`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeStanding:
    """`said` is what was found, "" for nothing; `since` is when it began to stand so."""

    ok: bool
    since: datetime
    said: str


class RecipeStandings:
    """The standings that the ledger holds."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self._checkpoints = checkpoints

    def of(self, repository: str) -> RecipeStanding | None:
        """How one stands; None when it was never tried."""
        return _read(self._checkpoints.get(PREFIX + repository))

    def ok(self, settings: Settings) -> Mapping[str, bool]:
        """All that were tried, of those that the settings have."""
        found = {repository.name: self.of(repository.name) for repository in settings.repositories}
        return {name: standing.ok for name, standing in found.items() if standing is not None}

    def change(self, repository: str, after: RecipeStanding) -> Swap:
        """What keeps it, unless another daemon kept something meanwhile."""
        key = PREFIX + repository
        return Swap(key=key, before=self._checkpoints.get(key), after=_written(after))


def _written(standing: RecipeStanding) -> bytes:
    return json.dumps(asdict(standing), default=datetime.isoformat).encode()


def _read(blob: bytes | None) -> RecipeStanding | None:
    if blob is None:
        return None
    document: dict[str, Any] = json.loads(blob)
    return RecipeStanding(ok=document["ok"], since=datetime.fromisoformat(document["since"]), said=document["said"])
