"""The reference page has every key, its examples load, its links lead somewhere, and the one checked in is fresh."""

import re
from pathlib import Path
from textwrap import dedent

import pytest
import yaml
from click.testing import CliRunner

from config.examples import EXAMPLES
from config.load import load
from config.reference import page, parts
from config.schema import schema
from daemon.main import trackwalker
from tests.parts.settings import a_document

ROOT = Path(__file__).parents[2]
LEAST = {
    **a_document(),
    "repositories": [{"name": "shop", "url": "https://github.com/acme/shop.git", "full_name": "acme/shop"}],
    "forge": {"token": "env:GITHUB_TOKEN"},
}


def test_the_one_that_is_checked_in_is_fresh() -> None:
    kept = (ROOT / "docs" / "config.md").read_text()
    assert kept == page(), "renew it: trackwalker config reference > docs/config.md"


def test_the_command_prints_it() -> None:
    assert CliRunner().invoke(trackwalker, ["config", "reference"]).output == page()


def test_every_group_has_a_section_and_every_key_a_row() -> None:
    whole, text = schema(), page()
    listed = parts(whole)
    assert len(listed) == len(whole["$defs"]) + 1
    for part in listed:
        for name, field in part.group["properties"].items():
            rows = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
            assert rows, f"{part.name}.{name}"
            assert any(re.split(r"[`*<|]", field["description"])[0] in row for row in rows)


def test_there_is_an_example_a_section_and_no_other() -> None:
    assert {part.name for part in parts(schema())} == set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_loads_and_is_about_its_section(tmp_path: Path, name: str) -> None:
    text = dedent(EXAMPLES[name])
    example = yaml.safe_load(text)
    path = tmp_path / "trackwalker.yaml"
    path.write_text(yaml.safe_dump(LEAST | example))
    load(path)
    for key in re.findall(r"\w+", name.replace(" with ", ".")):
        assert key in text


def test_every_link_leads_to_a_heading() -> None:
    text = page()
    headings = [line.lstrip("#").strip() for line in text.splitlines() if line.startswith("##")]
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = set(re.findall(r"\]\(#([^)]+)\)", text))
    assert len(anchors) == len(headings)
    assert links
    assert links <= anchors


def test_a_table_has_four_cells_a_row() -> None:
    rows = [line for line in page().splitlines() if line.startswith("|")]
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {6}
