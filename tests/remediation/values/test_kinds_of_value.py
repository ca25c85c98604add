"""Each kind of value that trouble comes from, put back exactly as it was, in each format: unit, quotes and type."""

from collections.abc import Callable

import pytest

from remediation.values.edit import Differences, differences, put_back, read_value, set_value

POOL, TIMEOUT, RETRY = ("pool.size", "20", "2"), ("http.timeout", '"30s"', '"1s"'), ("retry.max", "3", "30")
TTL, MEMORY, CPU = (
    ("cache.ttl", '"15m"', '"15s"'),
    ("limits.memory", '"512Mi"', '"64Mi"'),
    ("limits.cpu", '"500m"', '"50m"'),
)
REPLICAS, RATIO, BACKOFF = ("replicas", "3", "1"), ("sampling.ratio", "0.5", "0.05"), ("retry.backoff", "1.5", "0.0")
BOOLEAN, EXPONENT, LONG = (
    ("cache.on", "true", "false"),
    ("limits.bytes", "1.5e6", "1.5e3"),
    ("ttl.ms", "86400000", "1000"),
)
KINDS = (POOL, TIMEOUT, RETRY, TTL, MEMORY, CPU, REPLICAS, RATIO, BACKOFF, BOOLEAN, EXPONENT, LONG)


def as_yaml(keys: list[str], value: str) -> str:
    lines = [f"{'  ' * depth}{key}:" for depth, key in enumerate(keys)]
    return "# kept\n" + "\n".join(lines) + f" {value}   # as measured\nother: 1\n"


def as_plain_yaml(keys: list[str], value: str) -> str:
    return as_yaml(keys, value.strip('"'))


def as_json(keys: list[str], value: str) -> str:
    opened = "".join(f'{{"{key}": ' for key in keys)
    return f'{{"kept": [1,2],\n  "all": {opened}{value}{"}" * len(keys)} }}\n'


def as_toml(keys: list[str], value: str) -> str:
    table = f"[all.{'.'.join(keys[:-1])}]" if keys[:-1] else "[all]"
    return f"kept = 1 # kept\n\n{table}\n{keys[-1]} = {value}  # as measured\n"


@pytest.mark.parametrize(("named", "was", "became"), KINDS)
@pytest.mark.parametrize(
    ("name", "write", "above"),
    [("v.yaml", as_yaml, ""), ("p.yml", as_plain_yaml, ""), ("v.json", as_json, ".all"), ("v.toml", as_toml, ".all")],
)
def test_it_comes_back_as_it_was_written(
    name: str, write: Callable[[list[str], str], str], above: str, named: str, was: str, became: str
) -> None:
    place = f"{above}.{named}"
    before, after = (write(named.split("."), value).encode() for value in (was, became))
    found = differences(before, after, name)
    assert isinstance(found, Differences)
    assert (len(found.changed), found.others) == (1, ())
    change = found.changed[0]
    assert put_back(after, name, {change.place: change.old}) == before
    old, new = read_value(before, name, place), read_value(after, name, place)
    assert old.kind is new.kind
    if named != EXPONENT[0]:  # readers of YAML do not agree on 1.5e6: it comes back as it was written, or not at all
        assert set_value(after, name, place, old.value) == before
