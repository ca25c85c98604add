"""`trackwalker judge` from outside: one series, many lines, and whatever else is put in."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cases.errors import PermanentError
from cases.telemetry import Floats
from daemon.judging import asked_of, verdicts
from tests.inference.test_watching import AFTER, BEFORE, STEP, anomalous, stepped, weeks

FIRST_S = 1_700_000_000
DEPLOY_S = FIRST_S + BEFORE * 600
TIMES = [FIRST_S + 600 * place for place in range(BEFORE + AFTER)]


def judge(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-P", "-c", "from daemon.main import main; main()", "judge", *words]
    return subprocess.run(program, input=given, capture_output=True, text=True, check=False, timeout=60)


def line(values: Floats | list[float], **more: object) -> dict[str, Any]:
    return {"id": "a", "times": TIMES, "values": [float(value) for value in values], "deploy": DEPLOY_S, **more}


def test_many_lines_are_answered_in_their_order_with_their_names() -> None:
    lines = [
        line(weeks(1), id="quiet", controls=[], anomaly=None),
        line(stepped(1, 5.0), id="harm"),
        line(anomalous(1), id=7, anomaly=[DEPLOY_S - 21_600, None], unattended=[400_000] * 5),
        line(anomalous(1), id="unknown", anomaly=[DEPLOY_S - 21_600, DEPLOY_S]),
    ]
    ran = judge("--jsonl", given="".join(json.dumps(one) + "\n" for one in lines))
    assert (ran.returncode, ran.stderr) == (0, "")
    told = [json.loads(answer) for answer in ran.stdout.splitlines()]
    assert [(one["id"], one["verdict"]) for one in told] == [
        ("quiet", "inconclusive"), ("harm", "harmful"), (7, "worked"), ("unknown", "inconclusive"),
    ]  # fmt: skip
    harm = told[1]
    assert harm["first_action_at"] == harm["decided_at"]
    assert harm["interval"][0] < harm["effect"] < harm["interval"][1]
    assert harm["evidence"] >= 100
    assert told[0]["decided_at"] is None
    assert told[2]["first_action_at"] is None
    assert "recovered, not attributable" in told[3]["because"]


def test_harm_that_is_seen_after_two_days_is_a_humans() -> None:
    asked = line(stepped(4, 8.0), deploy=DEPLOY_S - 3 * 86_400)
    (told,) = verdicts([json.dumps(asked)], {})
    assert told["verdict"] == "harmful"
    assert told["decided_at"] is not None
    assert told["first_action_at"] is None


WRONG = [
    ("nonsense", "this is not JSON"),
    ("[1]", "each line is one object"),
    ('{"id": 1}', "times: a list of numbers is needed"),
    ('{"times": [1, 2, "x"], "values": [1, 2, 3], "deploy": 2}', "times: each of its entries"),
    ('{"times": [1, 2, 3], "values": [1, 2], "deploy": 2}', "3 readings each"),
    ('{"times": [1, 2, 3], "values": [1, "2", 3], "deploy": 2}', "values: each of its entries"),
    ('{"times": [1, 3, 2], "values": [1, 2, 3], "deploy": 2}', "they must ascend"),
    ('{"times": [1, 2, 3], "values": [1, 2, 3], "deploy": 20}', "outside the series"),
    ('{"times": [1, 2, 3], "values": [1, 2, 3], "deploy": "now"}', "deploy: epoch seconds"),
    ('{"times": [1, 2, 3], "values": [1, 2, 3], "deploy": 2, "harm": "left"}', "harm: up or down"),
    ('{"times": [1, 2, 3], "values": [1, 2, 3], "deploy": 2, "kind": "sum"}', "kind: gauge, count"),
    ('{"times": [1, 2, 3], "values": [1, 2, 3], "deploy": 2, "alpha": 2}', "alpha must lie"),
    ('{"times": [1, 2, 3], "values": [1, 2, 3], "deploy": 2, "margin": -1}', "margin: a number above 0"),
    ('{"times": [1, 2, 3], "values": [1, 2, 3], "deploy": 2, "anomaly": [1]}', "its start and its end"),
    ('{"times": [1, 2, 3], "values": [1, 2, 3], "deploy": 2, "anomaly": [2.5, null]}', "begins after the deploy"),
    ('{"times": [1e15, 2e15], "values": [1, 2], "deploy": 2e15}', "milliseconds"),
    ('{"times": [[1], [2]], "values": [1, 2], "deploy": 2}', "times: each of its entries"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_a_line_that_cannot_be_judged_says_why_and_is_no_pass(text: str, words: str) -> None:
    (told,) = verdicts([text], {})
    assert told["verdict"] == "inconclusive"
    assert words in told["error"]


def test_readings_that_are_no_numbers_are_missing_ones() -> None:
    values: list[Any] = [float(value) for value in stepped(2, 6.0)]
    values[5], values[50], values[51] = None, 1e308, float("inf")
    (told,) = verdicts([json.dumps(line([0.0]) | {"values": values})], {})
    assert told["verdict"] == "harmful"
    nothing = json.dumps({"times": TIMES, "values": [None] * len(TIMES), "deploy": DEPLOY_S})
    (told,) = verdicts([nothing], {})
    assert told["verdict"] == "inconclusive"
    with pytest.raises(PermanentError, match="values"):
        asked_of({"times": [1], "values": [{}], "deploy": 1})


def test_one_series_is_read_from_a_file_with_its_controls(tmp_path: Path) -> None:
    rows = zip(TIMES, stepped(3, 5.0), weeks(11), strict=True)
    table = tmp_path / "latency.csv"
    table.write_text("timestamp,shop,search\n" + "".join(f"{t},{a},{b}\n" for t, a, b in rows))
    asked = ("--series", str(table), "--deploy", str(DEPLOY_S), "--controls", "search")
    ran = judge(*asked, "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["verdict"] == "harmful"
    assert "1 control series" in told["settings"]
    assert {"effect", "interval", "evidence", "decided_at", "first_action_at"} <= set(told)
    spoken = judge(*asked)
    assert spoken.stdout.startswith("harmful: worse than the usual")


def test_bad_use_is_one_clear_message(tmp_path: Path) -> None:
    table = tmp_path / "two.csv"
    table.write_text("timestamp,a,b\n1700000000,1,2\n1700000060,1,x\n")
    for words, message in (
        ((), "needed: --series F.csv --deploy TIME, or --jsonl"),
        (("--series", str(table), "--deploy", "1700000030"), "'x'"),
        (("--series", str(tmp_path / "none.csv"), "--deploy", "1700000030"), "cannot be read"),
        (("--jsonl", "--series", str(table)), "standard input"),
    ):
        ran = judge(*words)
        assert ran.returncode == 2
        assert message in ran.stderr
        assert "Traceback" not in ran.stderr


assert STEP == 600_000.0  # what TIMES rests on
