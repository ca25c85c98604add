"""Daemons that share a ledger see each other."""

from datetime import timedelta

from daemon.clock import ManualClock, SystemClock
from daemon.ledger.ledger import Ledger
from tests.parts.nouns import NOW
from tests.parts.stores import Place

SILENT = timedelta(minutes=1)


def test_a_daemon_sees_the_others_what_they_do_and_who_is_silent(ledger: Ledger, place: Place) -> None:
    with place.opened(clock=ManualClock(NOW)) as other:
        ledger.daemons.here("one", "1.0", "aaa", "host", NOW)
        other.daemons.here("two", "1.1", "bbb", "elsewhere", NOW)
        other.daemons.beat("two", ["a", "b"], NOW + timedelta(seconds=10))
        (seen,) = ledger.daemons.others(NOW + SILENT, SILENT)
        assert (seen.name, seen.version, seen.config, seen.host) == ("two", "1.1", "bbb", "elsewhere")
        assert (seen.started, seen.seen, seen.working) == (NOW, NOW + timedelta(seconds=10), ("a", "b"))
        assert not seen.silent
        (mine,) = other.daemons.others(NOW + SILENT + timedelta(seconds=1), SILENT)
        assert (mine.name, mine.working, mine.silent) == ("one", (), True)
        other.daemons.left("two")
        assert ledger.daemons.others(NOW, SILENT) == ()


def test_a_restart_takes_the_row_of_the_former_life(ledger: Ledger, place: Place) -> None:
    ledger.daemons.here("one", "1.0", "aaa", "host", NOW)
    ledger.daemons.beat("one", ["a"], NOW)
    ledger.daemons.here("one", "1.1", "bbb", "host", NOW + SILENT)
    with place.opened(clock=ManualClock(NOW)) as other:
        (seen,) = other.daemons.others(NOW, SILENT)
    assert (seen.version, seen.config, seen.started, seen.working) == ("1.1", "bbb", NOW + SILENT, ())


def test_one_that_nobody_misses_is_forgotten(ledger: Ledger) -> None:
    ledger.daemons.here("old", "1", "c", "h", NOW)
    ledger.daemons.here("new", "1", "c", "h", NOW + timedelta(days=31))
    assert ledger.daemons.others(NOW, SILENT) == ()
    ledger.daemons.beat("old", [], NOW)
    assert ledger.daemons.others(NOW, SILENT) == (), "a heartbeat alone brings nobody back"


def test_who_is_silent_is_told_by_the_servers_time(place: Place) -> None:
    right = SystemClock().now()
    with place.opened() as one, place.opened() as two:
        one.daemons.here("one", "1", "c", "h", right - timedelta(hours=1))  # its clock is an hour behind
        (seen,) = two.daemons.others(right, SILENT)
        assert seen.silent == (place.kind == "sqlite")
