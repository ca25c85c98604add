"""Whom notices are addressed to: receivers by their names, or the router that chooses some."""

from collections.abc import Sequence

from config.settings import Settings

LOG = "log"
"""The receiver that there is where none is configured."""
ROUTES = "alerts:routes"
"""The router's name: no receiver of a configuration can be called so."""
COMMENTS, PROMOTIONS = "forge:comments", "forge:authority"
"""Those of answers to comments, and of pull requests for more authority: no more can theirs."""
OWN = frozenset({COMMENTS, ROUTES, PROMOTIONS})
"""What no case is told to."""


def names_of(settings: Settings) -> tuple[str, ...]:
    """Every receiver by its name."""
    return tuple(receiver.name for receiver in settings.alerts.receivers) or (LOG,)


def receivers_of(settings: Settings, every: Sequence[str] | None = None) -> tuple[str, ...]:
    """Whom a notice is addressed to: every receiver, of `every` or of the settings; or the router, if there is one."""
    return (ROUTES,) if settings.alerts.routes else tuple(names_of(settings) if every is None else every)
