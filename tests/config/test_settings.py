"""Every setting says what it is; the schema of the file can be generated."""

from typing import Any

import pytest
from pydantic import ValidationError

from config import (
    access,
    alerts,
    analytics,
    deploys,
    experiments,
    models,
    remedies,
    repositories,
    running,
    services,
    settings,
    sources,
    watches,
)
from config.duration import format as written
from config.section import Section
from config.settings import JudgementSettings, Settings

MODULES = (
    access, alerts, analytics, deploys, experiments, models,
    remedies, repositories, running, services, settings, sources, watches,
)  # fmt: skip

SECTIONS = sorted(
    {
        kind
        for module in MODULES
        for kind in vars(module).values()
        if isinstance(kind, type)
        and issubclass(kind, Section)
        and kind is not Section
        and not kind.__name__.startswith("_")
    },
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_field_says_what_it_does(section: type[Section]) -> None:
    assert section.model_fields
    assert [name for name, field in section.model_fields.items() if not (field.description or "").endswith(".")] == []


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_every_section_is_a_public_name_of_settings(section: type[Section]) -> None:
    assert section.__name__ in settings.__all__
    assert section is getattr(settings, section.__name__)


def test_the_schema_speaks_the_language_of_the_file() -> None:
    schema: dict[str, Any] = Settings.model_json_schema()
    assert schema["properties"]["cycle"]["pattern"] == "^[0-9]+(ms|s|m|h|d)$"
    assert False is schema["additionalProperties"]
    assert schema["required"] == ["signals", "watch", "repositories", "forge"]
    assert schema["$defs"]["ForgeSettings"]["properties"]["token"]["anyOf"][0]["pattern"] == "^(env|file|cmd):.+$"


def test_settings_do_not_change() -> None:
    judgement = JudgementSettings()
    with pytest.raises(ValidationError, match="frozen"):
        judgement.alpha = 0.5  # pyright: ignore[reportAttributeAccessIssue] - that is the test
    assert written(judgement.window) == "7d"
