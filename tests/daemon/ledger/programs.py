"""Programs that the durability tests start, stop and kill: `python programs.py mortal|share|sleeper URL …`.

The password of a server comes as libpq takes it, in PGPASSWORD.
"""

import os
import signal
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cases.errors import Fenced
from cases.events import Diagnosed, Drafted, Guided, Proved
from cases.leases import Claimed
from cases.pull_request_events import Proposed
from cases.steps import PostComment, Receipt
from daemon.clock import ManualClock, SystemClock
from daemon.ledger.ledger import Ledger, open_ledger
from tests.parts.nouns import NOW, an_entry, an_event, an_opened

STEPS = {"open": Diagnosed, "diagnosed": Drafted, "drafted": Proved, "proved": Proposed}
CASES = 16
ROUNDS = 3
LEASE = timedelta(seconds=30)


def work(url: str, hours: str) -> None:
    """Open 16 cases and take each to its pull request, four steps with an effect each. Says what was committed."""
    now = NOW + timedelta(hours=int(hours))
    with open_ledger(url, clock=ManualClock(now)) as ledger:
        for number in range(CASES):
            born = replace(an_opened(), case_id=f"case{number}", fingerprint=f"print{number}")
            ledger.cases.open(an_entry(born), (), NOW)
        while (claimed := ledger.cases.claim("worker", now, LEASE)) is not None:
            _to_the_end(ledger, claimed)
    _say("end")


def _to_the_end(ledger: Ledger, claimed: Claimed) -> None:
    name = claimed.case.id
    while True:
        for intent in ledger.outbox.pending(name):
            ledger.outbox.check(claimed)
            ledger.outbox.receive(Receipt(key=intent.effect.key, adopted=False), claimed)
            _say(f"done {intent.effect.key}")
        kind = STEPS.get(str(claimed.case.phase))
        if kind is None:
            break
        effect = PostComment(key=f"{name}-{kind.__name__}", repository="shop", branch="b", body="x" * 500)
        claimed = ledger.cases.commit(claimed, (an_entry(an_event(kind), 1),), (effect,), NOW)
        _say(f"step {name} {len(claimed.case.history)}")
    ledger.cases.release(claimed, None)


def mortal(url: str) -> None:
    """On each `go HOURS` start `work` in a process of its own, and on each `kill` end that with SIGKILL."""
    with open_ledger(url):
        child = 0  # and what it loads is there for every child
    for line in sys.stdin:
        order, *hours = line.split()
        if order == "go":
            child = os.fork()
            if not child:
                work(url, *hours)
                os._exit(0)
        else:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            _say("killed")


def share(url: str, owner: str, folder: str) -> None:
    """With another one like it, give each case three words. A mark in `folder` shows who is at which case."""
    clock = SystemClock()
    here = Path(folder)
    with open_ledger(url) as ledger:
        _say("ready")
        sys.stdin.readline()
        while (claimed := ledger.cases.claim(owner, clock.now(), LEASE)) is not None:
            (here / f"{owner}.began").touch()
            while len(list(here.glob("*.began"))) < 2:  # both, so that they really meet
                threading.Event().wait(0.01)
            mark = here / claimed.case.id
            os.close(os.open(mark, os.O_CREAT | os.O_EXCL))  # fails, and ends this program, when it is held twice
            threading.Event().wait(0.002)
            claimed = ledger.cases.commit(claimed, (an_entry(Guided(text=owner)),), (), None)
            mark.unlink()
            ledger.cases.release(claimed, clock.now() if len(claimed.case.guidance) < ROUNDS else None)
    _say("end")


def sleeper(url: str, owner: str, seconds: str) -> None:
    """Claim a case, and when told to go on, take a step of it and do its effect, whatever happened meanwhile."""
    clock = SystemClock()
    with open_ledger(url) as ledger:
        claimed = ledger.cases.claim(owner, clock.now(), timedelta(seconds=float(seconds)))
        assert claimed is not None
        _say("claimed")
        sys.stdin.readline()
        effect = PostComment(key="late", repository="shop", branch="b", body="late")
        for write in (
            lambda: ledger.outbox.check(claimed),
            lambda: ledger.cases.renew(claimed, clock.now(), LEASE),
            lambda: ledger.cases.commit(claimed, (an_entry(an_event(Diagnosed), 1),), (effect,), None),
            lambda: ledger.outbox.receive(Receipt(key="promised", adopted=False), claimed),
            lambda: ledger.cases.release(claimed, None),
        ):
            try:
                write()
                _say("went through")
            except Fenced:
                _say("fenced")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    {"mortal": mortal, "share": share, "sleeper": sleeper}[sys.argv[1]](*sys.argv[2:])
