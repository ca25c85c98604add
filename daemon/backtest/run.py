"""A backtest from its beginning to its end: of files, or of what a configuration watches."""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cases.errors import PermanentError
from cases.ports import Clock
from config.settings import DetectionSettings, Settings
from daemon.backtest.compared import Compared, compare
from daemon.backtest.firing import alerts_of
from daemon.backtest.gather import Stretch, from_sources, from_tables
from daemon.backtest.loop import History, Loop, loop
from daemon.backtest.month import costs
from daemon.backtest.reading import readers
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
    return Told(
        report=report,
        what=", ".join(file.name for file in files),
        cpu_seconds=time.process_time() - began,
        compared=Compared(because="files have no ALERTS series"),
        costs=costs(report.watched, report.cases, hints=False),
    )


def of_settings(
    settings: Settings, since: timedelta, asked: Asked, *, clock: Clock, progress: Callable[[str], None], what: str
) -> Told:
    """Look at what a configuration watches, up to now. Raises PermanentError or TemporaryError."""
    began, now = time.process_time(), clock.now()
    sources, stretch, report = sources_of(settings, clock), Stretch(since=now - since, until=now), Report()
    progress("looking up what is watched")
    watches = WatchList(settings, sources, clock).current()
    heard = readers(sources, progress)
    allowed = settings.budget.false_alerts_per_service_week
    looks = from_sources(watches, heard, settings.detection, stretch, allowed=allowed)
    for place, looked in enumerate(looks, start=1):
        report.add(looked, pictures=asked.pictures)
        progress(f"{place} of {len(watches)} watches read; {looked.watch.signal.key} was the last")
    report.remarks += _not_looked_for(watches)
    report.close(lull=settings.detection.recent)
    grid = (stretch.since, stretch.until, settings.detection.step)
    alerts = alerts_of(heard, sources, watches, settings.catalog.service_labels, grid)
    compared = compare(alerts, watches, [episode for _, episode in report.episodes], report.cases)
    way = Way(settings=settings, clock=clock, progress=progress, trial=asked.trial)
    walked = _loop(report, way, stretch.since) if asked.loop else None
    return Told(
        report=report,
        what=what,
        cpu_seconds=time.process_time() - began,
        compared=compared,
        costs=costs(report.watched, report.cases, allowed_a_week=allowed),
        loop=walked,
    )


def _not_looked_for(watches: Sequence[Watch]) -> list[str]:
    """What the daemon looks for and a backtest does not."""
    absent = any(watch.absence != "off" for watch in watches)
    limited = [watch.signal.key for watch in watches if watch.limit is not None]
    remarks = ["readings that stop are not looked for over the past"] if absent else []
    if limited:
        remarks.append(f"when a limit would be reached is not forecast over the past: {', '.join(limited[:3])}")
    return remarks


def _loop(report: Report, way: Way, since: datetime) -> Loop:
    with TemporaryDirectory(prefix="trackwalker-backtest-") as folder:
        forge = forge_of(way.settings, Home(name="backtest", folder=Path(folder)))
        if not isinstance(forge, History):
            raise PermanentError("this forge cannot tell the past of its repositories")
        with closing(forge):
            return loop(report, forge, way, since)
