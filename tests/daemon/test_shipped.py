"""The night's look at what people shipped: what it reads, what it leaves behind, and who shows it."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
from click.testing import CliRunner

from cases.case import Case
from cases.errors import SourceDown
from cases.moments import milliseconds
from cases.telemetry import Deploy, Direction, SeriesBlock, Signal
from config.settings import Settings
from daemon.clock import ManualClock
from daemon.ledger.ledger import open_ledger
from daemon.listing import Watch
from daemon.main import trackwalker
from daemon.shipped import MOST_SIGNALS, keep, kept, look
from remediation.ports import Ports
from tests.inference.series import autocorrelated
from tests.parts.nouns import NOW, SHA
from tests.parts.settings import a_document, some_settings

HOUR = timedelta(hours=1)
DEPLOYS = tuple(
    Deploy(service="shop", commit=f"{number:040x}", started=NOW - 30 * number * HOUR, source="info")
    for number in (4, 3, 2)
)


@dataclass
class Outside:
    """What `look` asks of its ports: the second deploy made p95 worse; the service `dark` cannot be read."""

    settings: Settings = field(default_factory=some_settings)
    now: datetime = NOW
    read: list[str] = field(default_factory=list[str])

    @property
    def changes(self) -> "Outside":
        return self

    @property
    def cases(self) -> "Outside":
        return self

    def since(self, moment: datetime) -> tuple[Case, ...]:
        assert moment < NOW
        return ()

    def deploys(self, service: str, since: datetime, until: datetime) -> tuple[Deploy, ...]:
        return tuple(replace(one, service=service) for one in DEPLOYS if since <= one.started <= until)

    def read_history(self, signal: Signal, start: datetime, end: datetime, step: timedelta) -> SeriesBlock:
        self.read.append(signal.key)
        if signal.service == "dark":
            raise SourceDown("main", "it does not answer")
        times = np.arange(milliseconds(start), milliseconds(end), step / timedelta(milliseconds=1)).astype(np.int64)
        values = 10 + autocorrelated(len(times), 0.8, np.random.default_rng(4))
        if signal.name == "p95":
            values += 4.0 * (times >= milliseconds(DEPLOYS[1].started))
        return SeriesBlock(
            signal=signal,
            labels=({"service": "shop"},),
            times=times,
            values=values[None],
            missing=np.isnan(values[None]),
        )


def a_watch(service: str, name: str) -> Watch:
    signal = Signal(name=name, service=service, source="main", query=name, harm=Direction.UP)
    return Watch(signal=signal, detector="auto", confirm=3)


def test_what_moved_is_found_kept_and_shown(tmp_path: Path) -> None:
    outside = Outside()
    watches = [a_watch("shop", "p95"), a_watch("dark", "p95"), *(a_watch("shop", f"z{n}") for n in range(2))]
    judged, moved = look(cast("Ports", outside), watches, lambda: False)
    assert judged == len(DEPLOYS)
    assert [(one.commit, one.signal, one.to, one.alone) for one in moved if one.alone] == [
        (DEPLOYS[1].commit, "p95", "worse", True)
    ]
    assert outside.read.count("dark/p95") == 1
    config = tmp_path / "trackwalker.yaml"
    store = f"sqlite:///{tmp_path}/l.db"
    config.write_text(json.dumps({**a_document(), "store": store}))
    with open_ledger(store, clock=ManualClock(NOW)) as ledger:
        assert kept(ledger.checkpoints) == (None, [])
        keep(ledger.checkpoints, moved, NOW)
        keep(ledger.checkpoints, moved[:1], NOW + HOUR)
        assert kept(ledger.checkpoints) == (NOW + HOUR, moved[:1])
    shown = CliRunner().invoke(trackwalker, ["shipped", "--config", str(config), "--json"])
    assert [one["commit"] for one in json.loads(shown.output)["moved"]] == [DEPLOYS[1].commit]
    told = CliRunner().invoke(trackwalker, ["briefing", "--config", str(config), "--json"])
    assert json.loads(told.output)["shipped"][0]["signal"] == "p95"
    table = CliRunner().invoke(trackwalker, ["shipped", "--config", str(config)])
    assert "p95: worse" in table.output
    assert SHA not in table.output


def test_a_night_is_bounded_and_can_be_stopped() -> None:
    outside = Outside()
    many = [a_watch("dark", f"p{number}") for number in range(9)]
    assert look(cast("Ports", outside), many, lambda: False) == (0, [])
    assert len(outside.read) <= MOST_SIGNALS
    assert look(cast("Ports", Outside()), many, lambda: True) == (0, [])
