"""Values in files: found at their place, written in their style, and refused where the meaning is not certain."""

import pytest

from remediation.values.edit import Changed, Differences, NotComparable, differences, put_back, read_value, set_value
from remediation.values.nodes import Kind, Plain
from remediation.values.place import Place
from remediation.values.refused import NotEditable
from remediation.values.sensitive import sensitive
from tests.remediation.values.files import COMPOSE, HELM, KUBERNETES, PACKAGE, PYPROJECT

CONTAINER = "Deployment/prod/shop:.spec.template.spec.containers[0]"


@pytest.mark.parametrize(
    ("text", "name", "place", "kind", "value"),
    [
        (KUBERNETES, "a.yaml", "Deployment/prod/shop:.spec.replicas", Kind.INTEGER, 3),
        (KUBERNETES, "a.yaml", f"{CONTAINER}.env[1].value", Kind.STRING, "2.5"),
        (KUBERNETES, "a.yaml", f"{CONTAINER}.args[1]", Kind.STRING, "4"),
        (KUBERNETES, "a.yaml", 'ConfigMap//shop:.data."app.yaml"', Kind.STRING, None),
        (KUBERNETES, "a.yaml", 'Deployment/prod/shop:.metadata.labels."app.kubernetes.io/name"', Kind.STRING, "shop"),
        (HELM, "a.yml", ".image.tag", Kind.STRING, "sha-1a2b3c4"),
        (HELM, "a.yml", ".extra", Kind.NOTHING, None),
        (COMPOSE, "a.yaml", ".services.shop.environment.DEBUG", Kind.UNCLEAR, "no"),
        (PYPROJECT, "a.toml", ".tool.shop.pool.size", Kind.INTEGER, 1000),
        (PYPROJECT, "a.toml", '.tool.shop."time.outs".read."first byte"', Kind.NUMBER, 1.0),
        (PYPROJECT, "a.toml", ".tool.shop.routes[1].weight", Kind.INTEGER, 2),
        (PACKAGE, "a.json", ".config.hosts[1]", Kind.STRING, "bé"),
    ],
)
def test_a_value_is_found_at_its_place(text: bytes, name: str, place: str, kind: Kind, value: Plain) -> None:
    found = read_value(text, name, place)
    assert found.kind is kind
    if not found.refusal:
        assert found.value == value


@pytest.mark.parametrize(
    ("source", "new", "written"),
    [
        ("20", 30, "30"), ('"20"', "30", '"30"'), ("'20'", "30", "'30'"), ("shop", "20", '"20"'),
        ("shop", "1234e56", '"1234e56"'), ("shop", "0755", '"0755"'), ("shop", "yes", '"yes"'),
        ("shop", "12:30", '"12:30"'), ("shop", "2026-01-01", '"2026-01-01"'), ("shop", "a: b", '"a: b"'),
        ("shop", "a:b/c@d", "a:b/c@d"), ("'x'", "it's", "'it''s'"), ('"x"', 'a"\\b', '"a\\"\\\\b"'),
        ("0.5", 2, "2.0"), ("0.5", 1e22, "1.0e+22"), ("0x1F", 32, "0x20"), ("true", False, "false"),
        ("True", False, "False"), ("yes", False, "no"), ("OFF", True, "ON"), ("&a 20", 30, "&a 30"),
    ],
)  # fmt: skip
def test_a_new_value_keeps_the_style_and_the_type(source: str, new: Plain, written: str) -> None:
    text = f"a: 1\nb: {source}  # why\nc: x".encode()
    assert set_value(text, "a.yaml", ".b", new) == f"a: 1\nb: {written}  # why\nc: x".encode()


@pytest.mark.parametrize(
    ("source", "new", "said"),
    [
        ("20", "30", "is an integer and stays that"), ("20", 2.5, "an integer"), ("20", True, "an integer"),
        ('"20"', 30, "is a string and stays that"), ("0755", 7, "0755 is not the same plain value to every reader"),
        ("0o755", 7, "not the same plain value"), ("1_000", 7, "not the same plain value"),
        ("1e3", 7, "not the same plain value"), ("2026-01-01", "x", "not the same plain value"),
        ("y", "x", "not the same plain value"), ("", 7, "holds nothing now"), ("~", "x", "holds nothing now"),
        ("!!str 20", "x", "has a tag"), ("!vault x", "x", "has a tag"), ("|\n  x", "y", "is a block of lines"),
        ('"x\n  y"', "y", "goes over several lines"), ("x\n  y", "z", "goes over several lines"),
        ("[1]", 2, "is a list, not a value"), ("{c: 1}", 2, "is a group of keys, not a value"),
        ("x", "y\nz", "more than one line"), ("'{{ x }}'", "y", "is made by a template"),
        ("20", 20, "has that value already"),
    ],
)  # fmt: skip
def test_what_is_not_certain_is_refused(source: str, new: Plain, said: str) -> None:
    with pytest.raises(NotEditable, match=said):
        set_value(f"a: 1\nb: {source}\nc: x\n".encode(), "a.yaml", ".b", new)


