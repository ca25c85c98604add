"""What a durable step costs: ours beside a bare committed transaction and DBOS, in one run, on the same disk.

    python benchmarks/durable_step.py [--store sqlite|postgres] [--steps N] [--rounds N] [--json]

A step of ours is one transaction: event, audit line, promised effect, next due time, under the fence; taking a case
and letting it go are paid once for its ten steps, and counted. The bare transaction writes one row of the same size
with the same durability (SQLite: WAL, synchronous=FULL; PostgreSQL: fsync on). DBOS runs workflows of ten empty
steps. Rounds of the three alternate, so that a disk that is busy for a while is busy for all; the medians of the
rounds are compared.

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
from contextlib import contextmanager
from dataclasses import replace
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
from tests.parts.postgres import OWNERS_PASSWORD, running_postgres  # noqa: E402

DBOS = "dbos==3.4.0"
A_CASE = 10  # steps
ROW = "x" * 500
LEASE = timedelta(seconds=30)

DBOS_PROGRAM = """
import json, sys, time
from dbos import DBOS, DBOSConfig

url = sys.argv[1]
config: DBOSConfig = {"name": "bench", "system_database_url": url, "log_level": "ERROR", "run_admin_server": False}
DBOS(config=config)

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
    began = time.perf_counter()
    for _ in range(int(line)):
        workflow()
    print(json.dumps(time.perf_counter() - began), flush=True)
DBOS.destroy()
"""


@contextmanager
def bare_sqlite(folder: Path) -> Generator[Callable[[], None]]:
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
def bare_postgres(url: str) -> Generator[Callable[[], None]]:
    import psycopg

    with psycopg.connect(url.replace("+psycopg", ""), password=OWNERS_PASSWORD) as connection:
        connection.execute("CREATE TABLE bare (id text PRIMARY KEY, payload text)")
        connection.commit()

        def once() -> None:
            connection.execute("INSERT INTO bare VALUES (%s, %s)", (uuid.uuid4().hex, ROW))
            connection.commit()

        yield once


def our_case(ledger: Ledger, *, effect: bool) -> None:
    """Open a case (not counted by the caller's clock, which is why it is apart), take it ten steps far, let it go."""
    name = _opened(ledger)
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


def _opened(ledger: Ledger) -> str:
    name = uuid.uuid4().hex[:10]
    ledger.cases.open(an_entry(replace(an_opened(), case_id=name, fingerprint=name)), (), NOW)
    return name


@contextmanager
def dbos(url: str) -> Generator[Callable[[int], float]]:
    """Seconds that so many workflows take, in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="dbos-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        pip = [f"{folder}/bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, DBOS], check=True)
        with subprocess.Popen(
            [f"{folder}/bin/python", "-c", DBOS_PROGRAM, url, ROW],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder,
        ) as process:  # fmt: skip
            assert process.stdin is not None
            assert process.stdout is not None
            while "ready" not in (line := process.stdout.readline()):
                assert line, "DBOS did not start"

            def workflows(count: int) -> float:
                assert process.stdin is not None
                assert process.stdout is not None
                print(count, file=process.stdin, flush=True)
                return float(json.loads(process.stdout.readline()))

            yield workflows
            process.stdin.close()
            process.wait(timeout=30)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def measured(
    bare: Callable[[], None], ledger: Ledger, workflows: Callable[[int], float] | None, steps: int, rounds: int
) -> dict[str, list[float]]:
    """Milliseconds a step, round by round."""
    found: dict[str, list[float]] = {}

    def note(name: str, spent: float, count: int = steps) -> None:
        found.setdefault(name, []).append(1000 * spent / count)

    cases = steps // A_CASE
    for _ in range(rounds):
        note("bare transaction", seconds(lambda: [bare() for _ in range(steps)]))
        opening = seconds(lambda: [_let_go(ledger) for _ in range(cases)])
        plain = seconds(lambda: [our_case(ledger, effect=False) for _ in range(cases)])
        note("ours", plain - opening)
        note("two bare transactions", seconds(lambda: [bare() for _ in range(2 * steps)]))
        done = seconds(lambda: [our_case(ledger, effect=True) for _ in range(cases)])
        note("ours, with an effect and its receipt", done - opening)
        if workflows is not None:
            note("DBOS", workflows(cases))
    return found


def _let_go(ledger: Ledger) -> None:
    """What `our_case` does before its claim, to be taken off."""
    name = uuid.uuid4().hex[:10]
    far = NOW.replace(year=NOW.year + 50)
    ledger.cases.open(an_entry(replace(an_opened(), case_id=name, fingerprint=name)), (), far)


def table(store: str, found: dict[str, list[float]]) -> dict[str, Any]:
    middle = {name: statistics.median(values) for name, values in found.items()}
    rows = {
        "ours": middle["ours"] / middle["bare transaction"],
        "ours, with an effect and its receipt": middle["ours, with an effect and its receipt"]
        / middle["two bare transactions"],
    }
    if "DBOS" in middle:
        rows["DBOS"] = middle["DBOS"] / middle["bare transaction"]
    return {"store": store, "ms": middle, "ratio to bare": rows, "rounds": len(next(iter(found.values())))}


def run(store: str, steps: int, rounds: int, *, with_dbos: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tw-bench-") as name:
        folder = Path(name)
        if store == "sqlite":
            with bare_sqlite(folder) as bare, open_ledger(f"sqlite:///{folder}/ledger.db") as ledger:
                if not with_dbos:
                    return table(store, measured(bare, ledger, None, steps, rounds))
                with dbos(f"sqlite:///{folder}/dbos.db") as workflows:
                    return table(store, measured(bare, ledger, workflows, steps, rounds))
        with running_postgres(durable=True) as server:
            for base in ("ledger", "bare", "dbos"):
                with server.connect() as connection:
                    connection.execute(f"CREATE DATABASE {base}")  # a constant of ours
            with (
                bare_postgres(server.url(base="bare")) as bare,
                open_ledger(server.url(base="ledger"), password=lambda: OWNERS_PASSWORD) as ledger,
            ):
                if not with_dbos:
                    return table(store, measured(bare, ledger, None, steps, rounds))
                secret = server.url(base="dbos").replace("@", f":{OWNERS_PASSWORD}@")
                with dbos(secret) as workflows:
                    return table(store, measured(bare, ledger, workflows, steps, rounds))


def main() -> None:
    """Print the table, or the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--without-dbos", action="store_true")
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    told = run(wanted.store, wanted.steps, wanted.rounds, with_dbos=not wanted.without_dbos)
    if wanted.json:
        print(json.dumps(told))
        return
    print(f"{told['store']}, {wanted.steps} steps, median of {told['rounds']} rounds")
    for what, value in told["ms"].items():
        ratio = told["ratio to bare"].get(what)
        print(f"  {what:38} {value:7.2f} ms{f'   {ratio:.2f} x' if ratio else ''}")


if __name__ == "__main__":
    os.environ.setdefault("TZ", "UTC")
    main()
