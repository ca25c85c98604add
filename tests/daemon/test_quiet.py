"""What people have said beforehand is kept: maintenance opens nothing, and flapping is told once. Nothing is lost."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.moments import iso
from config.schedule import MaintenanceSettings, in_force
from daemon.app import App
from daemon.clock import ManualClock, SystemClock
from tests.faults.standing import Standing, standing
from tests.parts.prometheus import exposition, running_prometheus

MINUTE = timedelta(minutes=1)
BAD, WELL = 0.4, 0.01
WATCH = {"name": "errors", "service": "shop", "query": "errors", "harm": "up", "threshold": 0.1, "severity": "page"}


@contextmanager
def reading(folder: Path, levels: Sequence[float], **more: Any) -> Generator[tuple[Standing, App]]:  # noqa: ANN401 - keys of a configuration
    """A daemon at a real Prometheus that has these readings from now on, one a minute, after ten minutes of calm."""
    now = SystemClock().now().replace(second=0, microsecond=0)
    series = [(now + place * MINUTE, level) for place, level in enumerate([WELL] * 10 + list(levels), start=-10)]
    (folder / "prometheus").mkdir()
    text = exposition("errors", {(("service", "shop"),): [(at.timestamp(), level) for at, level in series]})
    with running_prometheus(folder / "prometheus", text + "\n# EOF\n") as prometheus:
        it = standing(folder, ManualClock(now), prometheus.url, watch=[WATCH], cycle="30s", **more)
        with it.alive() as app:
            yield it, app


def told(it: Standing) -> list[str]:
    return [subject for subject in it.subjects() if "waits" not in subject and "human" not in subject]


def test_what_comes_in_maintenance_opens_nothing_and_what_lasts_is_taken_up(tmp_path: Path) -> None:
    now = SystemClock().now().replace(second=0, microsecond=0)
    window = {"reason": "the move", "services": ["shop"], "start": iso(now), "end": iso(now + 20 * MINUTE)}
    levels = [*[BAD] * 6, *[WELL] * 6, *[BAD] * 20]
    with reading(tmp_path, levels, schedule={"maintenance": [window]}) as (it, app):
        it.passes(19)
        assert (app.ledger.cases.listed(), told(it)) == ((), [])
        assert it.counted("trackwalker_anomalies_total", {"triage": "Maintenance"}) > 5
        it.passes(2.5)
        (case,) = app.ledger.cases.listed()
        assert told(it) == ["shop: errors is up"]
        assert now + 12 * MINUTE <= case.anomaly.onset <= now + 14 * MINUTE, "what ended within the window is no news"


def test_what_flaps_is_told_once_and_is_one_case_until_it_is_quiet(tmp_path: Path) -> None:
    flap = [*[BAD] * 5, *[WELL] * 6]
    levels = [*flap * 6, *[WELL] * 30]
    with reading(tmp_path, levels, flapping={"times": 3, "within": "45m"}) as (it, app):
        it.passes(11 * 6)
        cases = app.ledger.cases.listed()
        assert len(cases) == 4
        assert [case.active for case in cases] == [True, False, False, False]
        up, back = "shop: errors is up", "shop: recovered by itself"
        assert told(it) == [up, back] * 3 + ["shop: errors is flapping"]
        said = it.told()[-1]["text"] if "flapping" in it.told()[-1]["text"] else str(it.told())
        assert "it came and recovered by itself 3 times since" in said
        assert "stays open until it was quiet for 15m" in said
        it.passes(25)
        assert not app.ledger.cases.active()
        assert told(it)[7:] == [back]


BERLIN = MaintenanceSettings.model_validate(
    {"reason": "patches", "weekly": ("sat",), "at": "22:00", "lasts": "5h", "zone": "Europe/Berlin"}
)


@pytest.mark.parametrize(
    ("at", "covered"),
    [
        ("2026-03-28T20:59:59", False),  # Saturday, winter: 21:59 in Berlin
        ("2026-03-28T21:00:00", True),
        ("2026-03-29T01:59:59", True),  # clocks went forward at 01:00 UTC; five hours are five hours
        ("2026-03-29T02:00:00", False),
        ("2026-07-04T20:00:00", True),  # summer
        ("2026-07-05T01:00:00", False),
        ("2026-07-05T20:30:00", False),  # Sunday
    ],
)
def test_a_weekly_window_is_of_its_zone_and_goes_past_midnight(at: str, *, covered: bool) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert in_force([BERLIN], "shop", now) == ("patches" if covered else "")


def test_a_window_of_other_services_is_none() -> None:
    window = BERLIN.model_copy(update={"services": ("cart",)})
    now = datetime(2026, 7, 4, 21, tzinfo=UTC)
    assert in_force([window], "shop", now) == ""
    assert in_force([window], "cart", now) == "patches"
