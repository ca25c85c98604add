"""The sandbox's pool, as the daemon keeps it: what it begins with, when it may be filled, and what it tells."""

from typing import TYPE_CHECKING

from cases.ports import Sandbox
from cases.stores import Levers
from config.settings import Settings
from daemon.audited import AuditedSandbox
from daemon.observe.metrics import Metrics

if TYPE_CHECKING:
    from sandbox.pool import Pool, Stock

RUNS = 6  # of commands in one order: `reproduce` and `test`, as often as it takes to be sure


def stock_of(settings: Settings) -> "Stock":
    """What waits before the first trial: a container for each kind of repository, as far as there is room."""
    from sandbox.pool import Stock
    from sandbox.shape import SETTING_UP, Shape

    limits = settings.sandbox
    shapes = {
        Shape(
            image=repository.sandbox.image,
            memory_mib=repository.sandbox.memory_mib or limits.memory_mib,
            cpus=limits.cpus,
            pids=limits.pids,
            hosts=tuple(companion.name for companion in repository.sandbox.beside),
        ): SETTING_UP + RUNS * (repository.sandbox.timeout or limits.timeout)
        for repository in settings.repositories
    }
    return Stock(size=limits.pool, shapes=tuple(shapes.items()))


def pool_of(sandbox: Sandbox) -> "Pool | None":
    """The pool of a daemon's sandbox, where it has one."""
    inner = sandbox.inner if isinstance(sandbox, AuditedSandbox) else sandbox
    return getattr(inner, "pool", None)


def pool_kept(sandbox: Sandbox, levers: Levers, metrics: Metrics) -> None:
    """Fill the pool from now on, except in a pause, and let the metrics say how it does."""
    pool = pool_of(sandbox)
    if pool is None:
        return
    pool.held = lambda: levers.paused() is not None
    pool.told = lambda what: metrics.pool.labels(what).inc()
    metrics.pool_waiting.set_function(lambda: pool.waiting)
    pool.tend()
