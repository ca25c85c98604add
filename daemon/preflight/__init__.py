"""What `trackwalker check` asks of every system that the configuration names. Nothing is written anywhere."""

from collections.abc import Callable, Iterator

from cases.ports import Clock
from config.settings import Settings
from daemon.home import Home
from daemon.preflight.finding import Finding, worst

__all__ = ["Finding", "preflight", "worst"]


def preflight(settings: Settings, clock: Clock, home: Home, *, trial: bool = False) -> Iterator[Finding]:
    """Ask each system in turn; every finding comes as soon as it is known.

    `trial` also runs each repository's own commands at the tip of its watched branch, in the sandbox.
    """
    from daemon.build import forge_of
    from daemon.preflight import (
        deploys,
        model,
        pages,
        playbooks,
        receivers,
        repositories,
        sandbox,
        sources,
        store,
        trials,
    )

    reached, forge = sources.Reached(), forge_of(settings, home)
    try:
        yield from store.findings(settings)
        yield from sources.findings(settings, clock, reached)
        yield from repositories.findings(settings, forge)
        yield from deploys.findings(settings, clock, forge, reached)
        yield from sandbox.findings(settings, home)
        yield from model.findings(settings, clock)
        yield from playbooks.findings()
        yield from receivers.findings(settings)
        yield from pages.findings(settings)
        if trial:
            yield from trials.findings(settings, home, forge)
    finally:
        for part in (forge, *reached.sources.values()):
            close: Callable[[], None] | None = getattr(part, "close", None)
            if close is not None:
                close()
