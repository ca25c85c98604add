"""A sandbox with a pool, filled, and closed at the end of the block."""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta

from cases.trying import TrialOrder
from sandbox.docker import DockerSandbox
from sandbox.pool import IDLE, Pool, Stock
from sandbox.shape import Shape, life_of


def until(true: Callable[[], object], seconds: float = 20) -> None:
    """Wait for it."""
    by = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < by, "it did not happen"
        threading.Event().wait(0.02)


def pool_of(sandbox: DockerSandbox) -> Pool:
    """Its pool, which it has."""
    assert sandbox.pool is not None
    return sandbox.pool


@contextmanager
def pooled(
    order: TrialOrder, *, owner: str, size: int = 1, idle: timedelta = IDLE, url: str | None = None
) -> Generator[tuple[DockerSandbox, list[str]]]:
    """With containers that wait for orders like this one, and what the pool has told."""
    stock = Stock(size=size, shapes=((Shape.of(order), life_of(order)),), idle=idle, again_s=0.0)
    sandbox = DockerSandbox(owner=owner, stock=stock, url=url)
    pool, told = pool_of(sandbox), list[str]()
    pool.told = told.append
    try:
        pool.tend()
        until(lambda: pool.waiting == size)
        yield sandbox, told
    finally:
        sandbox.close()
