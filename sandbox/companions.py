"""Companions: servers beside a trial, in its network, which is a loopback and nothing else. They end with it.

Sharing the network of the trial's container, as the containers of a Kubernetes pod do, takes no bridge: so there is no
address of the host that they might reach, no other trial's companion, and nothing to clean up but containers.
"""

import secrets
import time
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Event

from cases.errors import PermanentError, TemporaryError
from cases.trying import Companion, TrialOrder
from sandbox.container import Container
from sandbox.containers import Containers
from sandbox.engine import Engine
from sandbox.shape import life_of

START_SECONDS = 60.0  # how long all of them may take to be ready: within the two minutes of setting up
ASK_SECONDS = 15.0
PAUSE_SECONDS = 0.2
HOST, USER, DATABASE = "127.0.0.1", "trackwalker", "trackwalker"
LISTENING = "0A"  # in the kernel's table of sockets
TABLES = ("/bin/sh", "-c", "read -r go; cat /proc/net/tcp /proc/net/tcp6 2>/dev/null; true")


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """A started companion. `words` are what its placeholders stand for."""

    companion: Companion
    name: str  # of its container
    container: Container
    words: Mapping[str, str]

    def said(self, text: str) -> str:
        """The text with its placeholders replaced."""
        for word, value in self.words.items():
            text = text.replace(f"{{{word}}}", value)
        return text


class Companions:
    """Those of one order. `environment` is what the order's commands are told."""

    def __init__(self, engine: Engine, trial: Container, beside: tuple[Beside, ...]) -> None:
        self._engine = engine
        self._trial = trial
        self._beside = beside
        self.environment: dict[str, str] = {}
        for each in beside:
            prefix = f"TRACKWALKER_{each.companion.name.upper().replace('-', '_').replace('.', '_')}"
            self.environment |= {f"{prefix}_{word.upper()}": value for word, value in each.words.items() if value}
            self.environment |= {name: each.said(value) for name, value in each.companion.offers}

    def wait(self) -> None:
        """Return once all are ready. Raises PermanentError for one that ended, TemporaryError for one that is late."""
        by = time.monotonic() + START_SECONDS
        for each in self._beside:
            while not self._ready(each):
                self._check(each)
                if time.monotonic() > by:
                    raise TemporaryError(
                        f"the companion {each.companion.name} ({each.companion.image}) was not ready after "
                        f"{START_SECONDS:.0f} s; its last words: {self._engine.last_lines(each.name)}"
                    )
                Event().wait(PAUSE_SECONDS)

    def ended(self) -> str | None:
        """The name of one that no longer runs, if there is one."""
        for each in self._beside:
            state = self._engine.state(each.name)
            if state is None or not state.running:
                return each.companion.name
        return None

    def _ready(self, each: Beside) -> bool:
        if each.companion.ready is not None:
            argv = ("/bin/sh", "-c", f"read -r go; {each.said(each.companion.ready)}")
            ran = each.container.execute(argv, (b"\n",), ASK_SECONDS)
            return ran.exit_code == 0
        ran = self._trial.execute(TABLES, (b"\n",), ASK_SECONDS)
        return each.companion.port in listening(ran.output.text())

    def _check(self, each: Beside) -> None:
        state = self._engine.state(each.name)
        if state is not None and state.running:
            return
        words = "" if state is None else self._engine.last_lines(each.name)
        raise PermanentError(
            f"the companion {each.companion.name} ({each.companion.image}) ended before it was ready; an image that "
            "writes elsewhere than in its volumes needs those paths in `writable`, one that is short of memory a "
            f"larger `memory_mib`. Its last words: {words or 'none'}"
        )


def listening(tables: str) -> frozenset[int]:
    """The ports that something listens at, from the kernel's tables of TCP sockets."""
    rows = (line.split() for line in tables.splitlines())
    return frozenset(int(row[1].rpartition(":")[2], 16) for row in rows if row[3:4] == [LISTENING])


@contextmanager
def companions_of(
    order: TrialOrder, containers: Containers, engine: Engine, trial: Container, name: str
) -> Generator[Companions]:
    """Start an order's companions beside its container `name`, and remove them at the end of the block."""
    with ExitStack() as stack:
        beside: list[Beside] = []
        for companion in order.companions:
            words = {
                "host": HOST,
                "port": "" if companion.port is None else str(companion.port),
                "user": USER,
                "password": secrets.token_hex(16),
                "database": DATABASE,
            }
            bare = Beside(companion=companion, name="", container=trial, words=words)
            started, user = containers.start_companion(
                engine,
                companion,
                beside=name,
                cpus=order.cpus,
                key=order.key,
                life=life_of(order),
                environment={key: bare.said(value) for key, value in companion.environment},
            )
            stack.callback(containers.leave, started)
            own = Container(engine, started, user)
            beside.append(Beside(companion=companion, name=started, container=own, words=words))
        yield Companions(engine, trial, tuple(beside))
