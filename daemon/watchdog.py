"""The watchdog: a loop that no longer comes round is said to be dead, whatever else still answers."""

import logging
import threading
from collections.abc import Generator
from contextlib import contextmanager

from cases.ports import Clock
from daemon.cycle import Pulse

log = logging.getLogger("trackwalker.watchdog")


def stuck_for(pulse: Pulse, clock: Clock, limit_s: float) -> float | None:
    """Seconds since the loop last came round, when that is over the limit; else None."""
    silent = clock.monotonic() - pulse.at
    return silent if silent > limit_s else None


@contextmanager
def watching(pulse: Pulse, clock: Clock, limit_s: float) -> Generator[None]:
    """Look at the pulse every tenth of the limit, and say so once each time it stops; `/healthz` says it too."""
    over = threading.Event()

    def look() -> None:
        barked = False
        while not over.wait(limit_s / 10):
            silent = stuck_for(pulse, clock, limit_s)
            if silent is not None and not barked:
                log.error("the cycle has not come round for %.0f s", silent)
            barked = silent is not None

    thread = threading.Thread(target=look, name="watchdog", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=2)
