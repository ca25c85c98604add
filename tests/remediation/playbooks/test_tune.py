"""Tuning a value by the operator's own rule: one line, never past the bound, never another type."""

from dataclasses import replace
from typing import Any

import pytest

from cases.anomaly import AnomalyKind
from cases.change import ChangeClass, Patch
from cases.lifecycle import opened as opened_by
from cases.ports import Forge
from remediation.drafting import CannotDraft, Drafting
from remediation.playbooks.tune import ORIGIN, tune
from tests.parts.nouns import an_anomaly, an_entry, an_opened
from tests.remediation.playbooks.ground import Ground, OneFile, a_case, a_service


def tuned(forge: Forge, **rule: Any) -> Drafting:  # noqa: ANN401 - keys of a rule
    wanted = {"file": "config/pool.yaml", "path": ".pool.size", "signal": "errors", "bound": 64, **rule}
    return tune(a_case(), 1, "shop", forge, forge.head("shop"), a_service(tune=[wanted]))


def test_one_line_of_a_real_repository_differs(there: Ground) -> None:
    there.commit("shop", "Begin", {"config/pool.yaml": b"pool:\r\n  size: 20 # x\r\n  wait: 1"}, 600)
    patch = tuned(there.forge)
    assert isinstance(patch, Patch), patch
    assert (patch.lead.added, patch.lead.removed, patch.blast_radius.lines) == (1, 1, 2)
    assert "+  size: 40 # x\r\n" in patch.lead.diff


@pytest.mark.parametrize(
    ("source", "rule", "written"),
    [
        ("20", {}, "40"),
        ("40", {}, "64"),
        ("3", {"factor": 1.5}, "5"),
        ("10", {"factor": 0.5, "bound": 4}, "5"),
        ("5", {"factor": 0.5, "bound": 4}, "4"),
        ("0.1", {"factor": 3, "bound": 1}, "0.3"),
        ("0.5", {"factor": 4, "bound": 1.5}, "1.5"),
        ('"20"', {}, '"40"'),
        ("1", {"factor": 1.2, "bound": 64}, "2"),
        ("512Mi", {"unit": "Mi", "bound": 2048}, "1024Mi"),
        ("1536Mi", {"unit": "Mi", "bound": 2048}, "2048Mi"),
        ('"30s"', {"unit": "s", "factor": 1.5, "bound": 60}, '"45s"'),
        ("1.5h", {"unit": "h", "bound": 12}, "3h"),
        ("500m", {"unit": "m", "factor": 0.5, "bound": 100}, "250m"),
    ],
)
def test_the_value_takes_one_step(source: str, rule: dict[str, float], written: str) -> None:
    text = f"pool:\n  size: {source}  # connections\n  wait: 1\n"
    patch = tuned(OneFile("config/pool.yaml", text.encode()), **rule)
    assert isinstance(patch, Patch), patch
    assert [edit.content for edit in patch.lead.edits] == [text.replace(f"{source} ", f"{written} ").encode()]
    assert patch.title == f"Tune pool.size in config/pool.yaml from {source} to {written}"
    assert (patch.kind, patch.origin, patch.blames) == (ChangeClass.CONFIGURATION, ORIGIN, None)
    assert "the operator's rule" in patch.because


@pytest.mark.parametrize(
    ("source", "rule", "said"),
    [
        ("20", {"answers": "improvement"}, "no `tune` rule of the service names the signal"),
        ("64", {}, "pool.size in config/pool.yaml is already at its bound 64: a human has to decide"),
        ("100", {}, "already at its bound 64"),
        ("4", {"factor": 0.5, "bound": 4}, "already at its bound 4"),
        ("3", {"bound": 3.5}, "no whole number left before its bound 3.5"),
        ("0", {}, "times 2 it would not be more"),
        ("-1", {}, "would not be more"),
        ("5", {"factor": 1}, "would not be less"),
        ("true", {}, "is true, which is no number"),
        ("512Mi", {}, "is 512Mi, which is no number to multiply: name its unit in the rule, as in unit: Mi"),
        ("1Gi", {"unit": "Mi", "bound": 2048}, "is 1Gi, and the rule is for a number of Mi"),
        ("512", {"unit": "Mi", "bound": 2048}, "is 512, and the rule is for a number of Mi"),
        ("1m30s", {"unit": "s", "bound": 200}, "is 1m30s, and the rule is for a number of s"),
        ("2048Mi", {"unit": "Mi", "bound": 2048}, "is already at its bound 2048"),
        ('"020"', {}, "no number"),
        ("1e3", {}, "no number"),
        ("", {}, "is nothing, which is no number"),
        ("{{ 1 }}", {}, "is a template"),
        ("20", {"path": ".pool.sizes"}, "has no pool.sizes"),
        ("20", {"file": "config/none.yaml"}, "no file config/none.yaml"),
        ("20", {"signal": "latency"}, "no `tune` rule of the service names the signal"),
    ],
)
def test_where_it_cannot_be_stepped_it_says_why(source: str, rule: dict[str, Any], said: str) -> None:
    drafted = tuned(OneFile("config/pool.yaml", f"pool:\n  size: {source}\n".encode()), **rule)
    assert isinstance(drafted, CannotDraft)
    assert said in drafted.reason


@pytest.mark.parametrize(("source", "used", "left"), [("512Mi", 100.0, 256.0), ("512Mi", 200.0, None)])
def test_what_lies_idle_is_lowered_and_half_as_much_again_as_was_ever_used_stays(
    source: str, used: float, left: float | None
) -> None:
    opened = an_opened()
    idle = replace(an_anomaly(), kind=AnomalyKind.WASTE, value=512.0, expected=used)
    case = opened_by(an_entry(replace(opened, anomaly=idle, fingerprint=idle.fingerprint)))
    rule = {"file": "deploy.yaml", "path": ".memory", "signal": "errors", "answers": "improvement", "unit": "Mi"}
    service = a_service(tune=[{**rule, "factor": 0.5, "bound": 128}])
    file = OneFile("deploy.yaml", f"memory: {source}\n".encode())
    drafting = tune(case, 1, "shop", file, file.head("shop"), service)
    if left is None:
        assert isinstance(drafting, CannotDraft)
        assert "would leave 256 of 512, and 1.5 times the 200 that were used at most stay" in drafting.reason
        return
    assert isinstance(drafting, Patch)
    assert (drafting.kind, drafting.promise.before, drafting.promise.after) == (ChangeClass.IMPROVEMENT, 512.0, left)
    assert "has 512 set aside and used at most 100 of it" in drafting.because
