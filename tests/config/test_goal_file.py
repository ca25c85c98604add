"""`outcome.yaml`: the samples load, and each broken file says all that is wrong in it, at its lines."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import jsonschema
import pytest
import yaml

from cases.errors import IllegalStep
from cases.goal import STEPS, Pursued, State, Step
from config import goal_file, schema
from config.errors import ConfigError
from tests.parts.goals import NOW, WATCHES
from tests.parts.settings import some_settings

ROOT = Path(__file__).resolve().parents[2]
BROKEN = sorted(Path(__file__).with_name("goals").glob("broken/*.yaml"))
SAMPLES = sorted((ROOT / "docs/outcomes").glob("*.yaml"))
SETTINGS = some_settings(watch=WATCHES)


def test_there_are_thirty_broken_files_and_three_samples() -> None:
    assert len(BROKEN) >= 30
    assert len(SAMPLES) == 3


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_file_says_every_mistake_and_no_other(path: Path) -> None:
    text = path.read_text()
    expected = [line.removeprefix("# expect: ") for line in text.splitlines() if line.startswith("# expect:")]
    assert expected
    with pytest.raises(ConfigError) as refused:
        goal_file.read(text, "F", NOW, SETTINGS)
    assert [line.removeprefix("F:") for line in str(refused.value).splitlines()] == expected


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_a_goal_and_fits_the_schema(path: Path) -> None:
    goal = goal_file.read(path.read_text(), path.name, NOW, SETTINGS)
    assert goal.criteria.lift <= abs(goal.target - goal.baseline)
    assert goal.met(goal.target)
    assert not goal.met(goal.baseline)
    jsonschema.validate(_plain(path), json.loads(schema.goal_text()))


def _plain(path: Path) -> dict[str, object]:
    """What the file holds, by YAML 1.2: days are text."""
    read: dict[str, object] = yaml.safe_load(path.read_text())
    return {key: str(value) if isinstance(value, date) else value for key, value in read.items()}


def test_the_schema_in_the_documentation_is_the_present_one() -> None:
    assert (ROOT / "docs/outcome.schema.json").read_text() == schema.goal_text()


@pytest.mark.parametrize("name", ["unknown_key", "no_paths", "horizon_in_words"])
def test_the_schema_refuses_what_editors_can_see(name: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(_plain(BROKEN[0].with_name(f"{name}.yaml")), json.loads(schema.goal_text()))


def test_a_signal_of_a_family_is_known_by_its_name_alone() -> None:
    families = [{"by": "app", "name": name, "query": name} for name in ("abandonment", "p95", "orders")]
    settings = some_settings(watch=families)
    text = SAMPLES[0].read_text()
    assert goal_file.read(text, "F", NOW, settings).signal == "shop/abandonment"
    with pytest.raises(ConfigError, match="no watch is named"):
        goal_file.read(text.replace("shop/abandonment", "shop/left"), "F", NOW, settings)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no such file; name the file that declares the outcome"):
        goal_file.text_in(tmp_path / "outcome.yaml")


GOAL = goal_file.read(SAMPLES[0].read_text(), "F", NOW, SETTINGS)


def test_the_last_day_is_a_whole_one() -> None:
    assert not GOAL.over(datetime(2027, 6, 30, 23, 59, tzinfo=UTC))
    assert GOAL.over(datetime(2027, 7, 1, tzinfo=UTC))


@pytest.mark.parametrize("before", State)
@pytest.mark.parametrize("after", State)
def test_each_step_is_allowed_or_refused_as_the_table_says(before: State, after: State) -> None:
    pursued = Pursued(goal=GOAL, digest="d", steps=(Step(to=before, at=NOW, by="human:a"),))
    step = Step(to=after, at=NOW, by="human:a")
    if after in STEPS[before]:
        assert pursued.after(step).state is after
    else:
        with pytest.raises(IllegalStep, match=f"is {before}, which leads to"):
            pursued.after(step)


def test_there_is_one_portfolio_from_the_first_activation_on() -> None:
    draft = Pursued(goal=GOAL, digest="d", steps=(Step(to=State.DRAFT, at=NOW, by="human:a"),))
    active = draft.after(Step(to=State.ACTIVE, at=NOW, by="human:a"))
    assert (draft.portfolio, active.portfolio) == ("", "checkout-abandonment-1")
    assert active.after(Step(to=State.ACHIEVED, at=NOW, by="daemon")).portfolio == active.portfolio
    assert not replace(GOAL, target=0.5).met(0.4)
