"""Measures of databases against an oracle: random worlds come out as they do user by user in memory."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from cases.measure import Measured, Users
from signals.measures import databases
from tests.parts.exposing import (
    HOUR,
    SIGNALS,
    WANTED,
    Shop,
    at,
    did,
    in_duckdb,
    in_memory,
    in_sqlite,
    measure,
    saw,
)  # fmt: skip


def agree(ours: Users, oracle: Users) -> None:
    """Everything is the same, sums to a billionth."""
    assert (ours.exposed, ours.crossed, ours.first) == (oracle.exposed, oracle.crossed, oracle.first)
    assert ours.tallies.keys() == oracle.tallies.keys()
    for key, tally in ours.tallies.items():
        other = oracle.tallies[key]
        assert (tally.columns, tally.users) == (other.columns, other.users), key
        assert np.allclose(tally.means, other.means, rtol=1e-9, atol=1e-12), key
        largest = np.sqrt(np.outer(np.diag(other.scatter), np.diag(other.scatter)))
        assert np.allclose(tally.scatter, other.scatter, rtol=1e-9, atol=1e-9 * (1e-6 + largest.max(initial=0))), key


KINDS = (("mean", "3d"), ("ratio", "2d"), ("revenue", "5d"), ("share", "1d"), ("ratio", None), ("revenue", None))


def random_world(shop: Shop, seed: int, users: int, events: int) -> None:
    """Users who come again, cross, know two flags, and do things before and after, all on odd seconds."""
    rng = np.random.default_rng(seed)
    variants, countries = ("control", "treated", "of another time"), [f"c{n}" for n in range(27)]
    seen = [
        saw(
            f"u{rng.integers(users)}", variants[int(rng.choice(3, p=[0.49, 0.49, 0.02]))], rng.uniform(-2, 12),
            countries[int(26 * rng.power(2))], "button" if rng.random() < 0.97 else "other",
        )
        for _ in range(users)
    ]  # fmt: skip
    shop.expose(*seen)
    for signal in SIGNALS:
        shop.happen(
            *(
                did(
                    f"u{rng.integers(users)}",
                    rng.uniform(-6, 12),
                    float(rng.lognormal(1, 2)),
                    float(rng.integers(1, 5)),
                )
                for _ in range(events)
            ),
            signal=f"shop/{signal}",
        )


def same_as_the_oracle(shop: Shop, oracle: Shop, seed: int, until: float = 11) -> None:
    rng = np.random.default_rng([seed, 1])
    chosen: list[int] = rng.choice(len(KINDS), len(SIGNALS)).tolist()
    settings = [
        measure(KINDS[kind][0], f"shop/{signal}", **({"before": KINDS[kind][1]} if KINDS[kind][1] else {}))
        for kind, signal in zip(chosen, SIGNALS, strict=True)
    ]
    wanted: Measured = replace(
        WANTED,
        signals=tuple(one.signal for one in settings),
        cohort=[None, 36 * HOUR][seed % 2],
        by=["", "country"][seed // 2 % 2],
        segment=[{}, {"country": ("c1", "c25", "c24", "c20", "c19")}][seed // 4 % 2],
    )
    measures, plain = shop.measures(*settings), oracle.measures(*settings)
    now = at(float(rng.uniform(1, 4)))
    while now <= at(until):
        agree(measures.look(replace(wanted, until=now)), plain.look(replace(wanted, until=now)))
        now += timedelta(seconds=int(rng.choice([300, 9_000, 40_000, 300_000])))


def _worlds(folder: Path, made: Callable[[Path], Shop], seed: int, users: int, events: int) -> tuple[Shop, Shop]:
    here = folder / str(seed)
    here.mkdir()
    shops = made(here), in_memory(here)
    for shop in shops:
        random_world(shop, seed, users, events)
    return shops


@pytest.fixture
def soon_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users are put together with what they came to after a few rows, and so again and again."""
    monkeypatch.setattr(databases, "_SLACK", 100)


@pytest.mark.usefixtures("soon_settled")
@pytest.mark.parametrize("seed", [7])
def test_random_worlds_come_out_as_user_by_user(tmp_path: Path, seed: int) -> None:
    same_as_the_oracle(*_worlds(tmp_path, in_sqlite, seed, 150, 200), seed, until=6)


@pytest.mark.long
@pytest.mark.usefixtures("soon_settled")
@pytest.mark.parametrize("made", [in_sqlite, in_duckdb])
@pytest.mark.parametrize("seed", range(100, 116))
def test_many_random_worlds_come_out_as_user_by_user(tmp_path: Path, made: Callable[[Path], Shop], seed: int) -> None:
    same_as_the_oracle(*_worlds(tmp_path, made, seed, 400, 900), seed)
