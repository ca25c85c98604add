"""Somebody's own hypothesis: a file with all of its parts, or every mistake at its line."""

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from cases.hypothesis import stated
from config import hypothesis_file, schema
from config.errors import ConfigError, Unusable
from config.hypothesis_form import HypothesisFile
from config.patch_paths import out_of_scope, read_patch
from config.settings import Settings
from tests.parts.ideas import GOAL, SLOW, a_shop

ROOT = Path(__file__).resolve().parents[2]
BROKEN = sorted(Path(__file__).with_name("hypotheses").glob("broken/*.yaml"))
SAMPLES = sorted((ROOT / "docs/outcomes/hypotheses").glob("*.yaml"))
PATCH, LEVER = (path.read_text() for path in SAMPLES)
GOALS = {goal.name: goal for goal in (GOAL, SLOW)}
SETTINGS = a_shop()


def read(text: str, settings: Settings = SETTINGS) -> HypothesisFile:
    return hypothesis_file.read(text, "F", GOALS, settings)


def the_patch() -> str:
    patch = read(PATCH).turn.patch
    assert patch is not None
    return patch


def test_there_are_many_broken_files_and_two_samples() -> None:
    assert len(BROKEN) >= 60
    assert len(SAMPLES) == 2


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_says_every_mistake_and_no_other(path: Path) -> None:
    text = path.read_text()
    expected = [line.removeprefix("# expect: ") for line in text.splitlines() if line.startswith("# expect:")]
    assert expected
    with pytest.raises(ConfigError) as refused:
        read(text)
    assert [line.removeprefix("F:") for line in str(refused.value).splitlines()] == expected


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_a_hypothesis_and_fits_the_schema(path: Path) -> None:
    assert read(path.read_text()).outcome == GOAL.name
    jsonschema.validate(yaml.safe_load(path.read_text()), json.loads(schema.hypothesis_text()))


def test_the_schema_in_the_documentation_is_the_present_one() -> None:
    assert (ROOT / "docs/hypothesis.schema.json").read_text() == schema.hypothesis_text()


@pytest.mark.parametrize("name", ["unknown_key", "unknown_key_below", "missing_several", "sideways", "rollout_empty"])
def test_the_schema_refuses_what_editors_can_see(name: str) -> None:
    read: object = yaml.safe_load(BROKEN[0].with_name(f"{name}.yaml").read_text())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(read, json.loads(schema.hypothesis_text()))


@pytest.mark.parametrize("key", [name for name in HypothesisFile.model_fields])  # noqa: C416 - a list of names
def test_every_part_is_required(key: str) -> None:
    document = yaml.safe_load(LEVER)
    del document[key]
    with pytest.raises(ConfigError) as refused:
        read(json.dumps(document))
    assert [mistake.key for mistake in refused.value.mistakes] == [key]
    assert refused.value.problem == "is missing"


def test_a_hypothesis_is_taken_apart() -> None:
    parts = stated(read(PATCH).hypothesis)
    assert parts is not None
    assert (parts.build, parts.audience, parts.behaviour) == (
        "Build a one-page payment form", "visitors", "finish more orders",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (a_shop(measures=[]), "nothing says how single users are measured on shop/abandonment"),
        (a_shop(services=[]), "nothing says how shop is experimented with"),
    ],
)
def test_what_cannot_be_measured_is_said(settings: Settings, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(LEVER, settings)


def test_without_any_outcome_the_way_to_one_is_said() -> None:
    with pytest.raises(ConfigError, match="declare it first: `trackwalker outcomes add FILE`"):
        hypothesis_file.read(LEVER, "F", {}, SETTINGS)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file; name the file that holds the hypothesis"):
        hypothesis_file.text_in(tmp_path / "hypothesis.yaml")


def test_a_new_file_of_text_is_read() -> None:
    patch = (
        "diff --git a/checkout/new.py b/checkout/new.py\nnew file mode 100644\nindex 0000000..9b0d1e4\n--- /dev/null\n"
        "+++ b/checkout/new.py\n@@ -0,0 +1,2 @@\n+x = 1\n+-- a/../etc\n\\ No newline at end of file\n"
    )
    found = read_patch(patch)
    assert (found.paths, found.lines, found.after) == (("checkout/new.py",), 2, "x = 1\n-- a/../etc")


def test_the_scope_of_the_configuration_holds_as_well() -> None:
    settings = a_shop(scope={"deny": ["checkout/form*"]})
    reasons = out_of_scope(("checkout/form.py",), GOAL, settings.scope, lines=1)
    assert reasons == ("checkout/form.py: denied by scope.deny (checkout/form*)",)


def mutations() -> list[str]:
    """Patches one line away from a good one: a line left out, doubled, swapped, or another one put in."""
    lines = the_patch().split("\n")
    evil = [
        "--- a/checkout/payments/card.py", "+++ b/checkout/payments/card.py", "@@ -1,1 +1,1 @@", "@@ -0,0 +1 @@", "",
        "diff --git a/search/x.py b/search/x.py", "rename to search/x.py", "+++ /dev/null", "--- /dev/null", " x", "+x",
        "--- checkout/form.py\t2026-01-01", "+++ b/checkout/form.py\t(new)", "\\ No newline at end of file",
    ]  # fmt: skip
    found = ["\n".join([*lines[:n], *lines[n + 1 :]]) for n in range(len(lines))]
    found += ["\n".join([*lines[:n], lines[n], *lines[n:]]) for n in range(len(lines))]
    found += ["\n".join([*lines[:n], line, *lines[n:]]) for n in range(len(lines)) for line in evil]
    return found + ["\n".join([*lines[:n], line, *lines[n + 1 :]]) for n in range(len(lines)) for line in evil]


def test_git_finds_no_other_file_in_a_patch_that_is_taken(tmp_path: Path) -> None:
    taken = refused = 0
    for patch in [the_patch(), *mutations()]:
        try:
            found = read_patch(patch)
        except Unusable:
            refused += 1
            continue
        taken += 1
        told = subprocess.run(
            ["git", "apply", "--numstat", "-z"],
            input=patch.encode(),
            capture_output=True,
            cwd=tmp_path,
            check=False,
        )
        if told.returncode == 0:
            names = [row.split(b"\t")[2].decode() for row in told.stdout.split(b"\0")[:-1]]
            assert names == list(found.paths), patch
            assert not told.stderr
    assert taken > 5
    assert refused > 300
