"""What `trackwalker check` finds out of product analytics: each source is asked, each watch of it read."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.connector import GROUP
from daemon.clock import SystemClock
from daemon.exits import DONE, FOUND, UNREACHABLE
from daemon.preflight.sources import Reached, findings
from tests.parts.analytics import SECRET, Vendors, some_vendors
from tests.parts.connected import KINDS, LOADS, written
from tests.parts.plug_in import CONNECTOR, installed
from tests.parts.settings import some_settings


def checked(vendors: Vendors, folder: Path, *kinds: str) -> dict[tuple[str, str], tuple[int, str]]:
    """The rows of the table for a source of each kind, and a watch of each."""
    signals: dict[str, Any] = {"prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}]}
    for kind in kinds:
        signals[kind] = [{**written(kind, vendors.url, folder, **LOADS[kind]), "name": f"{kind}-visits"}]
    watch = [
        {"name": kind, "service": "shop", "source": f"{kind}-visits", "harm": "down", "threshold": 5} for kind in kinds
    ]
    settings = some_settings(signals=signals, watch=watch)
    found = findings(settings, SystemClock(), Reached())
    return {(finding.system, finding.asked): (finding.status, finding.said) for finding in found}


def test_each_kind_is_asked_and_read(tmp_path: Path) -> None:
    plug_in = installed(tmp_path / "loads", {"loads": CONNECTOR}, {"loads": "loads:Loads"}, GROUP)
    with some_vendors() as vendors, plug_in:
        today = SystemClock().now().date()
        vendors.given["web"] = {today - n * timedelta(days=1): 42.0 for n in range(40)}
        rows = checked(vendors, tmp_path, *KINDS)
    assert [rows[f"source {kind}-visits", "answers"][0] for kind in KINDS] == [DONE] * len(KINDS)
    assert {rows[f"watch shop/{kind}", "has fresh readings"] for kind in KINDS} == {(DONE, "1 series, reads 42")}


@pytest.mark.parametrize(
    ("fails", "status", "said"),
    [
        ((401, {"X-Id": "1"}, "no"), FOUND, "check auth.basic.password (file:"),
        ((503, {"Retry-After": "60"}, "no"), UNREACHABLE, "answered 503"),
    ],
    ids=["credentials", "away"],
)
def test_a_source_in_trouble_is_found(
    fails: tuple[int, dict[str, str], object], status: int, said: str, tmp_path: Path
) -> None:
    with some_vendors() as vendors:
        vendors.fails = [fails, fails]
        rows = checked(vendors, tmp_path, "mixpanel")
    found = rows["source mixpanel-visits", "answers"]
    assert status == found[0]
    assert said in found[1]
    assert SECRET not in found[1]
