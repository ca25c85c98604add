"""`trackwalker backtest` from outside: CSV files and a real Prometheus in, JSON and one HTML file out."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from cases.errors import PermanentError
from cases.telemetry import Floats
from daemon.backtest.closeup import MOST_CLOSE
from daemon.backtest.tables import read_table
from daemon.clock import SystemClock
from daemon.commands.backtest import command
from tests.detectors.series import START, noise
from tests.parts.prometheus import exposition, running_prometheus
from tests.parts.settings import a_document

FIRST_S = int(START.timestamp())


def backtest(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-P", "-c", "from daemon.main import main; main()", "backtest", *words]
    return subprocess.run(
        line, cwd=folder, env={**os.environ, "TOKEN": "made-up"}, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip


def a_file(path: Path, columns: dict[str, "np.ndarray[Any, np.dtype[np.float64]]"]) -> Path:
    rows = zip(*columns.values(), strict=True)
    body = [
        f"{FIRST_S + 60 * n}," + ",".join("" if np.isnan(value) else f"{value:.4f}" for value in row)
        for n, row in enumerate(rows)
    ]
    header = ",".join(["timestamp", *(f'"{name}"' for name in columns)])
    path.write_text("\n".join([header, *body]) + "\n")
    return path


HOSTILE = "<script>alert(1)</script>&<img src=x>"


class Tags(HTMLParser):
    """Collects what a browser would act on, and sees that what is opened is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def sound(page: str) -> Tags:
    """The page's tags: each closed, each id once, each picture with a title and a description, each number finite."""
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    ids = [attributes["id"] for _, attributes in tags.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    pictures = [attributes for tag, attributes in tags.tags if tag == "svg"]
    assert all(set((picture["aria-labelledby"] or "").split()) <= set(ids) for picture in pictures)
    assert not any(re.search(r"nan|inf", value or "") for _, a in tags.tags for key, value in a.items() if key == "d")
    return tags


def test_a_file_becomes_anomalies_cases_and_one_harmless_page(tmp_path: Path) -> None:
    quiet, bad = 10 + noise(1, 900), 10 + noise(2, 900)
    bad[600:650] += 30
    bad[100:110] = np.nan
    a_file(tmp_path / "shop.csv", {"quiet": quiet, HOSTILE: bad})
    ended = backtest("--csv", "shop.csv", "--json", "--html", "out.html", folder=tmp_path)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert (found["series"], found["points"]) == (2, 1790)
    assert found["cpu_seconds"] >= 0
    (anomaly,) = found["anomalies"]
    assert anomaly["series"] == HOSTILE
    assert set(anomaly) == {
        "series", "detector", "start", "end", "detected_at", "score", "direction", "value", "expected",
    }  # fmt: skip
    assert (anomaly["detector"], anomaly["direction"]) == ("seasonal", "up")
    assert (anomaly["start"], anomaly["detected_at"], anomaly["end"]) == (
        "2026-03-01T10:00:00Z", "2026-03-01T10:02:00Z", "2026-03-01T10:49:00Z",
    )  # fmt: skip
    (case,) = found["cases"]
    assert (case["service"], case["opened"], case["series"]) == ("shop", "2026-03-01T10:02:00Z", [HOSTILE])

    page = (tmp_path / "out.html").read_text()
    tags = sound(page)
    assert page.count('class="told"') == page.count('class="onset"') == 1
    assert "told after 2 min: " in page
    names = {tag for tag, _ in tags.tags}
    assert not names & {"script", "img", "link", "iframe", "object"}
    assert {"svg", "details", "table"} <= names
    assert not any(name in {"href", "src", "onclick"} for _, attributes in tags.tags for name in attributes)
    assert "http://" not in page
    assert "https://" not in page
    assert "prefers-color-scheme:dark" in page
    assert page.count("&lt;script&gt;alert(1)") >= 2
    assert not re.search(r"\bnan\b", re.sub(r"<title>.*?</title>", "", page))


def test_more_anomalies_than_can_be_drawn_are_counted(tmp_path: Path) -> None:
    columns = {f"queue {n}": 10 + noise(n, 2000) for n in range(24)}
    for n, values in enumerate(columns.values()):
        for first in (700 + 7 * n, 1200 + 11 * n, 1700 + 5 * n):
            values[first : first + 8] += 60
    a_file(tmp_path / "shop.csv", columns)
    words = ["--csv", str(tmp_path / "shop.csv"), "--html", str(tmp_path / "out.html"), "--json"]
    ended = CliRunner().invoke(command, words)
    count = len(json.loads(ended.stdout)["anomalies"])
    page = (tmp_path / "out.html").read_text()
    sound(page)
    assert page.count('class="told"') == MOST_CLOSE < count
    assert f"{count - MOST_CLOSE} more are left out" in page


GRID = FIRST_S + 60 * np.arange(600.0)


@pytest.mark.parametrize(
    ("times", "values"),
    [
        pytest.param(GRID[:10], 10 + noise(1, 10), id="ten points"),
        pytest.param(GRID[:1], noise(1, 1), id="one point"),
        pytest.param(GRID, np.full(600, 5.0), id="a constant"),
        pytest.param(GRID, np.full(600, 1e308), id="a huge constant"),
        pytest.param(GRID, np.where(np.arange(600) % 2, 1e308, -1e308), id="all that a float can span"),
        pytest.param(GRID, np.where(np.arange(600) > 400, 1e308, -1e308), id="a step over all of it"),
        pytest.param(GRID, np.where(np.arange(600) > 500, 1e308, noise(1, 600)), id="a huge step"),
        pytest.param(GRID, np.where(np.arange(600) % 5, noise(1, 600), np.inf), id="infinities"),
        pytest.param(GRID, 1e-310 * noise(1, 600), id="next to nothing"),
        pytest.param(GRID, np.full(600, np.nan), id="nothing"),
        pytest.param(np.delete(GRID, slice(200, 400)), noise(1, 400), id="a gap"),
        pytest.param(
            np.concatenate([GRID[:300], GRID[300] + 300 * np.arange(200.0), GRID[300] + 60_007 + 7 * np.arange(100.0)]),
            noise(1, 600), id="three steps",
        ),
        pytest.param(FIRST_S + 0.0005 * np.arange(600.0), noise(1, 600), id="within one second"),
    ],
)  # fmt: skip
def test_awkward_numbers_give_a_defined_document_and_page(tmp_path: Path, times: Floats, values: Floats) -> None:
    rows = [f"{time!r},{value!r}" for time, value in zip(times.tolist(), values.tolist(), strict=True)]
    (tmp_path / "shop.csv").write_text("\n".join(["timestamp,a", *rows]) + "\n")
    words = ["--csv", str(tmp_path / "shop.csv"), "--html", str(tmp_path / "out.html"), "--json"]
    ended = CliRunner().invoke(command, words)
    assert ended.exit_code == 0, ended.output
    found = json.loads(ended.stdout, parse_constant=refused)
    assert found["points"] == np.isfinite(values).sum()
    assert all(0 <= anomaly["score"] <= 1 for anomaly in found["anomalies"])
    sound((tmp_path / "out.html").read_text())


def refused(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_people_get_a_table(tmp_path: Path) -> None:
    values = 10 + noise(3, 400)
    a_file(tmp_path / "shop.csv", {"orders": values})
    ended = CliRunner().invoke(command, ["--csv", str(tmp_path / "shop.csv")])
    assert ended.exit_code == 0
    assert "1 series, 400 readings, 0 anomalies, 0 cases" in ended.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; its first line names the columns"),
        ("time,a\n1,2\n", ":1: the first column is called 'time'; it must be 'timestamp'"),
        ("timestamp\n1\n", ":1: there is no column beside 'timestamp'"),
        ("timestamp,a,a\n", ":1: column 3 is the second that is called 'a'"),
        ("timestamp,,a\n", ":1: column 2 has no name"),
        ("timestamp,a\n", ":1: a header and no readings"),
        ("timestamp,a\n1,2\n3\n", ":3: 1 cells where the header has 2 columns"),
        ("timestamp,a\n1,2\n2,two\n", ":3: column 'a': 'two' is not a number"),
        ("timestamp,a\n2,2\n1,2\n", ":3: column 'timestamp': '1' is before the line above it; sort the file"),
        ("timestamp,a\n2,2\n2,2\n", ":3: column 'timestamp': '2' is there twice"),
        ("timestamp,a\nnoon,2\n", ":2: column 'timestamp': 'noon' is no time"),
        ("timestamp,a\n1772323200000,2\n", "are they milliseconds?"),
        ("timestamp,a\n-5,2\n", "is no number of seconds since 1970"),
        ("timestamp,a\n0001-01-01T00:00:00Z,2\n", "is before 1970"),
        ("timestamp,a\n9999-12-31T23:59:59-14:00,2\n", "in no year of ours"),
        ("timestamp,a\n0,1\n99999999999,2\n", "spans 3169 years, from its first line to its last: is one time wrong?"),
        ("timestamp,a\n1;2\n", ":2: column 'timestamp': '1;2' is no time"),
        ('timestamp,a\n1,"1,5"\n', ":2: column 'a': '1,5' is not a number"),
        (
            "timestamp,a\n2026-01-01T00:00:00Z,1\n2026-01-01T00:01:00,1\n",
            ":3: column 'timestamp': '2026-01-01T00:01:00' is a time without a zone; the lines before it are with",
        ),
        (
            "timestamp,a\n2026-01-01T00:00:00Z,1\n1767225700,1\n",
            ":3: column 'timestamp': '1767225700' is a time in epoch",
        ),
    ],
)
def test_a_wrong_file_is_refused_at_its_line_and_column(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "shop.csv"
    path.write_text(text)
    with pytest.raises(PermanentError) as refused:
        read_table(path)
    assert said in str(refused.value)
    assert str(path) in str(refused.value)


def test_what_is_no_text_or_not_there_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "picture.csv").write_bytes(b"\x89PNG\r\n\xff\xfe")
    with pytest.raises(PermanentError, match="is not text in UTF-8"):
        read_table(tmp_path / "picture.csv")
    with pytest.raises(PermanentError, match="cannot be read: No such file"):
        read_table(tmp_path / "missing.csv")


