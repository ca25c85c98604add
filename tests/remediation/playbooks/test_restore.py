"""Putting values back: only what the suspect changed, only while it stands, and never a secret."""

from cases.change import ChangeClass, Patch
from cases.telemetry import Direction
from remediation.drafting import CannotDraft, Drafting
from remediation.playbooks.restore import ORIGIN, restore, touched
from tests.parts.hub import Entry
from tests.remediation.playbooks.ground import Ground, a_case, a_service

CONFIG = b"# the pool\r\npool:\r\n  size: 20  # measured\r\n  wait_s: 1.5\r\nlog: info\r\nkeep: 'a'"
SMALL = CONFIG.replace(b"20", b"2")


def restored(there: Ground, sha: str) -> Drafting:
    suspect = there.suspect(sha)
    head = there.forge.head("shop")
    return restore(a_case(suspect), 1, "shop", suspect.commit, there.forge, head, a_service())


def a_patch(drafted: Drafting) -> Patch:
    assert isinstance(drafted, Patch), drafted
    return drafted


def a_reason(drafted: Drafting) -> str:
    assert isinstance(drafted, CannotDraft), drafted
    return drafted.reason


def changed_lines(patch: Patch) -> list[str]:
    lines = [line for part in patch.parts for line in part.diff.splitlines()]
    return [line for line in lines if line[:1] in "+-" and line[:3] not in {"+++", "---"}]


def test_a_value_comes_back_and_nothing_else(there: Ground) -> None:
    there.commit("shop", "Begin", {"config/app.yaml": CONFIG}, 600)
    culprit = there.commit("shop", "Save memory", {"config/app.yaml": SMALL}, 10)
    patch = a_patch(restored(there, culprit))
    assert patch.title == f"Restore pool.size to 20 in config/app.yaml (2 since {culprit[:10]})"
    assert (patch.kind, patch.origin) == (ChangeClass.CONFIGURATION, ORIGIN)
    assert [edit.content for edit in patch.lead.edits] == [CONFIG]
    assert len(changed_lines(patch)) == 2
    assert (patch.blames, patch.inverse_of) == (culprit, culprit)
    assert patch.because == (f"pool.size in config/app.yaml was 20 until {culprit[:10]} and is 2 since (E3)")
    assert (patch.promise.signal, patch.promise.direction) == ("shop/errors", Direction.DOWN)
    assert (patch.promise.before, patch.promise.after) == (0.31, 0.01)
    assert (patch.blast_radius.files, patch.blast_radius.lines) == (1, 2)


def test_lines_beside_it_may_have_changed_since_where_a_revert_conflicts(there: Ground) -> None:
    there.commit("shop", "Begin", {"config/app.yaml": CONFIG}, 600)
    culprit = there.commit("shop", "Save memory", {"config/app.yaml": SMALL}, 10)
    later = SMALL.replace(b"measured", b"guessed").replace(b"1.5", b"3")
    head = there.commit("shop", "Wait longer", {"config/app.yaml": later}, 8)
    there.forge.head("shop")
    assert there.forge.revert("shop", head, culprit).conflicts
    patch = a_patch(restored(there, culprit))
    assert [edit.content for edit in patch.lead.edits] == [later.replace(b": 2 ", b": 20 ")]
    assert patch.inverse_of is None
    assert patch.blames == culprit


def test_code_of_the_same_commit_stays_and_is_named(there: Ground) -> None:
    there.commit("shop", "Begin", {"config/app.yaml": CONFIG, "shop/a.py": b"a = 1\n"}, 600)
    culprit = there.commit("shop", "Save memory", {"config/app.yaml": SMALL, "shop/a.py": b"a = 2\n"}, 10)
    patch = a_patch(restored(there, culprit))
    assert patch.lead.paths == ("config/app.yaml",)
    assert f"What else {culprit[:10]} did stays: shop/a.py." in patch.summary
    assert patch.inverse_of is None


