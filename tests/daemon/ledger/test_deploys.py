"""Deploys that were told: kept once each, and read back from a store that somebody else keeps."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from cases.errors import PermanentError
from cases.telemetry import Deploy
from daemon.ledger.deploys import StoredDeploys
from daemon.ledger.ledger import Ledger
from tests.parts.nouns import NOW
from tests.parts.stores import Place

OLD, NEW = "a" * 40, "b" * 40
SOURCE = "webhook"


def deploy(commit: str, at: datetime = NOW, service: str = "shop", environment: str = "production") -> Deploy:
    return Deploy(service=service, commit=commit, started=at, environment=environment, source=SOURCE)


def test_what_is_told_is_read_back_by_teller_service_environment_and_time(ledger: Ledger) -> None:
    told = [
        deploy(NEW),
        deploy(OLD, NOW - timedelta(hours=1)),
        deploy(OLD, service="cart"),
        deploy(OLD, environment="x"),
    ]
    assert [ledger.deploys.tell(one, NOW) for one in told] == [True] * 4
    assert [ledger.deploys.tell(one, NOW) for one in told] == [False] * 4
    since = NOW - timedelta(hours=2)
    assert ledger.deploys.told(SOURCE, "production", "shop", since, NOW) == (told[1], told[0])
    assert ledger.deploys.told(SOURCE, "production", "shop", NOW, NOW) == (told[0],)
    assert ledger.deploys.told("Flux (webhook)", "production", "shop", since, NOW) == ()
    assert ledger.deploys.newest(SOURCE, "production", "shop", NOW) == told[0]
    assert ledger.deploys.newest(SOURCE, "production", "shop", NOW - timedelta(minutes=1)) == told[1]
    assert ledger.deploys.newest(SOURCE, "production", "shop", since) is None


def test_when_a_teller_was_last_heard(ledger: Ledger) -> None:
    assert ledger.deploys.last_received(SOURCE, "production") is None
    ledger.deploys.tell(deploy(OLD), NOW)
    ledger.deploys.tell(deploy(NEW), NOW + timedelta(hours=1))
    assert ledger.deploys.last_received(SOURCE, "production") == NOW + timedelta(hours=1)


def test_a_store_is_read_beside_its_keeper(ledger: Ledger, place: Place) -> None:
    stored = StoredDeploys(place.url, place.password)
    assert stored.newest(SOURCE, "production", "shop", NOW) is None
    ledger.deploys.tell(deploy(NEW), NOW)
    assert stored.newest(SOURCE, "production", "shop", NOW) == deploy(NEW)
    assert stored.told(SOURCE, "production", "shop", NOW, NOW) == (deploy(NEW),)
    assert stored.last_received(SOURCE, "production") == NOW
    stored.close()
    assert stored.last_received(SOURCE, "production") == NOW
    stored.close()


def test_a_store_that_is_not_there_was_told_nothing_and_is_not_made(nowhere: Place, tmp_path: Path) -> None:
    stored = StoredDeploys(nowhere.url, nowhere.password)
    assert stored.told(SOURCE, "production", "shop", NOW, NOW) == ()
    assert stored.last_received(SOURCE, "production") is None
    stored.close()
    assert list(tmp_path.iterdir()) == []
    database = nowhere.database()
    assert not database.exists()
    database.close()


def test_a_store_of_another_version_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    path.touch()
    stored = StoredDeploys(f"sqlite:///{path}")
    with pytest.raises(PermanentError, match="has schema None, and this version reads"):
        stored.newest(SOURCE, "production", "shop", NOW)
    assert path.stat().st_size == 0
