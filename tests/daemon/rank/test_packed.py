"""The evidence pack of incidents on disk: within its bound, with the culprit, and without what was planted."""

import json
from pathlib import Path

from click.testing import CliRunner

from benchmarks.evidence_pack import measure
from daemon.commands.rank import command


def test_it_holds_the_culprit_within_its_bound_whatever_is_written() -> None:
    for sort, figures in measure(seed=7, each=1, kinds=("exception",), large=(False,)).items():
        assert figures["tokens most"] <= figures["limit"], sort
        assert figures["culprit held"] == figures["with a culprit"] == 1, sort
        assert figures["secrets shown"] == 0, sort


def test_it_can_be_looked_at(tmp_path: Path) -> None:
    alert = {"service": "cart", "metric": "errors", "summary": "cart fails", "fired_at": "2026-03-02T09:00:00Z"}
    (tmp_path / "alert.json").write_text(json.dumps(alert))
    shown = CliRunner().invoke(command, ["--bundle", str(tmp_path), "--pack"])
    assert shown.exit_code == 0
    assert "E1: errors of cart alerts since 2026-03-02T09:00:00Z: “cart fails”" in shown.output
    read = json.loads(CliRunner().invoke(command, ["--bundle", str(tmp_path), "--pack", "--json"]).output)
    assert read["left_out"] == []
    assert read["tokens"] < 400
