"""Containers that wait: what saves time may cost no wall, no container that stays, and no order its own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cases.errors import PermanentError, TemporaryError
from sandbox.docker import DockerSandbox
from sandbox.engine import Engine
from sandbox.pool import MISSED, TAKEN, UNFILLED, Pool, Stock
from sandbox.shape import Shape, life_of
from tests.parts.dockerd import base_image, containers
from tests.sandbox.orders import an_order
from tests.sandbox.pooled import pool_of, pooled, until

OWNER = f"pool-{os.getpid()}"


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    base_image()
    yield
    until(lambda: not mine())  # what is removed in the background takes a moment


def mine() -> set[str]:
    return containers(f"trackwalker.owner={OWNER}")


def test_one_life_one_order_and_another_waits_soon() -> None:
    order = an_order("echo mine > /tmp/note; ls /tmp; cat README", image=base_image())
    with pooled(order, owner=OWNER) as (sandbox, told):
        pool = pool_of(sandbox)
        (first,) = mine()
        for _ in range(2):
            (ran,) = sandbox.run(order).commands
            assert (ran.exit_code, ran.output) == (0, "note\na tree\n")
            until(lambda: pool.waiting == 1)
        until(lambda: first not in mine())
        # One of another shape gets no such container, nor one whose life would be too short for it.
        assert sandbox.run(replace(order, memory_mib=128)).commands[0].exit_code == 0
        assert told == [TAKEN, TAKEN, MISSED]


@pytest.mark.long
def test_an_order_that_may_last_longer_than_what_waits_starts_its_own() -> None:
    order = an_order("true", image=base_image(), seconds=10)
    with pooled(order, owner=OWNER) as (sandbox, told):
        long = an_order("true", image=base_image(), seconds=3600)
        assert sandbox.run(long).commands[0].exit_code == 0
        until(lambda: pool_of(sandbox).waiting == 1)
        with Engine() as engine:
            now = engine.now().timestamp()
            (found,) = [each for each in engine.labelled(f"trackwalker.owner={OWNER}") if each.name in mine()]
        # What waits now was started for the longest order so far, and its deadline says so.
        assert 3600 < float(found.labels["trackwalker.deadline"]) - now < 3600 + 2400
        assert sandbox.run(long).commands[0].exit_code == 0
        assert told == [MISSED, TAKEN]


def test_what_waited_long_enough_is_replaced_before_its_deadline() -> None:
    order = an_order("true", image=base_image())
    with pooled(order, owner=OWNER, idle=timedelta(seconds=1.5)) as (sandbox, _):
        pool = pool_of(sandbox)
        (first,) = mine()
        until(lambda: pool.tend() or first not in mine())
        assert DockerSandbox(owner=OWNER).overdue() == ()


def test_a_waiting_container_that_somebody_removed_is_no_trouble() -> None:
    order = an_order("true", image=base_image())
    with pooled(order, owner=OWNER) as (sandbox, told):
        with Engine() as engine:
            assert engine.remove(mine().pop())
        assert sandbox.run(order).commands[0].exit_code == 0
        assert told == [MISSED]


def test_nothing_is_started_ahead_while_it_is_held() -> None:
    order = an_order("true", image=base_image())
    with pooled(order, owner=OWNER) as (sandbox, _):
        pool = pool_of(sandbox)
        pool.held = lambda: True
        sandbox.run(order)
        until(lambda: not mine())  # it was removed, and none was started for it
        assert pool.waiting == 0
        pool.held = lambda: False
        pool.tend()
        until(lambda: pool.waiting == 1)


def test_a_pool_that_cannot_be_filled_says_so_and_loosens_nothing(caplog: pytest.LogCaptureFixture) -> None:
    missing = an_order("true", image="nobody/has-this:1")
    sandbox = DockerSandbox(owner=OWNER, stock=Stock(size=1, shapes=((Shape.of(missing), life_of(missing)),)))
    told: list[str] = []
    pool_of(sandbox).told = told.append
    pool_of(sandbox).tend()
    until(lambda: told == [UNFILLED])
    assert "no container can be started ahead, so each trial starts its own" in caplog.text
    assert "nobody/has-this:1" in caplog.text
    (ran,) = sandbox.run(an_order("grep NoNewPrivs /proc/self/status", image=base_image())).commands
    assert (ran.output, told) == ("NoNewPrivs:\t1\n", [UNFILLED, MISSED])
    with pytest.raises(PermanentError, match="has no image"):
        sandbox.run(missing)
    sandbox.close()


@pytest.mark.long
def test_the_last_shapes_share_a_bounded_pool() -> None:
    order = an_order("true", image=base_image())
    with pooled(order, owner=OWNER, size=2) as (sandbox, told):
        pool = pool_of(sandbox)
        other = replace(order, memory_mib=128)
        sandbox.run(other)
        until(lambda: told.count(MISSED) == 1 and pool.waiting == 2 and len(mine()) == 2)
        sandbox.run(other)
        assert told == [MISSED, TAKEN]


def test_closing_ends_what_waits_and_what_is_being_started() -> None:
    order = an_order("true", image=base_image())
    with pooled(order, owner=OWNER, size=2) as (sandbox, _):
        sandbox.run(order)
        began = time.monotonic()
        sandbox.close()
        assert time.monotonic() - began < 5
        with pytest.raises(TemporaryError, match="the daemon is ending"):
            sandbox.run(order)


@pytest.mark.long
def test_the_walls_hold_in_a_pooled_container_for_what_hangs_floods_and_runs_short() -> None:
    bomb = 'exec python -c "bytearray(700 << 20)"'
    order = an_order(bomb, "yes | head -c 50000000; echo last", "kill -9 -1; echo alone", "sleep 60", "echo never",
                     image=base_image(), seconds=3)  # fmt: skip
    with pooled(order, owner=OWNER) as (sandbox, told):
        greedy, flood, killed, hangs = sandbox.run(order).commands
    assert (greedy.exit_code, greedy.ended) == (None, "out of memory")
    assert (flood.exit_code, flood.output[-5:], len(flood.output) < 66_000) == (0, "last\n", True)
    assert (killed.exit_code, killed.output.splitlines()[-1]) == (0, "alone")
    assert hangs.ended == "timed out"
    assert told[0] == TAKEN


def test_a_killed_daemon_leaves_nothing_that_its_next_life_does_not_remove() -> None:
    program = (
        "from tests.sandbox.pooled import pooled\n"
        "from tests.sandbox.orders import an_order\n"
        f"order = an_order('sleep 60', image={base_image()!r}, seconds=60)\n"
        f"with pooled(order, owner={OWNER!r}, size=2) as (sandbox, _):\n"
        "    print('filled', flush=True)\n"
        "    sandbox.run(order)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]
    ) as child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == b"filled\n"
            until(lambda: len(mine()) == 3)  # two wait again, one is at work
        finally:
            child.send_signal(signal.SIGKILL)
    left = mine()
    began = time.monotonic()
    assert DockerSandbox(owner=OWNER).reap() == len(left) >= 3
    assert time.monotonic() - began < 10


def test_its_thread_ends_with_its_work() -> None:
    order = an_order("true", image=base_image())
    with pooled(order, owner=OWNER) as (sandbox, _):
        pool: Pool = pool_of(sandbox)
        until(lambda: not pool.at_work)
        pool.tend()
        until(lambda: not pool.at_work)
        assert pool.waiting == 1
