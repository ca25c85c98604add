"""What a durable step costs: ours beside a bare committed transaction and DBOS, in one run, on the same disk.

    python benchmarks/durable_step.py [--store sqlite|postgres] [--steps N] [--rounds N] [--without-dbos] [--json]

bare     one transaction that adds one row of the same payload, by the driver itself, with the same durability (SQLite:
         WAL, synchronous=FULL; PostgreSQL: fsync and synchronous_commit on, over TCP on this machine)
a step   of ours: one transaction with its event, the event's line of the hash-chained audit and the case's summary,
         under the fence. Claiming the case and letting it go are two more for each ten steps, and are counted in.
effect   a step that promises an effect: the same with the effect and its audit line; the look at the fence before the
         effect; and the receipt's transaction with its audit line. It is held against two bare transactions.
DBOS     a workflow of ten empty steps that return the payload, again with what begins and ends the workflow. Its step
         has one row: no fence (a second worker may do the same step), no audit, no effect that is promised first.

They take turns every ten steps, so that a disk that is busy for a while is busy for all. A ratio is the median over the
rounds of each round's own ratio; milliseconds are the rounds' medians. How high a ratio is depends on the disk: a bare
transaction is little but the commit, and what a step does besides is a fixed sum, most of it CPU time, shown beside. So
it is also told from which bare transaction on the ratio is at most 1.5. A machine that is busy with other things shows
that and nothing else: `chrt -f 10 python benchmarks/durable_step.py` goes before them.

DBOS is installed into a folder of its own for the run; `--without-dbos` leaves it out.
"""

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from cases.events import Guided  # noqa: E402 - after the path
from cases.steps import PostComment, Receipt  # noqa: E402
from daemon.clock import SystemClock  # noqa: E402
from daemon.ledger.ledger import Ledger, open_ledger  # noqa: E402
from tests.parts.nouns import NOW, an_entry, an_opened  # noqa: E402
from tests.parts.postgres import OWNERS_PASSWORD, RunningPostgres, running_postgres  # noqa: E402

DBOS = "dbos==3.4.0"
A_CASE = 10  # steps
ROW = "x" * 500
LEASE = timedelta(seconds=30)

DBOS_PROGRAM = """
import json, sys, time
from dbos import DBOS, DBOSConfig

config: DBOSConfig = {"name": "bench", "system_database_url": sys.argv[1], "log_level": "ERROR"}
DBOS(config={**config, "run_admin_server": False})

@DBOS.step()
def step(number: int) -> str:
    return sys.argv[2]

@DBOS.workflow()
def workflow() -> int:
    for number in range(10):
        step(number)
    return 1

DBOS.launch()
workflow()
print("ready", flush=True)
for line in sys.stdin:
    wall, cpu = time.perf_counter(), time.process_time()
    workflow()
    print(json.dumps([time.perf_counter() - wall, time.process_time() - cpu]), flush=True)
DBOS.destroy()
"""


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds on the clock, and of this thread's CPU."""

    wall: float = 0
    cpu: float = 0

    def __add__(self, other: "Spent") -> "Spent":
        """Both together."""
        return Spent(self.wall + other.wall, self.cpu + other.cpu)


Timed = Callable[[], Spent]


def timed(work: Callable[[], object]) -> Spent:
    """Do it, and say what it took."""
    wall, cpu = time.perf_counter(), time.thread_time()
    work()
    return Spent(time.perf_counter() - wall, time.thread_time() - cpu)


@contextmanager
def bare_sqlite(folder: Path) -> Generator[Callable[[], None]]:
    """One bare transaction."""
    connection = sqlite3.connect(folder / "bare.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE bare (id TEXT PRIMARY KEY, payload TEXT)")

    def once() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO bare VALUES (?, ?)", (uuid.uuid4().hex, ROW))
        connection.execute("COMMIT")

    try:
        yield once
    finally:
        connection.close()


@contextmanager
def durable_postgres() -> Generator[RunningPostgres]:
    """The tests' server saves itself the disk; this one does not."""
    with running_postgres() as server:
        server.stop()
        server.command = (*server.command, "-cfsync=on")
        server.start()
        for base in ("ledger", "bare", "dbos"):
            with server.connect() as connection:
                connection.execute(f"CREATE DATABASE {base}")  # a constant of ours
        yield server


@contextmanager
def bare_postgres(url: str) -> Generator[Callable[[], None]]:
    """The same there."""
    import psycopg

    with psycopg.connect(url.replace("+psycopg", ""), password=OWNERS_PASSWORD) as connection:
        connection.execute("CREATE TABLE bare (id text PRIMARY KEY, payload text)")
        connection.commit()

        def once() -> None:
            connection.execute("INSERT INTO bare VALUES (%s, %s)", (uuid.uuid4().hex, ROW))
            connection.commit()

        yield once


def our_case(ledger: Ledger, *, effect: bool) -> Spent:
    """Open a case; then, and that is what is timed, take it, go ten steps with it, and let it go."""
    name = uuid.uuid4().hex[:10]
    ledger.cases.open(an_entry(replace(an_opened(), case_id=name, fingerprint=name)), (), NOW)
    return timed(lambda: _ten_steps(ledger, name, effect=effect))


