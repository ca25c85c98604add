"""The tail of the logs: lines read from a durable cursor on, folded into a book, and told as the `Logs` port.

Error lines become kinds of error, and templates with their rates; with `templates: all` every line of a source is
followed a second time, for its template alone. Of those the newest count: what cannot be kept up with is passed over.

Cursor and book are one checkpoint: whoever dies between two pages takes up at the cursor, with the book as it was
there, so that no line is lost and none counts twice. Several daemons on one store follow the same source in turns: who
finds that another one has read on takes up there, and what it had read itself is dropped.
"""

import json
import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cases.errors import PermanentError, SourceDown
from cases.leases import Swap
from cases.logs import ErrorSeen
from cases.moments import EPOCH, iso
from cases.ports import Clock, LogSource
from cases.stores import Checkpoints
from cases.telemetry import Floats, Millis
from config import duration
from config.settings import LokiSettings, Settings
from detectors.counts import REMEMBERED
from detectors.errors import Book, errors
from detectors.templates.levels import Level
from detectors.templates.register import News, Register

if TYPE_CHECKING:
    from signals.loki.source import LokiSource

log = logging.getLogger("trackwalker.logs")

FIRST_LOOK = timedelta(hours=1)
"""How far back the very first look goes."""
MOST_PAGES = 20
"""Pages of one source that are read in one go: a flood of lines must not keep signals from being read."""
PATIENCE = 5.0
"""Seconds after which no further page is asked for in one go."""
STORED = timedelta(minutes=5)
"""How old the stored cursor may get while there is nothing to store beside it."""
BEHIND = timedelta(minutes=5)
"""From how far behind on it is said that the logs are not read to the present."""
NEWEST = timedelta(minutes=1)
"""Of every line, what is read where it is too far behind."""
STALE = timedelta(seconds=30)
LEAST_NEWS = 0.1
"""The score from which on a new template is told to a diagnosis."""
ASK_AGAIN = timedelta(minutes=1)  # after what only a human can mend: it may be mended

_SECOND = timedelta(seconds=1)
_MICROSECOND = timedelta(microseconds=1)
NO_SOURCE = "no log source"
_ERRORS = frozenset({Level.ERROR, Level.FATAL})
_AN_ERROR = re.compile(r"(?i)error|exception|traceback|panic|fatal")  # the book of errors has it


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """A log source, the label that names its services, and how long lines may take to arrive in it.

    errors     whether its lines are errors; without, they are every line, and those that cannot be kept up with go by
    templates  whether templates are mined
    """

    source: LogSource
    service_label: str = "app"
    settle: timedelta = timedelta(seconds=10)
    errors: bool = True
    templates: bool = False

    @property
    def key(self) -> str:
        """What tells it from another that reads the same source."""
        return self.source.name if self.errors else f"{self.source.name}/lines"


@dataclass(slots=True, kw_only=True)
class _Read:
    """How far one source is read."""

    book: Book
    register: Register
    cursor: int  # nanoseconds since the epoch
    stored: int  # the cursor in the checkpoint
    blob: bytes | None  # the checkpoint as it was seen last
    changed: bool = False
    again: float = 0.0  # monotonic seconds: not before
    because: str = ""  # why it cannot be read
    since: datetime | None = None  # from when on
    reached: bool = False  # whether it was read up to the present since this daemon began