@pytest.mark.parametrize(
    ("text", "name", "place", "said"),
    [
        (b"a: {{ .Values.a }}\nb: 1\n", "a.yaml", ".b", "is a template"),
        (b"{{- if .x }}\nb: 1\n{{- end }}\n", "a.yaml", ".b", "is a template"),
        (b"image: shop:{{ .tag }}\nb: 1\n", "a.yaml", ".b", "is a template"),
        (b"{% if x %}\nb: 1\n{% endif %}\n", "a.yaml", ".b", "is a template"),
        (b'a: "{{ .x }}"\nb: 1\n', "chart/templates/a.yaml", ".b", "is a template"),
        (b"b: 1\n", "a.yaml.j2", ".b", "is a template"),
        (b"b: 1\n", "a.ini", ".b", "no YAML, TOML or JSON"),
        (b"b: 1\nb: 2\n", "a.yaml", ".b", "'b' twice"),
        (b'{"b": 1, "b": 2}', "a.json", ".b", "'b' twice"),
        (b'{"b": NaN}', "a.json", ".b", "NaN"),
        (b'{"b": 1 /* x */}', "a.json", ".b", "not readable as JSON"),
        (b"b = 1\nb = 2\n", "a.toml", ".b", "not readable as TOML"),
        (b"b: [1\n", "a.yaml", ".b", "not readable as YAML"),
        (b"b: \xff\n", "a.yaml", ".b", "not UTF-8"),
        (b"", "a.yaml", ".b", "is empty"),
        (b"b: &a [*a]\n", "a.yaml", ".b", "contains itself"),
        (b"[" * 5000, "a.json", ".b", "nested too deeply|not readable as JSON"),  # Python 3.13 reads deeper
        (b"b:\n  " + b"- " * 2000, "a.yaml", ".b", "nested too deeply"),
        (b"b: " + b"9" * 5000, "a.yaml", ".c", "has no c"),
        (KUBERNETES, "a.yaml", ".spec.replicas", "3 documents: say which one"),
        (KUBERNETES, "a.yaml", "Deployment/test/shop:.spec.replicas", "holds no Deployment/test/shop; it holds"),
        (KUBERNETES + b"---\nkind: Service\nmetadata: {name: shop, namespace: prod}\n", "a.yaml",
         "Service/prod/shop:.kind", "2 times"),
        (COMPOSE, "a.yaml", ".services.shop.mem_limit", "merge key"),
        (COMPOSE, "a.yaml", ".services.shop.environment.SPARE", "would change services.shop.environment.POOL_SIZE"),
        (HELM, "a.yaml", ".image.repository.x", "nothing is below it"),
        (HELM, "a.yaml", ".image[0]", "group of keys, not a list"),
        (PACKAGE, "a.json", ".config.hosts[7]", "a list of 2"),
        (HELM, "a.yaml", "image.tag", "is not a place"),
    ],
)  # fmt: skip
def test_files_and_places_that_cannot_be_edited_say_why(text: bytes, name: str, place: str, said: str) -> None:
    with pytest.raises(NotEditable, match=said):
        set_value(text, name, place, 7)