def _ten_steps(ledger: Ledger, name: str, *, effect: bool) -> None:
    claimed = ledger.cases.claim("bench", SystemClock().now(), LEASE)
    assert claimed is not None
    assert claimed.case.id == name
    for number in range(A_CASE):
        key = f"{name}-{number}"
        effects = (PostComment(key=key, repository="shop", branch="b", body=ROW),) if effect else ()
        claimed = ledger.cases.commit(claimed, (an_entry(Guided(text=ROW), number),), effects, NOW)
        if effect:
            ledger.outbox.check(claimed)
            ledger.outbox.receive(Receipt(key=key, adopted=False), claimed)
    ledger.cases.release(claimed, None)


@contextmanager
def dbos(url: str) -> Generator[Timed]:
    """What one workflow takes, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="dbos-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, DBOS], check=True)
        with subprocess.Popen(
            [f"{folder}/bin/python", "-c", DBOS_PROGRAM, url, ROW],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
        ) as process:  # fmt: skip
            orders, told = process.stdin, process.stdout
            assert orders is not None
            assert told is not None
            while "ready" not in (line := told.readline()):
                assert line, "DBOS did not start"

            def workflow() -> Spent:
                print(file=orders, flush=True)
                return Spent(*json.loads(told.readline()))

            yield workflow
            orders.close()
            process.wait(timeout=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One contender, round by round: milliseconds a step, on the clock and of its own CPU."""

    wall: list[float] = field(default_factory=list[float])
    cpu: list[float] = field(default_factory=list[float])

    def note(self, spent: Spent, steps: int) -> None:
        """One more round."""
        self.wall.append(1000 * spent.wall / steps)
        self.cpu.append(1000 * spent.cpu / steps)


def measured(contenders: dict[str, Timed], cases: int, rounds: int) -> dict[str, Measured]:
    """Let them take turns, a case each; each of them has been asked once before it counts."""
    found = {name: Measured() for name in contenders}
    for contender in contenders.values():
        contender()
    for _ in range(rounds):
        spent = dict.fromkeys(contenders, Spent())
        for _ in range(cases):
            for name, contender in contenders.items():
                spent[name] += contender()
        for name, took in spent.items():
            found[name].note(took, cases * A_CASE)
    return found


BARE, STEP, TWICE, EFFECT, THEIRS = "bare", "a step", "two bare", "a step with an effect", "DBOS"
AGAINST = {STEP: BARE, EFFECT: TWICE, THEIRS: BARE}
# commits in one of ours, with its share of claim and release; and in what it is held against
COMMITS = {STEP: (1.2, 1), EFFECT: (2.2, 2)}
PROMISE = 1.5  # times what it is held against


def table(store: str, steps: int, found: dict[str, Measured]) -> dict[str, Any]:
    """The document: for each contender its milliseconds, and its ratio to the bare transaction."""
    rows: dict[str, dict[str, float]] = {}
    for name, each in found.items():
        rows[name] = {"ms": statistics.median(each.wall), "cpu_ms": statistics.median(each.cpu)}
        if name in AGAINST:
            pairs = zip(each.wall, found[AGAINST[name]].wall, strict=True)
            rows[name]["ratio"] = statistics.median(ours / bare for ours, bare in pairs)
        if name in COMMITS:
            ours, theirs = COMMITS[name]
            besides = rows[name]["ms"] - ours * rows[BARE]["ms"]
            rows[name]["holds_from_ms"] = max(0, besides / (PROMISE * theirs - ours))
    return {"store": store, "steps": steps, "rounds": len(found[BARE].wall), "contenders": rows}


def run(store: str, steps: int, rounds: int, *, with_dbos: bool) -> dict[str, Any]:
    """Measure on a store of that kind; `steps` of each contender in each round."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tw-bench-")))
        if store == "sqlite":
            bare = stack.enter_context(bare_sqlite(folder))
            ledger = stack.enter_context(open_ledger(f"sqlite:///{folder}/ledger.db"))
            theirs = f"sqlite:///{folder}/dbos.db"
        else:
            server = stack.enter_context(durable_postgres())
            bare = stack.enter_context(bare_postgres(server.url(base="bare")))
            url = server.url(base="ledger")
            ledger = stack.enter_context(open_ledger(url, password=lambda: OWNERS_PASSWORD))
            theirs = server.url(base="dbos").replace("@", f":{OWNERS_PASSWORD}@")

        def bares(count: int) -> Timed:
            return lambda: timed(lambda: [bare() for _ in range(count)])

        contenders: dict[str, Timed] = {
            BARE: bares(A_CASE),
            STEP: lambda: our_case(ledger, effect=False),
            TWICE: bares(2 * A_CASE),
            EFFECT: lambda: our_case(ledger, effect=True),
        }
        if with_dbos:
            contenders[THEIRS] = stack.enter_context(dbos(theirs))
        return table(store, steps, measured(contenders, steps // A_CASE, rounds))


def main() -> None:
    """Print the table, or the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--without-dbos", action="store_true")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    told = run(wanted.store, wanted.steps, wanted.rounds, with_dbos=not wanted.without_dbos)
    if wanted.json:
        print(json.dumps(told))
        return
    print(f"{told['store']}, {told['rounds']} rounds of {told['steps']} steps, medians\n")
    print(f"|  | ms | of it CPU, ms | to bare | at most {PROMISE} from a bare one of, ms |\n|---|---|---|---|---|")
    for name, row in told["contenders"].items():
        more = " | ".join(f"{row[key]:.2f}" if key in row else "" for key in ("ratio", "holds_from_ms"))
        print(f"| {name} | {row['ms']:.2f} | {row['cpu_ms']:.2f} | {more} |")


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    main()
