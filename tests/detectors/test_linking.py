"""What ties a change to a symptom beyond its time."""

from datetime import UTC, datetime

import pytest

from cases.anomaly import Anomaly
from cases.diagnosis import Commit
from cases.telemetry import Direction
from detectors.linking import enclosing, inert, is_value, turned
from tests.parts.nouns import an_anomaly

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def commit(patch: str, *files: str) -> Commit:
    return Commit(sha="a" * 40, at=AT, author="dev", title="Work", parents=("b" * 40,), files=files, patch=patch)


def patch(path: str, *lines: str, heading: str = "") -> str:
    body = "\n".join(lines)
    return f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,9 +1,9 @@ {heading}\n{body}\n"


def anomaly(name: str, direction: Direction = Direction.UP) -> Anomaly:
    return an_anomaly(name, direction)


@pytest.mark.parametrize(
    ("key", "old", "new", "signal", "direction", "linked"),
    [
        ("workers", 8, 2, "latency", Direction.UP, True),
        ("workers", 2, 8, "latency", Direction.UP, False),
        ("pool_size", 20, 4, "pool-waiting", Direction.UP, True),
        ("timeout_ms", 2000, 150, "errors", Direction.UP, True),
        ("timeout_ms", 150, 2000, "errors", Direction.UP, False),
        ("ttl_s", 300, 3, "cache-hits", Direction.DOWN, True),
        ("ttl_s", 300, 3, "cache-hits", Direction.UP, False),
        ("retries", 2, 20, "outgoing-calls", Direction.UP, True),
        ("page_size", 25, 5000, "latency", Direction.UP, True),
        ("keep_alive_s", 30, 35, "latency", Direction.UP, False),
    ],
)
def test_a_number_is_linked_to_what_turning_it_that_way_brings_on(
    key: str, old: int, new: int, signal: str, direction: Direction, *, linked: bool
) -> None:
    changed = commit(patch("config/app.yaml", " server:", f"-  {key}: {old}", f"+  {key}: {new}"), "config/app.yaml")
    said = turned(changed, [anomaly(signal, direction)])
    assert bool(said) is linked
    if linked:
        assert f"{key} from {old} to {new}, and {signal}" in said


def test_the_keys_around_a_value_are_its_words() -> None:
    yaml = patch("app.yaml", " cache:", "   size: 5", "-  ttl: 300", "+  ttl: 3", " search:", "   page: 25")
    assert set(enclosing(yaml)) == {"cache"}
    toml = patch("app.toml", " [search]", " page = 25", " [database]", "-pool = 20", "+pool = 4")
    assert set(enclosing(toml)) == {"database"}
    json = patch(
        "flags.json", '   "tiered-prices": {', '     "state": 1,', '-    "variant": "off"', '+    "variant": "on"'
    )
    assert {"tiered", "price"} <= set(enclosing(json))
    assert not enclosing(patch("app.py", " class Cache:", "-    ttl = 300", "+    ttl = 3"))


def test_what_nothing_calls_is_inert() -> None:
    new = ("+", "+def thanks(name):", '+    """Said."""', "+    return name")
    assert inert(commit(patch("shop/a.py", " x = 1", *new), "shop/a.py"))
    assert inert(commit(patch("tests/test_a.py", "-x = 1", "+x = 2"), "tests/test_a.py"))
    assert inert(commit(patch("shop/a.py", '-"""Old."""', '+"""New."""', "+# why"), "shop/a.py"))


def test_what_runs_is_not_inert() -> None:
    called = ("+def thanks(name):", "+    return name", "+", "+def all(names):", "+    return thanks(names)")
    decorated = ("+@app.route('/')", "+def thanks(name):", "+    return name")
    inside = (" def place(order):", "+    order = None")
    removed = ("-def thanks(name):", "-    return name")
    module = ("+thanks = 1",)
    for lines in (called, decorated, inside, removed, module):
        assert not inert(commit(patch("shop/a.py", *lines), "shop/a.py")), lines
    assert not inert(commit(patch("config/app.yaml", "+new: 1"), "config/app.yaml"))
    assert not inert(commit("", "shop/a.py"))
    assert not inert(commit(""))


def test_files_of_values_are_known_by_their_names() -> None:
    assert all(map(is_value, ("config/app.YAML", "requirements.txt", "flags/flags.json", "go.mod", "Cargo.lock")))
    assert not any(map(is_value, ("shop/a.py", "src/main.rs", "Makefile")))
