"""A backtest from its beginning to its end: of files, or of what a configuration watches."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cases.errors import PermanentError
from cases.moments import iso
from cases.ports import Clock, SignalSource
from cases.telemetry import SeriesBlock, Signal
from config.settings import DetectionSettings, Settings
from daemon.backtest.gather import Stretch, from_sources, from_tables
from daemon.backtest.loop import History, Loop, loop
from daemon.backtest.report import Report
from daemon.backtest.told import Told
from daemon.backtest.walked import Way
from daemon.build import forge_of, sources_of
from daemon.home import Home
from daemon.listing import Watch
from daemon.watches import WatchList


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is wanted of a backtest.

    pictures  whether the readings are kept to be drawn
    loop      whether the cases are walked through the whole loop, and `trial` whether that runs them in the sandbox
    """

    pictures: bool
    loop: bool = False
    trial: bool = False


def of_files(files: Sequence[Path], asked: Asked, progress: Callable[[str], None]) -> Told:
    """Look at CSV files. Raises PermanentError."""
    began = time.process_time()
    wanted, report = DetectionSettings(), Report()
    progress(f"reading {files[0].name}")
    for place, looked in enumerate(from_tables(files, wanted), start=1):
        report.add(looked, pictures=asked.pictures)
        if place < len(files):
            progress(f"file {place + 1} of {len(files)}: {files[place].name}")
    report.close(lull=wanted.recent)
    return Told(report=report, what=", ".join(file.name for file in files), cpu_seconds=time.process_time() - began)


def of_settings(
    settings: Settings, since: timedelta, asked: Asked, *, clock: Clock, progress: Callable[[str], None], what: str
) -> Told:
    """Look at what a configuration watches, up to now. Raises PermanentError or TemporaryError."""
    began, now = time.process_time(), clock.now()
    sources, stretch, report = sources_of(settings, clock), Stretch(since=now - since, until=now), Report()
    progress("looking up what is watched")
    watches = WatchList(settings, sources, clock).current()
    for looked in from_sources(watches, _heard(sources, watches, progress), settings.detection, stretch):
        report.add(looked, pictures=asked.pictures)
    report.close(lull=settings.detection.recent)
    way = Way(settings=settings, clock=clock, progress=progress, trial=asked.trial)
    walked = _loop(report, way, stretch.since) if asked.loop else None
    return Told(report=report, what=what, cpu_seconds=time.process_time() - began, loop=walked)


def _loop(report: Report, way: Way, since: datetime) -> Loop:
    with TemporaryDirectory(prefix="trackwalker-backtest-") as folder:
        forge = forge_of(way.settings, Home(name="backtest", folder=Path(folder)))
        if not isinstance(forge, History):
            raise PermanentError("this forge cannot tell the past of its repositories")
        with closing(forge):
            return loop(report, forge, way, since)


def _heard(
    sources: Mapping[str, SignalSource], watches: Sequence[Watch], progress: Callable[[str], None]
) -> Mapping[str, SignalSource]:
    """The sources, each read of which is told."""
    places = {watch.signal.key: place for place, watch in enumerate(watches, start=1)}
    return {name: _Heard(source, places, progress) for name, source in sources.items()}


class _Heard:
    """A source that tells of each read."""

    def __init__(self, source: SignalSource, places: Mapping[str, int], progress: Callable[[str], None]) -> None:
        self._source = source
        self._places = places
        self._progress = progress

    @property
    def name(self) -> str:
        """The source's own."""
        return self._source.name

    def probe(self) -> str:
        """The source's own answer."""
        return self._source.probe()

    def read(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        """The source's own answer."""
        place = f"watch {self._places[signal.key]} of {len(self._places)}: " if signal.key in self._places else ""
        self._progress(f"{place}reading {signal.key} from {iso(start)}")
        return self._source.read(signal, start, end, step)