def test_times_are_read_in_all_usual_forms(tmp_path: Path) -> None:
    path = tmp_path / "shop.csv"
    path.write_text("\ufefftimestamp,a,b\r\n2026-03-01T00:00:00Z,1,\r\n2026-03-01 02:01:00+02:00,NaN,2e3\r\n\r\n")
    table = read_table(path)
    assert table.times.tolist() == [FIRST_S * 1000, FIRST_S * 1000 + 60_000]
    assert np.array_equal(table.values, [[1, np.nan], [np.nan, 2000]], equal_nan=True)
    path.write_text("timestamp,a\n2026-03-01T00:00:00,1\n")
    assert read_table(path).times.tolist() == [FIRST_S * 1000]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--loop", "--csv", "a.csv"), "files name no repository"),
        (("--trial",), "--trial goes with --loop"),
        (("--csv",), "--csv needs the files"),
        (("shop.csv",), "write --csv before the files"),
        (("--csv", "a.csv", "--since", "7d"), "leave --config and --since out"),
        (("--since", "week"), "is not a duration"),
        (("--since", "500d"), "--since takes 1m to 400d"),
    ],
)
def test_bad_use_is_refused(words: tuple[str, ...], said: str) -> None:
    ended = CliRunner().invoke(command, list(words))
    assert ended.exit_code == 2
    assert said in ended.output


