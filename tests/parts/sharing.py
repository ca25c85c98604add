"""Programs that share a ledger with the test: started, stopped and killed as processes of their own."""

import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.parts.stores import Place

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / "tests" / "daemon" / "ledger" / "programs.py"


@contextmanager
def started(what: str, place: Place, *words: str) -> Generator[subprocess.Popen[str]]:
    """One of the programs on a store, until the block ends."""
    password = {"PGPASSWORD": place.password()} if place.password else {}
    with subprocess.Popen(
        [sys.executable, str(PROGRAMS), what, place.url, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **password},
    ) as program:
        try:
            yield program
        finally:
            program.kill()


def lines(program: subprocess.Popen[str]) -> Iterator[str]:
    """What it says, line by line."""
    assert program.stdout is not None
    return (line.strip() for line in program.stdout)


def tell(program: subprocess.Popen[str], line: str) -> None:
    """Say a line to it."""
    assert program.stdin is not None
    print(line, file=program.stdin, flush=True)
