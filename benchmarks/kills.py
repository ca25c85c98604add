"""kill -9 over running cases, counted from the outside: `python -m benchmarks.kills --store sqlite --kills 1000`.

--store sqlite|postgres   where the cases live
--kills N                 how many daemons are killed; --seed S chooses whom and when
--naive                   a control: it never looks at the forge before it writes
--order                   the same kills twice: a step's effects after its commit, and before it
--sites                   instead of at random, each life ends at the next call that no life ended at, in N cases
"""

import argparse
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.kills.life import Way
from tests.faults.kills.reaper import Nursery, at_every_site, at_random, nursery
from tests.faults.kills.tally import Tally
from tests.parts.postgres import running_postgres
from tests.parts.stores import KINDS, Place, in_file, in_postgres, new_base

ORDERS = (("commit, then effects", Way()), ("effects, then commit", Way(effects_first=True)))


@contextmanager
def a_place(kind: str, folder: Path) -> Generator[Place]:
    """A store of that kind, with nothing in it."""
    if kind == "sqlite":
        yield in_file(folder / "ledger.db")
        return
    with running_postgres() as server:
        yield in_postgres(server, new_base(server))


def main() -> None:
    """Kill, count, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", choices=KINDS, default="sqlite")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--naive", action="store_true")
    parser.add_argument("--order", action="store_true")
    parser.add_argument("--sites", action="store_true")
    wanted = parser.parse_args()
    with nursery() as parent:
        for name, way in ORDERS if wanted.order else (("", Way(naive=wanted.naive)),):
            tally = _run(wanted, parent, way)
            sys.stdout.write(f"{wanted.store}, seed {wanted.seed} {name}\n{tally.table()}\n\n")
            sys.stdout.flush()


def _run(wanted: argparse.Namespace, parent: Nursery, way: Way) -> Tally:
    with tempfile.TemporaryDirectory(prefix="kills-") as name, a_place(wanted.store, Path(name)) as place:
        if wanted.sites:
            sites = Way(naive=way.naive, effects_first=way.effects_first, doomed=1.0, seed=wanted.seed)
            return at_every_site(Path(name), parent, way=sites, place=place, cases=wanted.kills, daemons=2)
        return at_random(Path(name), parent, kills=wanted.kills, seed=wanted.seed, place=place, way=way, say=_progress)


def _progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    main()
