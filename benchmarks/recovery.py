"""How long it takes until the daemon works again after `kill -9`, on real processes.

    python benchmarks/recovery.py [--rounds N] [--json]

start     from the process's start to its first poll that has ended, of a store with nothing in it
restart   the same after kill -9, on a store with 200 open cases and 800 closed ones
takeover  from the death of a daemon that holds a case, under the lease that is shipped (30 s), to another one's taking
          it over; promised: the lease and 5 s

(What a daemon leaves behind in Docker when it is killed in the middle of a trial: tests/faults/test_docker_faults.py.)
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from cases.events import Closed  # noqa: E402 - after the path
from daemon.clock import SystemClock  # noqa: E402
from daemon.ledger.ledger import open_ledger  # noqa: E402
from tests.parts.daemons import Daemon, daemon  # noqa: E402
from tests.parts.dockerd import ensure_dockerd  # noqa: E402
from tests.parts.nouns import an_entry, an_event, an_opened  # noqa: E402
from tests.parts.place import Place, a_place  # noqa: E402

LEASE = timedelta(seconds=30)
HOLDER = """
import sys
from datetime import timedelta
from daemon.clock import SystemClock
from daemon.ledger.ledger import open_ledger
with open_ledger(sys.argv[1]) as ledger:
    claimed = ledger.cases.claim("the-dead-one", SystemClock().now(), timedelta(seconds=30))
    print(claimed.case.id, flush=True)
    sys.stdin.read()
"""


def until(seen: Callable[[], bool], patience_s: float = 60) -> float:
    """Seconds until it is so. AssertionError after the patience."""
    began = time.monotonic()
    while not seen():
        assert time.monotonic() - began < patience_s, "it never came"
        threading.Event().wait(0.02)
    return time.monotonic() - began


def polled(it: Daemon) -> bool:
    """Whether a first poll has ended."""
    return any("own health at" in line for line in it.lines) and it.metric("trackwalker_polls_total") > 0


def to_first_poll(place: Place) -> float:
    """Seconds from the process's start to its first poll, and then kill -9."""
    began = time.monotonic()
    with daemon(place.folder) as it:
        until(lambda: polled(it))
        return time.monotonic() - began


def fill(place: Place) -> None:
    """200 open cases that wait for a human, 800 that are closed."""
    now = SystemClock().now()
    with open_ledger(f"sqlite:///{place.folder}/trackwalker.db") as ledger:
        for number in range(1000):
            born = replace(an_opened(), case_id=f"case{number}", fingerprint=f"print{number}")
            ledger.cases.open(replace(an_entry(born), at=now), (), now + timedelta(days=1))
            if number >= 200:
                ledger.cases.add(f"case{number}", replace(an_entry(an_event(Closed)), at=now), (), None)


def takeover(place: Place) -> float:
    """Seconds from the death of a case's holder to its being worked on by another daemon."""
    store = f"sqlite:///{place.folder}/trackwalker.db"
    with open_ledger(store) as ledger:
        born = replace(an_opened(), case_id="held", fingerprint="held")
        ledger.cases.open(replace(an_entry(born), at=SystemClock().now()), (), SystemClock().now())
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, store], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        with daemon(place.folder) as it:
            until(lambda: polled(it))
            holder.kill()
            began = time.monotonic()
            until(lambda: any("case held: taken over from the-dead-one" in line for line in it.lines))
            return time.monotonic() - began


def measured(rounds: int) -> dict[str, list[float]]:
    """Seconds, by what."""
    found: dict[str, list[float]] = {"start": [], "restart": [], "takeover": []}
    for number in range(rounds):
        with tempfile.TemporaryDirectory(prefix="tw-bench-") as name, a_place(Path(name)) as place:
            place.hub.commit("Open the shop", {"README.md": b"hello\n"})
            found["start"].append(to_first_poll(place))
            fill(place)
            found["restart"] += [to_first_poll(place) for _ in range(3)]
            if number == 0:
                found["takeover"].append(takeover(place))
    return found


def main() -> None:
    """Print the table, or the document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    wanted = parser.parse_args()
    ensure_dockerd()
    found = measured(wanted.rounds)
    if wanted.json:
        print(json.dumps(found))
        return
    for what, values in found.items():
        print(f"{what:10} median {statistics.median(values):6.2f} s, worst {max(values):6.2f} s of {len(values)}")


if __name__ == "__main__":
    main()
