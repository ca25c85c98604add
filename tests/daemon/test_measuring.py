"""From a configuration to figures of users, and what is loaded for it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cases.errors import PermanentError
from daemon.measuring import measures_of
from tests.parts.exposing import EVENTS, EXPOSURES, WANTED, did, in_sqlite, saw
from tests.parts.settings import some_settings

LEAST = """
import sys, tempfile
from pathlib import Path
from tests.parts.settings import some_settings
from daemon.measuring import measures_of
"""


def experimenting(url: str) -> dict[str, Any]:
    """What a configuration says besides."""
    return {
        "signals": {
            "prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}],
            "sql": [{"name": "db", "url": url, "query": "select 1 as value"}],
        },
        "watch": [{"name": "sales", "service": "shop", "query": "sales", "harm": "down"}],
        "measures": [{"signal": "shop/sales", "source": "db", "kind": "mean", "query": EVENTS.format("sales")}],
        "services": [
            {
                "name": "shop",
                "repository": "shop",
                "experiments": {
                    "flagd": {"file": "config/flags.json"},
                    "exposures": {"source": "db", "query": EXPOSURES},
                },
            }
        ],
    }


def test_a_service_that_is_experimented_with_is_measured(tmp_path: Path) -> None:
    shop = in_sqlite(tmp_path)
    shop.expose(saw("a", "control", 1), saw("b", "treated", 2))
    shop.happen(did("b", 3, 5))
    measures = measures_of(some_settings(**experimenting(shop.url)), tmp_path / "home")
    assert measures is not None
    assert not (tmp_path / "home").exists()
    users = measures.look(WANTED)
    assert users.exposed == {"control": 1, "treated": 1}
    assert users.tallies["", "shop/sales", "treated"].means == (5,)
    assert len(list((tmp_path / "home" / "measures").iterdir())) == 1


def test_nothing_is_built_where_nothing_is_tried(tmp_path: Path) -> None:
    assert measures_of(some_settings(), tmp_path) is None


def test_nothing_is_loaded_before_the_first_look(tmp_path: Path) -> None:
    script = f"""{LEAST}
settings = some_settings(**{experimenting(f"sqlite:///{tmp_path}/shop.db")!r})
assert measures_of(settings, Path({str(tmp_path)!r})) is not None
heavy = {{"duckdb", "sqlalchemy", "scipy"}} & sys.modules.keys()
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_missing_duckdb_is_said_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("signals.measures.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    measures = measures_of(some_settings(**experimenting(f"sqlite:///{tmp_path}/shop.db")), tmp_path)
    assert measures is not None
    with pytest.raises(PermanentError, match=r"install trackwalker\[duckdb\]"):
        measures.look(WANTED)
