"""The shop that is experimented with: what its code asks of a real flag, and what it writes down for the queries."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from cases.measure import EVERYBODY, Measured
from config.experiments import ExposuresSettings, MeasureSettings
from daemon.clock import SystemClock
from demo.crowd import Crowd, Habit
from demo.deployment import Deployer
from demo.experiment import ASK_THE_FLAG, EXPOSURES, FILES, FLAGS, last_shown, users_who
from demo.faults import HISTORY
from demo.processes import get
from demo.repository import Git, create_repository
from remediation.experiments import flagd
from signals.measures.databases import DatabaseMeasures
from signals.sql.database import open_database

KEY = "checkout_button"
USERS = 40


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    """The shop with half of its users shown another text, and where it writes; each user leaves, or each buys."""
    folder = tmp_path_factory.mktemp("experiment")
    clock = SystemClock()
    bare = create_repository(folder / "forge", until=clock.now(), history=(*HISTORY, ASK_THE_FLAG))
    flags, record = folder / "flags.json", folder / "record.db"
    empty = (FILES / FLAGS).read_bytes()
    shown = flagd.shown(empty, KEY, control=("control", "Pay"), treated=("treated", "Buy"), share=0.5, segment={})
    flags.write_bytes(shown)
    environment = {"SHOP_FLAGS": str(flags), "SHOP_RECORD": str(record)}
    with Deployer(folder / "platform", url=str(bare), environment=environment) as platform:
        platform.deploy(Git(bare)("rev-parse", "main"))
        habits = {"Buy": Habit(leaves=0.0, cancels=1.0)}
        with Crowd(platform.port, habits, Habit(leaves=1.0, cancels=0.0), rate=100, most=USERS) as crowd:
            for _ in range(200):
                if sum(crowd.counts.get(what, 0) for what in ("left", "finished")) == USERS:
                    break
                threading.Event().wait(0.05)
            assert "unanswered" not in crowd.counts
        yield record, platform.port


def test_who_sees_which_text_and_what_they_did_is_measured(played: tuple[Path, int], tmp_path: Path) -> None:
    record, _ = played
    now = SystemClock().now()
    database = open_database(
        "record", f"sqlite:///{record}", password=None, timeout=timedelta(seconds=5), max_rows=1000
    )
    measures = DatabaseMeasures(
        {"record": database},
        exposures={"shop": ExposuresSettings(source="record", query=EXPOSURES)},
        measures={
            f"shop/{what}": MeasureSettings(signal=f"shop/{what}", source="record", kind="share", query=users_who(what))
            for what in ("left", "cancelled")
        },
        folder=tmp_path / "kept",
    )
    seen = measures.look(
        Measured(
            service="shop", flag=KEY, variants=("control", "treated"), signals=("shop/left", "shop/cancelled"),
            since=now - timedelta(minutes=5), until=now,
        )
    )  # fmt: skip
    measures.close()
    assert sum(seen.exposed.values()) == USERS
    assert min(seen.exposed.values()) > USERS / 5
    levels = {key[1:]: tally.means[0] for key, tally in seen.tallies.items() if key[0] == EVERYBODY}
    assert levels == {
        ("shop/left", "control"): 1.0,
        ("shop/left", "treated"): 0.0,
        ("shop/cancelled", "control"): 0.0,
        ("shop/cancelled", "treated"): 1.0,
    }
    assert now.timestamp() - 60 < last_shown(record, "treated") < now.timestamp()


def test_who_names_no_user_has_the_codes_own_text_and_is_not_exposed(played: tuple[Path, int]) -> None:
    record, port = played
    before = last_shown(record, "control"), last_shown(record, "treated")
    status, body = get(port, "/cart?item=tea:1")
    assert (status, json.loads(body)["button"]) == (200, "Pay")
    assert (last_shown(record, "control"), last_shown(record, "treated")) == before
