"""Two daemons on one store tell of a signal's sight once between them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cases.telemetry import Sight, SignalState
from cases.trying import Command, CommandReport, TrialOrder
from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.sights import OTHERS_WAIT, SIGHTS, Sights
from sandbox.scripted import ScriptedSandbox
from tests.parts.nouns import NOW
from tests.parts.ports import some_ports
from tests.parts.settings import some_settings


def _nothing(order: TrialOrder, command: Command) -> CommandReport:
    raise AssertionError(f"nothing is tried here: {order.key} {command.name}")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{tmp_path}/l.db", clock=ManualClock(NOW)) as ledger:
        yield ledger


@pytest.fixture
def pair(ledger: Ledger) -> Iterator[tuple[Sights, Sights]]:
    with some_ports(settings=some_settings(), sandbox=ScriptedSandbox(_nothing), head="0" * 40) as ports:
        one, two = (
            Sights(name=name, ports=ports, outbox=ledger.outbox, checkpoints=ledger.checkpoints)
            for name in ("one", "two")
        )
        yield one, two


def look(sights: Sights, sight: Sight, at: datetime) -> None:
    sights.tell([SignalState(signal="shop/errors", sight=sight, at=at, because="down")], at, whole=True)


def subjects(ledger: Ledger) -> list[str]:
    found = ledger.outbox.notices(NOW + timedelta(days=1), limit=50)
    return [getattr(intent.effect, "notice").subject for intent in found]  # noqa: B009 - an Effect that is a notice


def test_both_see_it_and_one_tells(ledger: Ledger, pair: tuple[Sights, Sights]) -> None:
    for number, sights in enumerate((*pair, *pair)):
        look(sights, Sight.BLIND, NOW + timedelta(seconds=number))
    assert subjects(ledger) == ["shop/errors is blind"]
    look(pair[0], Sight.FRESH, NOW + timedelta(minutes=1))
    look(pair[1], Sight.FRESH, NOW + timedelta(minutes=1))
    assert subjects(ledger) == ["shop/errors is blind", "shop/errors is seen again"]


def test_two_that_disagree_do_not_contradict_each_other_at_every_look(
    ledger: Ledger, pair: tuple[Sights, Sights]
) -> None:
    """One reaches the source, the other does not."""
    for half_minute in range(20):
        at = NOW + half_minute * timedelta(seconds=30)
        look(pair[0], Sight.BLIND, at)
        look(pair[1], Sight.FRESH, at)
    assert subjects(ledger) == ["shop/errors is blind"]
    look(pair[1], Sight.FRESH, NOW + OTHERS_WAIT)  # the first may have died with what it said
    assert subjects(ledger)[1:] == ["shop/errors is seen again"]


def test_what_an_older_version_told_is_understood(ledger: Ledger, pair: tuple[Sights, Sights]) -> None:
    ledger.checkpoints.put(SIGHTS, b'{"shop/errors": "2026-03-04T05:00:00+00:00"}', NOW)
    look(pair[1], Sight.FRESH, NOW)
    assert subjects(ledger) == ["shop/errors is seen again"]


def test_a_signal_that_is_not_watched_any_more_is_said_to_be_gone(ledger: Ledger, pair: tuple[Sights, Sights]) -> None:
    look(pair[0], Sight.MISSING, NOW)
    pair[0].tell([], NOW, whole=False)  # the list may only be cut short
    pair[0].tell([], NOW, whole=True)
    assert subjects(ledger) == ["shop/errors is missing", "shop/errors is not watched any more"]
