"""A bundle on disk: what is missing is empty, what is wrong is said with its place, what is big is bounded."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cases.errors import PermanentError
from daemon.commands.rank import command
from daemon.rank.bundle import read_bundle
from detectors.ranking.ranking import rank_bundle

T = "2026-03-02T09:00:00Z"
ALERT = {"service": "cart", "metric": "errors", "summary": "cart fails", "fired_at": T}


def folder(place: Path, alert: object = ALERT, **files: object) -> Path:
    (place / "alert.json").write_text(alert if isinstance(alert, str) else json.dumps(alert))
    for name, content in files.items():
        ending = {"series": "csv", "changes": "json"}.get(name, "ndjson")
        (place / f"{name}.{ending}").write_text(content if isinstance(content, str) else json.dumps(content))
    return place


def refused(place: Path, **files: object) -> str:
    with pytest.raises(PermanentError) as error:
        read_bundle(folder(place, **files))
    return str(error.value)


def test_an_alert_is_enough(tmp_path: Path) -> None:
    bundle = read_bundle(folder(tmp_path))
    assert bundle.alert.service == "cart"
    assert (bundle.series, bundle.entries, bundle.spans, bundle.commits) == ({}, (), (), ())
    assert rank_bundle(bundle).suspects


def test_empty_files_are_as_good_as_none(tmp_path: Path) -> None:
    bundle = read_bundle(folder(tmp_path, series="", logs="", spans="\n\n", changes={}))
    assert (bundle.series, bundle.entries, bundle.spans, bundle.deploys) == ({}, (), (), ())


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"alert": "[]"}, "alert.json: [] is not an object"),
        ({"alert": "{"}, "alert.json:1: it is not JSON"),
        (
            {"alert": {**ALERT, "fired_at": "2026-03-02T09:00:00"}},
            'fired_at: "2026-03-02T09:00:00" has no zone; end it with Z',
        ),
        ({"alert": {**ALERT, "fired_at": 5}}, "alert.json: fired_at: 5 is not a time"),
        ({"alert": {"service": "cart"}}, "alert.json: fired_at: it is missing; write a time"),
        ({"alert": {**ALERT, "service": []}}, "alert.json: service: [] is not text"),
        ({"series": "timestamp,service,metric\n"}, "series.csv:1: value: no column is called so; write the header"),
        (
            {"series": f"timestamp,service,metric,value\n{T},a,m,1\n{T},a,m,high\n"},
            'series.csv:3: value: "high" is no number',
        ),
        ({"series": f"timestamp,service,metric,value\n{T},a\n"}, "series.csv:2: 2 cells; every line has 4"),
        ({"series": "timestamp,service,metric,value\nsoon,a,m,1\n"}, 'series.csv:2: timestamp: "soon" is not a time'),
        ({"logs": '{"timestamp": "x"}\n'}, 'logs.ndjson:1: timestamp: "x" is not a time'),
        ({"logs": "nothing\n"}, 'logs.ndjson:1: "nothing " is not JSON; write one object a line'),
        ({"logs": "[" * 100_000}, "logs.ndjson:1: "),
        (
            {"spans": json.dumps({"trace_id": "t", "span_id": "s", "start": T, "duration_ms": "1"})},
            "spans.ndjson:1: duration_ms",
        ),
        ({"spans": json.dumps({"trace_id": "t", "span_id": "s", "start": T, "duration_ms": -1})}, "is no duration"),
        ({"changes": {"deploys": {}}}, "changes.json: deploys: {} is not a list"),
        ({"changes": {"deploys": [1]}}, "changes.json: deploys[0]: 1 is not an object"),
        ({"changes": {"deploys": [{"at": T, "service": "cart"}]}}, "changes.json: deploys[0].commit: it is missing"),
        (
            {"changes": {"commits": [{"id": "a", "at": T, "files": [3]}]}},
            "changes.json: commits[0].files: 3 is not a path",
        ),
        ({"changes": {"flags": [{"at": "now", "flag": "x"}]}}, 'changes.json: flags[0].at: "now" is not a time'),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, files: dict[str, Any], said: str) -> None:
    assert said in refused(tmp_path, **files)


def test_a_folder_that_is_none_or_has_no_alert(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(PermanentError):
            read_bundle(place)


def test_times_may_run_backwards_and_twice_and_numbers_may_be_none(tmp_path: Path) -> None:
    lines = [f"2026-03-02T09:{minute:02}:00+00:00,cart,errors,{minute}" for minute in range(59, -1, -1)]
    lines += ["2026-03-02T09:59:00Z,cart,errors,7", f"{T},cart,errors,nan", f"{T},cart,other,1e999"]
    bundle = read_bundle(folder(tmp_path, series="timestamp,service,metric,value\n" + "\n".join(lines)))
    readings = bundle.series["cart", "errors"]
    assert list(readings.values[:3]) == [1, 2, 3]  # at the first minute the last line says that there is none
    assert readings.values[-1] == 7
    assert len(bundle.series["cart", "other"].values) == 0
    assert rank_bundle(bundle).suspects


@pytest.mark.long
def test_a_hundred_thousand_lines_and_ten_megabytes_of_diff_are_bounded(tmp_path: Path) -> None:
    line = {"timestamp": T, "service": "cart", "severity": "ERROR", "message": "", "stack": "x" * 300}
    many = (json.dumps({**line, "message": f"{number:x} of {'abcdef'[number % 6] * 9}"}) for number in range(100_500))
    commit = {"id": "a" * 40, "at": T, "message": "m", "files": ["a.py"], "diff": "+x = 1\n" * 1_500_000}
    place = folder(
        tmp_path,
        logs="\n".join(many),
        changes={"commits": [commit], "deploys": [{"at": T, "service": "cart", "commit": "a" * 40}]},
    )
    began = time.process_time()
    bundle = read_bundle(place)
    ranking = rank_bundle(bundle)
    assert time.process_time() - began < 20
    assert len(bundle.entries) == 100_000
    assert len(bundle.commits[0].patch) <= 200_000
    assert ranking.suspects[0].id == "a" * 40


def test_the_command_prints_one_document_or_a_table(tmp_path: Path) -> None:
    changes = {
        "deploys": [{"at": "2026-03-02T08:55:00Z", "service": "cart", "commit": "abc"}],
        "commits": [{"id": "abc", "at": T, "message": "[bold]x"}],
    }
    place = folder(tmp_path, changes=changes)
    shown = CliRunner().invoke(command, ["--bundle", str(place), "--json"])
    assert shown.exit_code == 0
    document = json.loads(shown.output)
    assert document["verdict"] == "shortlist"
    assert document["suspects"][0]["id"] == "abc"
    assert set(document["suspects"][0]) >= {"id", "score", "evidence"}
    table = CliRunner().invoke(command, ["--bundle", str(place)])
    assert table.exit_code == 0
    assert "shortlist: abc fits best" in table.output
