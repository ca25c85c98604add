"""The nightly look at what people shipped: which deploy of the last week moved which metric. Nothing is rolled back.

Reads are bounded; what was found is one checkpoint that the daemons of a store share, for the briefing.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from cases.errors import PermanentError, TemporaryError
from cases.events import Deployed
from cases.leases import Swap
from cases.stores import Checkpoints
from cases.telemetry import DAY, Deploy
from daemon.keeping.daily import Daily, Errand
from daemon.listing import Watch
from daemon.observe.metrics import Metrics
from remediation.ports import Ports
from remediation.shipped import Moved, ShippedSettings, moved_by, not_ours, ranked

log = logging.getLogger("trackwalker.shipped")

KEY = JOB = "shipped"
HOUR = 5  # UTC
WEEK = 7 * DAY
HISTORY = 14 * DAY
STEP = timedelta(minutes=5)
MOST_SIGNALS = 4  # of one service: more would leave each too small a share of alpha
MOST_DEPLOYS = 12
MOST_READS = 200
"""A night, over all services; each night begins at another one."""
LONGEST = timedelta(minutes=8)
_TRIES = 5


def shipped_of(
    ports: Ports, checkpoints: Checkpoints, listed: Callable[[], Sequence[Watch]], metrics: Metrics
) -> Daily:
    """The nightly job."""

    def work(errand: Errand) -> Mapping[str, str]:
        until = ports.clock.monotonic() + LONGEST.total_seconds()
        judged, found = look(ports, listed(), lambda: errand.stopped() or ports.clock.monotonic() > until)
        keep(checkpoints, found, ports.now)
        metrics.shipped(judged, len({(one.service, one.commit) for one in found}))
        return {"deploys": str(judged), "moved": str(len(found))}

    return Daily(name=JOB, hour=HOUR, work=work)


def look(ports: Ports, watches: Sequence[Watch], stopped: Callable[[], bool]) -> tuple[int, list[Moved]]:
    """How many deploys of the last week were judged, and what they moved, the surest first."""
    now, reads, judged = ports.now, 0, 0
    found: list[Moved] = []
    by_service: dict[str, list[Watch]] = {}
    for watch in watches:
        by_service.setdefault(watch.signal.service, []).append(watch)
    for service in _from_another(sorted(by_service), now):
        watched = [watch.signal for watch in by_service[service]]
        signals = sorted(watched, key=lambda one: (one.severity.urgency, one.key))[:MOST_SIGNALS]
        if stopped() or reads + len(signals) > MOST_READS:
            log.info("what was shipped is not looked at whole tonight; %s comes first another night", service)
            break
        try:
            deploys = not_ours(ports.changes.deploys(service, now - WEEK, now), _ours(ports, now))[-MOST_DEPLOYS:]
            if not deploys:
                continue
            wanted = _settings(ports, len(signals))
            for signal in signals:
                reads += 1
                block = ports.read_history(signal, now - WEEK - HISTORY, now, STEP)
                found += moved_by(block, deploys, wanted)
        except (TemporaryError, PermanentError) as error:
            log.warning("what was shipped to %s cannot be judged now: %s", service, error)
            continue
        judged += len(deploys)
    return judged, ranked(found)


def keep(checkpoints: Checkpoints, found: Sequence[Moved], now: datetime) -> None:
    """Put it in place of the last look's. Raises TemporaryError when other daemons were always first."""
    blob = json.dumps({"at": now, "moved": [asdict(one) for one in found]}, default=datetime.isoformat).encode()
    for _ in range(_TRIES):
        stored = checkpoints.get(KEY)
        if blob == stored or checkpoints.swap(Swap(key=KEY, before=stored, after=blob), now):
            return
    raise TemporaryError("what was shipped was changed by others at each try")


def kept(checkpoints: Checkpoints) -> tuple[datetime | None, list[Moved]]:
    """When the last look was, and what it found; None before the first."""
    stored = checkpoints.get(KEY)
    if not stored:
        return None, []
    told: dict[str, Any] = json.loads(stored)
    rows: list[dict[str, Any]] = told["moved"]
    for row in rows:
        row["started"] = datetime.fromisoformat(row["started"])
    return datetime.fromisoformat(told["at"]), [Moved(**row) for row in rows]


def document(one: Moved) -> dict[str, Any]:
    """One line, for programs."""
    from cases.moments import iso

    return {**asdict(one), "started": iso(one.started)}


def _settings(ports: Ports, signals: int) -> ShippedSettings:
    wanted = ports.settings.judgement
    return ShippedSettings(
        warm_up=wanted.warm_up, min_samples=wanted.holds, holds=wanted.holds, alpha=wanted.alpha, signals=signals
    )


def _ours(ports: Ports, now: datetime) -> list[Deploy]:
    cases = ports.cases.since(now - 2 * WEEK)
    return [entry.event.deploy for case in cases for entry in case.history if isinstance(entry.event, Deployed)]


def _from_another(services: Sequence[str], now: datetime) -> Sequence[str]:
    place = now.toordinal() * 97 % len(services) if services else 0
    return [*services[place:], *services[:place]]