def test_a_prometheus_is_read_as_the_daemon_reads_it(tmp_path: Path) -> None:
    now = SystemClock().now()
    end = int(now.timestamp()) // 60 * 60
    minutes = 30 * 60  # a day and a quarter of history
    samples = {
        (("route", route),): [
            (float(end - 60 * (minutes - n)), 10 + float(drawn) + (30 if route == "/cart" and n >= minutes - 90 else 0))
            for n, drawn in enumerate(noise(seed, minutes))
        ]
        for seed, route in enumerate(("/cart", "/home"))
    }
    (tmp_path / "prometheus").mkdir()
    with running_prometheus(tmp_path / "prometheus", exposition("errors", samples) + "\n# EOF\n") as prometheus:
        document = a_document(
            signals={"prometheus": [{"name": "main", "url": prometheus.url}]},
            watch=[{"name": "errors", "service": "shop", "query": "errors", "harm": "up", "absence": "all"}],
            detection={"history": "2d"},
        )
        (tmp_path / "trackwalker.yaml").write_text(json.dumps(document))
        ended = backtest("--since", "2h", "--json", folder=tmp_path)
        assert ended.returncode == 0, ended.stderr
        found = json.loads(ended.stdout)
        assert found["series"] == 2
        assert [a["series"] for a in found["anomalies"]] == ['shop/errors{route="/cart"}']
        assert [case["signal"] for case in found["cases"]] == ["errors"]
        assert found["remarks"] == ["readings that stop are not looked for over the past"]
        assert found["alerts"]["compared"] is False
        assert "evaluates no alerting rules" in found["alerts"]["because"]
        assert "fired" not in found["alerts"]
        prometheus.stop()
        away = backtest("--since", "2h", "--json", folder=tmp_path)
        assert away.returncode == 3
        assert "refuses connections" in away.stderr