def test_nine_lines_that_come_to_a_billion_values_are_refused() -> None:
    lines = [b"a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 10)]
    with pytest.raises(NotEditable, match="more than 20000 values"):
        read_value(b"\n".join(lines), "a.yaml", ".a0[0]")


def test_what_a_merge_key_spreads_is_refused() -> None:
    with pytest.raises(NotEditable, match=r"changing it would change services\.shop\.<<\.mem_limit as well"):
        set_value(COMPOSE, "a.yaml", ".x-limits.mem_limit", "1g")


def test_an_anchor_is_changed_where_every_place_is_meant() -> None:
    places = [Place.parse(f".services.shop.environment.{key}") for key in ("POOL_SIZE", "SPARE")]
    two = read_value(b"x: 2\n", "x.yaml", ".x")
    edited = put_back(COMPOSE, "a.yaml", dict.fromkeys(places, two))
    assert edited == COMPOSE.replace(b"&size 20", b"&size 2")


def test_a_value_goes_back_as_it_was_written() -> None:
    for before, after in ((b"a: 0755\n", b"a: 1\n"), (b"a: yes\n", b"a: false\n"), (b"a: '1e3'\n", b"a: 1000\n")):
        old = read_value(before, "a.yaml", ".a")
        assert put_back(after, "a.yaml", {Place(keys=("a",)): old}) == before
    nothing = read_value(b"a:\n", "a.yaml", ".a")
    assert put_back(b"a: 20\n", "a.yaml", {Place(keys=("a",)): nothing}) == b"a: null\n"
    assert (
        put_back(b"a:\nb: 1\n", "a.yaml", {Place(keys=("a",)): read_value(b"a: 20", "a.yaml", ".a")})
        == b"a: 20\nb: 1\n"
    )
    with pytest.raises(NotEditable, match="cannot be changed by itself"):
        put_back(b"[x, {a: 1}]\n", "a.yaml", {Place(keys=(1, "a")): read_value(b"a: b, c", "a.yaml", ".a")})


def test_differences_are_by_meaning() -> None:
    same = HELM.replace(b"replicaCount: 2", b"replicaCount:   2 # more").replace(b'"true"', b"'true'")
    assert differences(HELM, same, "a.yaml") == Differences(changed=())
    found = differences(KUBERNETES, KUBERNETES.replace(b'"20"', b'"2"').replace(b": 3 ", b": 4 "), "a.yaml")
    assert isinstance(found, Differences)
    assert [(str(change.place), change.old.source, change.new.source) for change in found.changed] == [
        ("Deployment/prod/shop:.spec.replicas", "3", "4"),
        (f"{CONTAINER}.env[0].value", '"20"', '"2"'),
    ]
    assert found.others == ()


@pytest.mark.parametrize(
    ("old", "new", "others"),
    [
        (b"a: 1\n", b"a: 1\nb: 2\n", ("b was added",)),
        (b"a: 1\nb: 2\n", b"a: 1\n", ("b was removed",)),
        (b"a: [1]\n", b"a: [1, 2]\n", ("the list a has 2 entries instead of 1",)),
        (b"a: [1]\n", b"a: 1\n", ("a is something else",)),
        (b"a: !x {b: 1}\n", b"a: !y {b: 1}\n", ("a is something else",)),
        (KUBERNETES, KUBERNETES.split(b"---")[0], ("Service/prod/shop was removed", "ConfigMap//shop was removed")),
    ],
)
def test_what_is_more_than_a_value_is_named(old: bytes, new: bytes, others: tuple[str, ...]) -> None:
    assert differences(old, new, "a.yaml") == Differences(changed=(), others=others)


def test_what_cannot_be_read_cannot_be_compared() -> None:
    found = differences(HELM, b"a: [", "a.yaml")
    assert isinstance(found, NotComparable)
    assert "not readable as YAML" in found.reason


def test_a_number_and_its_text_are_two_things() -> None:
    for old, new in ((b"a: 20\n", b'a: "20"\n'), (b"a: 1\n", b"a: true\n"), (b"a: 1\n", b"a: 1.0\n")):
        found = differences(old, new, "a.yaml")
        assert isinstance(found, Differences)
        assert [type(change) for change in found.changed] == [Changed]


@pytest.mark.parametrize(
    ("place", "value", "secret"),
    [
        (".db.password", "x", True), (".apiKey", "x", True), (".API_KEY", "x", True), (".auth.clientSecret", "x", True),
        (".access-token", "x", True), (".privateKey", "x", True), ("Secret/prod/shop:.data.x", "eA==", True),
        (".url", "postgresql://u:p@db/x", True), (".x", "ghp_" + "a" * 36, True), (".x", "-----BEGIN KEY-----", True),
        (".max_tokens", "4096", False), (".pool.size", "20", False), (".image.tag", "sha-1a2b3c4", False),
        (".keyspace", "shop", False), (".cache.key", "shop", False), (".url", "https://shop.example/x", False),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret(place: str, value: str, secret: bool) -> None:  # noqa: FBT001 - pytest's parameter
    scalar = read_value(f'x: "{value}"'.encode(), "a.yaml", ".x")
    assert sensitive(Place.parse(place), scalar) is secret