@dataclass(slots=True)
class Tail:
    """Follows log sources. `once` is called by one thread at a time; what was seen may be asked for by any."""

    sources: Sequence[Followed]
    checkpoints: Checkpoints
    clock: Clock
    _read: dict[str, _Read] = field(default_factory=dict[str, _Read], init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def once(self) -> None:
        """Read every source on to the present, as far as patience goes.

        Raises TemporaryError when the ledger does not take what was read: it is read again then.
        """
        for followed in self.sources:
            self._follow(followed)

    def errors(self, service: str, since: datetime, until: datetime) -> tuple[ErrorSeen, ...]:
        """The kinds of error of a service in the stretch. See `cases.ports.Logs`."""
        with self._lock:
            found = [one for read in self._read.values() for one in errors(read.book, service, since, until)]
            lines = [self._read[one.key].register for one in self.sources if not one.errors and one.key in self._read]
            new = [_told(news) for register in lines for news in register.news(service, since, until) if matters(news)]
        found.sort(key=lambda one: (one.first < since, -one.count, one.signature))
        return (*found, *new)

    def rates(
        self, name: str, service: str, times: Millis, step: int, levels: frozenset[Level]
    ) -> tuple[tuple[Mapping[str, str], ...], Floats]:
        """How often each template of a service came, by what is known of one source: see `Register.rates`.

        Raises PermanentError where no templates are mined, and SourceDown while lines cannot be read.
        """
        followed = next((one for one in self.sources if one.templates and one.source.name == name), None)
        if followed is None:
            raise PermanentError(f"{name}: its templates are not mined; set `templates` of this source")
        with self._lock:
            read = self._read.get(followed.key)
            if read is None or read.because:
                raise SourceDown(name, read.because if read is not None else "its lines are not read yet", STALE)
            return read.register.rates(service, times, step, levels)

    def blind(self) -> str:
        """Why nothing can be said now, or "". See `cases.ports.Logs`."""
        if not self.sources:
            return NO_SOURCE
        reasons = (self._unread(followed) for followed in self.sources if followed.errors)
        return "; ".join(reason for reason in reasons if reason)

    def probe(self) -> tuple[tuple[str, str], ...]:
        """Reach every source: its name and what it is. Raises SourceDown or PermanentError at the first that fails."""
        return tuple((followed.source.name, followed.source.probe()) for followed in self.sources)

    def close(self) -> None:
        """Close the sources that have anything to close."""
        for followed in self.sources:
            close = getattr(followed.source, "close", None)
            if close is not None:
                close()

    def _unread(self, followed: Followed) -> str:
        name, read = followed.source.name, self._read.get(followed.key)
        if read is None:
            return f"{name}: not read yet"
        if read.because:
            return f"{read.because} (since {iso(read.since or self.clock.now())})"
        late = self.clock.now() - followed.settle - moment(read.cursor)
        if late > BEHIND or not read.reached:
            return f"{name}: read up to {iso(moment(read.cursor))} so far, {duration.format(_whole(late))} behind"
        return ""

    def _follow(self, followed: Followed) -> None:
        name, tick = followed.key, self.clock.monotonic()
        read = self._read.get(name)
        if read is not None and tick < read.again:
            return
        blob = self.checkpoints.get(_key(name))
        if read is None or read.blob != blob:
            read = self._taken_up(name, blob, read)
        until = nanoseconds(self.clock.now() - followed.settle)
        if not followed.errors:
            self._pass_over(read, until)
        try:
            self._pages(followed, read, until, tick + PATIENCE)
        except (SourceDown, PermanentError) as error:
            wait = error.retry_after if isinstance(error, SourceDown) else ASK_AGAIN
            read.again = self.clock.monotonic() + wait.total_seconds()
            if not read.because:
                read.since = self.clock.now()
                log.warning("%s", error)
            read.because = str(error)
        else:
            if read.because:
                log.info("%s can be read again", name)
            read.because, read.since = "", None
        self._keep(name, read)

    def _pages(self, followed: Followed, read: _Read, until: int, deadline: float) -> None:
        """Read on from the cursor; the book and the cursor move together, a page at a time."""
        for _ in range(MOST_PAGES):
            page = followed.source.errors(read.cursor, until)
            with self._lock:
                if followed.errors:
                    read.book.fold(page.lines, followed.service_label)
                if followed.templates:
                    read.register.fold(page.lines, followed.service_label)
                read.cursor = max(read.cursor, page.cursor)
                read.changed = read.changed or bool(page.lines)
                read.register.settle(moment(read.cursor))
                if page.whole:
                    read.book.settle(moment(read.cursor))
            if page.whole:
                read.reached = True
                return
            if self.clock.monotonic() > deadline:
                break
        read.reached = False  # there is more than could be read in one go

    def _pass_over(self, read: _Read, until: int) -> None:
        """Of every line the newest count: a flood must not be followed ever farther behind."""
        begin = until - NEWEST // _MICROSECOND * 1_000
        if until - read.cursor > BEHIND // _MICROSECOND * 1_000:
            with self._lock:
                read.register.skipped(moment(read.cursor), moment(begin))
                read.cursor, read.changed = begin, True

    def _taken_up(self, name: str, blob: bytes | None, before: _Read | None) -> _Read:
        """Go on where the checkpoint is: where the last life ended, or where another daemon has come to."""
        read = self._resumed(name, blob)
        if before is not None:
            read.because, read.since, read.reached = before.because, before.since, before.reached
        with self._lock:
            self._read[name] = read
        return read

    def _resumed(self, name: str, blob: bytes | None) -> _Read:
        """Where it ended; the first life begins an hour back, and none reads what the book would forget."""
        now = self.clock.now()
        if blob is None:
            begin = nanoseconds(now - FIRST_LOOK)
            return _Read(book=Book(), register=_register(begin), cursor=begin, stored=0, blob=None)
        try:
            document: dict[str, Any] = json.loads(blob)
            cursor, book = int(document["cursor"]), Book.of(document["book"])
            register = _register_of(name, document.get("templates"), cursor)
        except (ValueError, KeyError, TypeError) as error:
            log.warning("%s: what was remembered of its errors cannot be read (%s); it begins anew", name, error)
            begin = nanoseconds(now - FIRST_LOOK)
            return _Read(book=Book(), register=_register(begin), cursor=begin, stored=0, blob=blob)
        oldest = nanoseconds(now - REMEMBERED)
        if cursor < oldest:
            log.warning("%s: lines before %s are skipped: nothing so old is remembered", name, iso(moment(oldest)))
            register.skipped(moment(cursor), moment(oldest))
        return _Read(book=book, register=register, cursor=max(cursor, oldest), stored=cursor, blob=blob)

    def _keep(self, name: str, read: _Read) -> None:
        """Store cursor and book as one. A stretch without a line may as well be read again."""
        if not read.changed and read.cursor - read.stored < STORED // _MICROSECOND * 1_000:
            return
        with self._lock:
            templates = read.register.document()
            document = {"cursor": read.cursor, "book": read.book.document(), "templates": templates}
        blob = json.dumps(document, separators=(",", ":")).encode()
        if self.checkpoints.swap(Swap(key=_key(name), before=read.blob, after=blob), self.clock.now()):
            read.blob, read.stored, read.changed = blob, read.cursor, False
        else:
            log.debug("%s: another daemon has read on; what this one read is dropped", name)


def matters(news: News) -> bool:
    """Whether a new template is worth telling beside the errors: it is none, and it is rare."""
    return news.score >= LEAST_NEWS and news.level not in _ERRORS and not _AN_ERROR.search(news.sample)


def _told(news: News) -> ErrorSeen:
    return ErrorSeen(
        service=news.service,
        signature=f"template {news.text}",
        first=news.first,
        last=news.last,
        count=news.count,
        before=news.before,
        sample=news.sample,
        news=news.reasons,
    )


def _register(cursor: int) -> Register:
    return Register(cursor // 1_000_000)


def _register_of(name: str, written: Mapping[str, Any] | None, cursor: int) -> Register:
    """As it was written; a checkpoint from before there were templates, or of others, begins a new one."""
    try:
        return Register.of(written) if written is not None else _register(cursor)
    except (ValueError, KeyError, TypeError) as error:
        log.warning("%s: what was remembered of its templates cannot be read (%s); they begin anew", name, error)
        return _register(cursor)


def loki_of(one: LokiSettings, *, lines: bool = False) -> "LokiSource":
    """The source that the settings name; of error lines, or of all `lines`. Nothing is reached yet."""
    from signals.access import client_arguments
    from signals.loki.source import LokiSource

    return LokiSource(
        one.name,
        url=one.url,
        selector=one.selector,
        errors="" if lines else one.errors,
        timeout=one.timeout,
        max_in_flight=one.max_in_flight,
        max_response_bytes=one.max_response_mib * 1024 * 1024,
        **client_arguments(one),
    )


def tail_of(
    settings: Settings, checkpoints: Checkpoints, clock: Clock, sources: Mapping[str, object] = MappingProxyType({})
) -> Tail:
    """The tail of every Loki of the configuration, over what was built already where `sources` has it by its name."""
    followed = (each for one in settings.signals.loki for each in _followed(one, sources.get(one.name)))
    return Tail(tuple(followed), checkpoints, clock)


def _followed(one: LokiSettings, built: object) -> Iterator[Followed]:
    from signals.loki.source import LokiSource

    source = built if isinstance(built, LokiSource) else loki_of(one)
    label, settle, every = one.service_label, one.settle, one.templates == "all"
    yield Followed(source=source, service_label=label, settle=settle, templates=one.templates == "errors")
    if every:
        lines = loki_of(one, lines=True)
        yield Followed(source=lines, service_label=label, settle=settle, errors=False, templates=True)


def nanoseconds(at: datetime) -> int:
    """Nanoseconds since the epoch."""
    return (at - EPOCH) // _MICROSECOND * 1_000


def moment(nanos: int) -> datetime:
    """The UTC time of nanoseconds since the epoch."""
    return EPOCH + timedelta(microseconds=nanos // 1_000)


def _whole(late: timedelta) -> timedelta:
    return max(_SECOND, late // _SECOND * _SECOND)


def _key(name: str) -> str:
    return f"log-tail/{name}"
