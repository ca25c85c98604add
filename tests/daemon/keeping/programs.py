"""Programs that the tests of backups start, and kill: `python programs.py write|copy URL …`."""

import os
import sys
import threading
from pathlib import Path

from daemon.keeping.backup import backed_up
from daemon.keeping.copies import name_of
from daemon.ledger.ledger import open_ledger
from tests.daemon.keeping.filled import NOW, a_closed_case, an_open_case


def write(url: str) -> None:
    """In two processes, open and close cases without end. Each says who wrote another one."""
    owner = "one" if os.fork() else "two"
    pause = threading.Event()
    with open_ledger(url, password=lambda: os.environ["STORE_PASSWORD"]) as ledger:
        for number in range(10_000):
            if number % 3:
                a_closed_case(ledger, f"{owner}{number}")
            else:
                an_open_case(ledger, f"{owner}{number}")
            os.write(1, f"{owner}\n".encode())
            pause.wait(0.005)


def copy(url: str, folder: str) -> None:
    """Make a backup."""
    with open_ledger(url) as ledger:
        backed_up(ledger, Path(folder) / name_of(NOW), NOW)


if __name__ == "__main__":
    {"write": write, "copy": copy}[sys.argv[1]](*sys.argv[2:])
