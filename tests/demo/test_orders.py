"""The shop's books: two weeks from a seed, then what customers really got."""

import sqlite3
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from cases.telemetry import Signal
from daemon.clock import SystemClock
from demo.history import RATE
from demo.load import SHARES
from demo.orders import EVERY, QUERY, Orders, made_up
from signals.sql.source import SqlSource

END = datetime(2026, 3, 1, 9, 0, 7, tzinfo=UTC)
USUAL = 60 * RATE * SHARES["/checkout"]


def test_the_past_is_the_same_each_time_and_ends_at_the_live_level() -> None:
    rows = made_up(END, seed=13)
    assert rows == made_up(END, seed=13)
    assert rows[-1][0] == END.timestamp()
    assert rows[0][0] == (END - timedelta(days=14)).timestamp()
    assert len(rows) < 8_000
    assert all(later > earlier for (earlier, _), (later, _) in pairwise(rows))
    assert np.mean([value for _, value in rows[-300:]]) == pytest.approx(USUAL, rel=0.1)


def test_live_orders_follow_and_a_source_reads_them(tmp_path: Path, soon: Callable[[Callable[[], bool]], None]) -> None:
    clock = SystemClock()
    placed = [0]
    file = tmp_path / "shop's books.db"
    with Orders(file, placed=lambda: placed[0], now=clock.now) as orders:
        began = clock.now()
        placed[0] = 24
        reader = sqlite3.connect(file)
        newest = "SELECT time, value FROM orders ORDER BY time DESC LIMIT 1"
        soon(lambda: reader.execute(newest).fetchone()[0] > began.timestamp())
        _, value = reader.execute(newest).fetchone()
        reader.close()
        assert value == pytest.approx(60 * 24 / EVERY.total_seconds(), rel=0.3)
        source = SqlSource("orders", url=orders.url, query=QUERY, clock=clock, every=EVERY, max_rows=50_000)
        assert "1 series" in source.probe()
        signal = Signal(name="orders", service="shop", source="orders", query=QUERY)
        block = source.read(signal, began - timedelta(days=13), began, timedelta(minutes=5))
        assert not block.missing.any()
        source.close()
    assert not any(thread.name == "orders" for thread in threading.enumerate())


@pytest.fixture
def soon() -> Callable[[Callable[[], bool]], None]:
    """Wait until something is so, ten seconds at the most."""
    pause = threading.Event()

    def wait(so: Callable[[], bool]) -> None:
        for _ in range(200):
            if so():
                return
            pause.wait(0.05)
        raise AssertionError("it did not come")

    return wait
