"""What the operator decides: `config/shop.yaml`."""

from dataclasses import dataclass, fields
from pathlib import Path

DEFAULT = Path(__file__).parents[1] / "config" / "shop.yaml"


class BadSettings(ValueError):
    """The file cannot be used; the message names the line."""


@dataclass(frozen=True)
class Settings:
    """The numbers of `config/shop.yaml`, whose comments say what they mean."""

    pool_size: int
    timeout_ms: int
    cache_ttl_s: int


def read(text: str) -> Settings:
    """Read flat YAML: `key: whole number`, with comments. Unknown, missing and odd keys are refused."""
    known = {field.name for field in fields(Settings)}
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        statement = line.partition("#")[0].strip()
        if not statement:
            continue
        key, colon, value = (part.strip() for part in statement.partition(":"))
        if not colon or key not in known or not value.isdigit():
            raise BadSettings(f"line {number}: {statement!r} is not one of {sorted(known)} with a whole number")
        found[key] = int(value)
    if missing := known - found.keys():
        raise BadSettings(f"missing: {', '.join(sorted(missing))}")
    return Settings(**found)


def load(path: Path = DEFAULT) -> Settings:
    """Read the settings file."""
    return read(path.read_text())
