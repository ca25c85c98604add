"""The house: what stands as long as the process does, whatever the settings become: folder, ledger, metrics, port."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cases.ports import Clock
from config.settings import Settings
from daemon.endings import Ending
from daemon.home import Home, at_home, store_folder
from daemon.ledger.anchor import NAME
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.observe.health import version_of
from daemon.observe.logs import written_by
from daemon.observe.metrics import Metrics

if TYPE_CHECKING:
    from daemon.api.door import Door


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What outlives a change of the settings."""

    home: Home
    clock: Clock
    ledger: Ledger
    metrics: Metrics
    door: "Door"
    url: str  # where the door is
    ending: Ending

    def free(self) -> int:
        """Fence whoever still works in an earlier life of this daemon, and let its cases go; how many."""
        return self.ledger.cases.take_back(self.home.name, self.clock.now())


@contextmanager
def housed(
    settings: Settings, clock: Clock, ending: Ending | None = None, config: Path | None = None
) -> Generator[House]:
    """What stays when the settings change: of them only `store`, `lessons`, `home` and `api.listen` are looked at.

    `config` is the file that they came from, for what is said of a damaged store.
    """
    from daemon.api.door import Door
    from daemon.api.server import serving
    from daemon.keeping.place import advice_for

    with ExitStack() as stack:
        home = stack.enter_context(at_home(store_folder(settings.store), settings.home))
        advice = advice_for(settings, config)
        ledger = stack.enter_context(
            open_ledger(
                settings.store,
                password=settings.store_secret,
                clock=clock,
                advice=advice,
                vectors=settings.lessons.vectors,
            )
        )
        ledger.audit.anchor(home.folder / NAME)
        written_by(home.name)
        metrics = Metrics(clock)
        metrics.built(*version_of())
        door = Door()
        house = House(
            home=home,
            clock=clock,
            ledger=ledger,
            metrics=metrics,
            door=door,
            url=stack.enter_context(serving(door, settings.api.listen)),
            ending=ending or Ending(),
        )
        stack.enter_context(house.ending.at_last("freeing the cases in hand", house.free))
        yield house