def test_what_somebody_changed_again_is_left(there: Ground) -> None:
    there.commit("shop", "Begin", {"config/app.yaml": CONFIG}, 600)
    culprit = there.commit("shop", "Save", {"config/app.yaml": SMALL.replace(b"1.5", b"9.0")}, 10)
    there.commit("shop", "More", {"config/app.yaml": SMALL.replace(b"1.5", b"9.0").replace(b": 2 ", b": 5 ")}, 8)
    patch = a_patch(restored(there, culprit))
    assert patch.title.startswith("Restore pool.wait_s to 1.5 in config/app.yaml (9.0 since")
    assert "pool.size in config/app.yaml was changed again since" in patch.summary
    assert patch.inverse_of is None
    there.commit("shop", "Even more", {"config/app.yaml": CONFIG.replace(b"1.5", b"7")}, 7)
    reason = a_reason(restored(there, culprit))
    assert "pool.size in config/app.yaml is 20 again already" in reason
    assert "pool.wait_s in config/app.yaml was changed again since" in reason
    there.commit("shop", "Away", {"config/app.yaml": None}, 6)
    assert "is gone with its file" in a_reason(restored(there, culprit))


def test_secrets_are_never_put_back_nor_shown(there: Ground) -> None:
    before = b"db: {password: hunter2, pool: 20}\n"
    there.commit("shop", "Begin", {"config/db.yaml": before}, 600)
    culprit = there.commit("shop", "Rotate", {"config/db.yaml": before.replace(b"hunter2", b"hunter3")}, 10)
    reason = a_reason(restored(there, culprit))
    assert "db.password in config/db.yaml looks like a secret" in reason
    assert "hunter" not in reason


def test_three_values_in_three_files_and_not_a_fourth(there: Ground) -> None:
    files = {"a.json": b'{"n": 1}', "b.toml": b"n = 1\n", "c.yaml": b"n: 1\n", "d.yaml": b"n: 1\n"}
    there.commit("shop", "Begin", {**files}, 600)
    three = {path: text.replace(b"1", b"2") for path, text in list(files.items())[:3]}
    culprit = there.commit("shop", "Three", {**three}, 10)
    patch = a_patch(restored(there, culprit))
    assert patch.title == f"Restore 3 values in 3 files (changed by {culprit[:10]})"
    assert sorted(patch.lead.paths) == ["a.json", "b.toml", "c.yaml"]
    four = there.commit("shop", "Four", {path: text.replace(b"1", b"3") for path, text in files.items()}, 9)
    assert "changed 4 values, more than the 3" in a_reason(restored(there, four))


def test_an_anchor_counts_once(there: Ground) -> None:
    text = b"a: &n 20\nb: *n\n"
    there.commit("shop", "Begin", {"c.yaml": text}, 600)
    culprit = there.commit("shop", "Less", {"c.yaml": text.replace(b"20", b"2")}, 10)
    patch = a_patch(restored(there, culprit))
    assert [edit.content for edit in patch.lead.edits] == [text]
    assert patch.inverse_of == culprit


def test_a_file_that_can_be_run_stays_so(there: Ground) -> None:
    there.commit("shop", "Begin", {"c.yaml": Entry(content=b"n: 20\n", mode="100755")}, 600)
    sha = there.commit("shop", "Less", {"c.yaml": Entry(content=b"n: 2\n", mode="100755")}, 10)
    patch = a_patch(restored(there, sha))
    assert "mode" not in patch.lead.diff
    assert patch.inverse_of == sha


def test_what_changed_no_value_is_no_restoring(there: Ground) -> None:
    culprit = there.commit("shop", "Begin", {"x": b""}, 600)
    steps = (b"n: 1\n", b"n: 1\nm: 2\n", b"n: 1 # why\nm: 2\n", b"n: {{ 1 }}\n", b"n: {{ 2 }}\n")
    for step in steps:
        culprit = there.commit("shop", "Change", {"c.yaml": step}, 10)
        assert touched(there.forge, "shop", there.known("shop", culprit)).values == ()
    assert "changed no value of a configuration file" in a_reason(restored(there, culprit))


def test_a_first_commit_has_nothing_to_go_back_to(there: Ground) -> None:
    sha = there.commit("shop", "Begin", {"c.yaml": b"n: 1\n"}, 600)
    assert touched(there.forge, "shop", there.known("shop", sha)).values == ()
