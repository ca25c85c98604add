"""Reload: at SIGHUP the configuration is read again, and a daemon with the new settings takes the old one's place.

The old one is not taken down before the new one stands, so that settings which cannot be used change nothing. Process,
port, ledger and counters stay; cases in hand come to the end of their present step first, and are taken up from there.
"""

import hashlib
import logging
import signal
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from types import FrameType

from cases.errors import PermanentError, TemporaryError
from cases.ports import Clock
from cases.telemetry import Severity
from config.credentials import secrets_in
from config.load import load_anew
from config.settings import Settings
from config.wording import key
from daemon.app import App, Build, living
from daemon.build import outside_of
from daemon.endings import Ending
from daemon.house import House, housed

log = logging.getLogger("trackwalker.reload")


@dataclass(slots=True)
class Hangups:
    """How often somebody asked for a reload.

    A count and no flag: the handler runs between any two steps of the reader, and a flag that is read and then lowered
    could lose what came in between.
    """

    heard: int = 0
    answered: int = 0

    def pending(self) -> bool:
        """Whether there was one since this was asked last."""
        heard = self.heard
        news = heard != self.answered
        self.answered = heard
        return news


@contextmanager
def hearing_hangups() -> Generator[Hangups]:
    """Within the block, SIGHUP is counted; the old handler comes back afterwards."""
    hangups = Hangups()

    def count(number: int, frame: FrameType | None) -> None:
        del number, frame
        hangups.heard += 1

    before = signal.signal(signal.SIGHUP, count)
    try:
        yield hangups
    finally:
        signal.signal(signal.SIGHUP, before)


@dataclass(frozen=True, slots=True)
class Life:
    """A daemon in its house, and what ends it."""

    app: App
    began: datetime
    ending: ExitStack


@dataclass(slots=True, kw_only=True)
class Succession:
    """One daemon after the other in the same house, each with the settings that the file had when it was asked for."""

    house: House
    config: Path
    hangups: Hangups
    build: Build
    _heir: Settings | None = field(default=None, init=False)

    def begin(self, settings: Settings) -> Life:
        """A life with these settings. Raises as `daemon.app.running`; nothing of it is left then."""
        with ExitStack() as stack:
            app = stack.enter_context(living(self.house, settings, self.build))
            return Life(app, self.house.clock.now(), stack.pop_all())

    def heed(self, life: Life) -> None:
        """Read the file, if somebody asked. Only the newest word counts: it takes back what an earlier one began."""
        if not self.hangups.pending():
            return
        self._heir = None
        try:
            found = load_anew(self.config, life.app.settings)
            _reveal(found, life.app.settings)
        except (PermanentError, TemporaryError) as error:
            self._refuse(life, error)
        else:
            if found == life.app.settings:
                self.house.metrics.reload_ok.set(1)
                log.info("%s was read again: it says what is in force already", self.config)
            else:
                self._heir = found
        if self._heir is None:
            life.app.cycle.stay()
        else:
            held = ", ".join(life.app.cycle.pulse.in_hand)
            log.info("%s was read again%s", self.config, f"; the present step of {held} ends first" if held else "")
            life.app.cycle.leave()

    def follow(self, life: Life) -> Life:
        """The life with the settings that were read; the present one, when nothing can be built from them."""
        heir, self._heir = self._heir, None
        if heir is None:
            raise TypeError("nobody was to follow")  # whoever left was told to by `heed`
        try:
            fresh = self.begin(heir)
        except (PermanentError, TemporaryError) as error:
            self._refuse(life, error)
            life.app.cycle.stay()
            return life
        life.ending.close()
        self.house.metrics.reload_ok.set(1)
        log.info("the settings of %s are in force", self.config)
        return fresh

    def _refuse(self, life: Life, error: Exception) -> None:
        """Say that the old settings stay, and all that is wrong with the new: to the log each time, to receivers once.

        The key holds what is wrong, and since when the old settings are in force.
        """
        self.house.metrics.reload_ok.set(0)
        for line in str(error).splitlines():
            log.error("reload refused: %s", line)
        text = f"{error}\nThe settings of {life.began:%Y-%m-%d %H:%M:%S} UTC stay in force."
        mark = hashlib.sha256(f"{life.began.isoformat()} {error}".encode()).hexdigest()[:16]
        subject = f"{self.config.name} was refused; the old settings stay"
        told = life.app.ports.tell(f"reload-{mark}", Severity.TICKET, subject, text, case="")
        try:
            life.app.ledger.outbox.send(told, self.house.clock.now())
        except TemporaryError as untold:
            log.error("no receiver hears of it: %s", untold)  # noqa: TRY400 - a sentence, no trace


def _reveal(found: Settings, present: Settings) -> None:
    """Read each secret that was not named before: what is missing is better said now than by the first who needs it.

    Raises PermanentError or TemporaryError, with its place.
    """
    known = {secret for _, secret in secrets_in(present)}
    for loc, secret in secrets_in(found):
        if secret in known:
            continue
        try:
            secret.reveal()
        except PermanentError as error:
            raise PermanentError(f"{key(loc)}: {error}") from None
        except TemporaryError as error:
            raise TemporaryError(f"{key(loc)}: {error}", error.retry_after) from None


def run(
    settings: Settings,
    config: Path,
    clock: Clock,
    *,
    cycles: int | None = None,
    once: bool = False,
    build: Build = outside_of,
    ending: Ending | None = None,
) -> None:
    """Run the daemon, one life after the other, until the clock is woken; or as `daemon.cycle.Cycle.run` ends.

    `settings` are those of the file `config` as it is now. `ending` is told what to do at the last. Raises as
    `daemon.app.running`.
    """
    with hearing_hangups() as hangups, housed(settings, clock, ending, config) as house:
        succession = Succession(house=house, config=config, hangups=hangups, build=build)
        life, left = succession.begin(settings), cycles
        try:
            while True:
                polls = life.app.cycle.run(cycles=left, once=once, each_turn=partial(succession.heed, life))
                if not life.app.cycle.left:
                    return
                left = None if left is None else max(1, left - polls)
                life = succession.follow(life)
        finally:
            life.ending.close()
