"""Shapes of code: what a change's own lines do, against what a signal shows; and what only looks like it."""

from dataclasses import replace

import pytest

from cases.diagnosis import Commit
from cases.telemetry import Direction
from detectors.shapes import shaped
from tests.parts.nouns import a_commit, an_anomaly

EVICTS = ("-        while len(self._kept) > 5:", "-            self._kept.pop(next(iter(self._kept)))")
ASKED = ("-    stock = store.stock_of([item.id for item in found])",)


def commit(*lines: str, path: str = "shop/cache.py") -> Commit:
    body = "\n".join(lines)
    patch = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -10,9 +10,9 @@\n{body}\n"
    return replace(a_commit(), files=(path,), patch=patch)


@pytest.mark.parametrize(
    ("lines", "signal", "said"),
    [
        (EVICTS, "memory", "takes out what let go of _kept in shop/cache.py, and memory rose"),
        (("-    del held[key]", "+    pass"), "process_resident_memory_bytes", "takes out what let go of held"),
        (("-    file.close()",), "open_fds", "takes out what let go of file"),
        (("+_seen = []", "+    _seen.append(words)"), "memory", "keeps what it puts into _seen"),
        (("+_seen: dict[str, int] = {}", "+    _seen[words[0]] = 1"), "heap", "keeps what it puts into _seen"),
        (("+        self.log = deque()", "+        self.log.append(x)"), "rss", "keeps what it puts into log"),
        (
            (*ASKED, "+    stock = [store.stock(item.id) for item in found]"),
            "db-queries",
            "calls store.stock() for each",
        ),
        ((*ASKED, "+    for item in found:", "+        stock |= ask(item)"), "db-queries", "calls ask() for each"),
    ],
)
def test_it_does_what_the_signal_shows(lines: tuple[str, ...], signal: str, said: str) -> None:
    assert said in shaped(commit(*lines), (an_anomaly(signal),))


@pytest.mark.parametrize(
    ("lines", "signal", "path"),
    [
        (EVICTS, "errors", "shop/cache.py"),
        (EVICTS, "memory", "tests/test_cache.py"),
        (("-    held.pop(first)", "+    held.pop(last)"), "memory", "shop/cache.py"),
        (("-    self.held.pop(first)", "+    del self.held[first]"), "memory", "shop/cache.py"),
        (("-    held.pop(first)", "+    kept.pop(first)"), "memory", "shop/cache.py"),
        (("+_seen = []", "+    _seen.append(x)", "+    _seen.pop(0)"), "memory", "shop/cache.py"),
        (("+    found = []", "+    found.append(x)"), "memory", "shop/cache.py"),  # it ends with its call
        (("+_names = []",), "memory", "shop/cache.py"),
        (("+    rows = [row.total(row.net) for row in rows]",), "db-queries", "shop/cache.py"),
        ((*ASKED, "+    stock = [str(item) for item in found]"), "db-queries", "shop/cache.py"),
        ((*ASKED, "+    stock = [store.stock(item.id) for item in found]"), "db-queries", "shop/cache.js"),
        (("+    for item in (", "+ def", "-  f(("), "db-queries", "shop/cache.py"),
    ],
)
def test_what_says_nothing_links_to_nothing(lines: tuple[str, ...], signal: str, path: str) -> None:
    assert shaped(commit(*lines, path=path), (an_anomaly(signal),)) == ""
    assert shaped(commit(*EVICTS), (an_anomaly("memory", Direction.DOWN),)) == ""
