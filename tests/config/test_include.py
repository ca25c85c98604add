"""One configuration of several files: joined in order, and every mistake at its own file and line."""

from pathlib import Path

import pytest
import yaml

from config.errors import ConfigError
from config.load import begin, load
from tests.parts.settings import a_document


def write(folder: Path, files: dict[str, str], **more: object) -> Path:
    """A whole configuration that includes, and the files that it includes."""
    (folder / "conf.d").mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    path = folder / "trackwalker.yaml"
    path.write_text(yaml.safe_dump({**a_document(), "include": "conf.d/*.yaml", **more}, sort_keys=False))
    return path


def watch(name: str, service: str = "shop", more: str = "") -> str:
    return f"- {{name: {name}, service: {service}, query: x{more}}}\n"


def test_lists_are_joined_in_the_order_of_names(tmp_path: Path) -> None:
    files = {"conf.d/20.yaml": "watch:\n" + watch("c"), "conf.d/10.yaml": "watch:\n" + watch("a") + watch("b")}
    settings = load(write(tmp_path, files))
    assert [signal.name for signal in settings.watched()] == ["errors", "a", "b", "c"]
    assert settings.include == ("conf.d/*.yaml",)


def test_a_list_of_patterns_takes_each_file_once(tmp_path: Path) -> None:
    files = {"conf.d/a.yaml": "watch:\n" + watch("a"), "conf.d/b.yaml": "cycle: 10s\n"}
    path = write(tmp_path, files, include=["conf.d/a.yaml", "conf.d/*.yaml"])
    settings = load(path)
    assert [signal.name for signal in settings.watched()] == ["errors", "a"]
    assert settings.cycle.total_seconds() == 10


def test_the_file_itself_is_not_included(tmp_path: Path) -> None:
    path = write(tmp_path, {"more.yaml": "watch:\n" + watch("a")}, include="*.yaml")
    assert len(load(path).watch) == 2


@pytest.mark.parametrize(
    ("included", "line", "said"),
    [
        ("watch:\n" + watch("a") + watch("b", more=", harm: sideways"), 3, 'watch[2].harm: "sideways" is not'),
        ("watch:\n" + watch("a", more=", thershold: 3"), 2, "watch[1].thershold: is not a known key; did you mean"),
        ("cycle: 5m\nforge: {token: env:T}\n", 2, "forge: forge stands in"),
        ("\nwatch: {name: a}\n", 2, "only lists are joined"),
        ("include: other.yaml\n", 1, "an included file may not include"),
        ("- a\n", 1, "the file has no keys"),
        ("a: [\n", 2, "this is not YAML"),
        ("nonsense: 1\n", 1, "nonsense: is not a known key"),
        ("watch:\n" + watch("errors"), 2, "watch[1].name: shop/errors is watch[0] already"),
        ("services:\n- {name: x, repository: nowhere}\n", 2, "services[0].repository: there is no repository named"),
    ],
)
def test_a_mistake_is_told_with_its_own_file_and_line(tmp_path: Path, included: str, line: int, said: str) -> None:
    path = write(tmp_path, {"conf.d/team.yaml": included})
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(error.value).startswith(f"{tmp_path}/conf.d/team.yaml:{line}: ")
    assert said in str(error.value)


def test_a_mistake_in_the_first_file_stays_its_own(tmp_path: Path) -> None:
    path = write(tmp_path, {"conf.d/team.yaml": "watch:\n" + watch("a")}, cycle="soon")
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(error.value).startswith(f"{path}:")
    assert "cycle" in str(error.value)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("nothing/*.yaml", "matches no file"),
        ("/etc/*.yaml", "the pattern begins elsewhere"),
        ("~/x.yaml", "the pattern begins elsewhere"),
        ("a**b", "let ** stand by itself"),
        (".", "is no pattern of files"),
        ("", "is no pattern of files"),
        (3, "is no pattern of files"),
        (["conf.d/*.yaml", None], "is no pattern of files"),
        ({"file": "x"}, "is no pattern of files"),
        ("conf.d", "matches no file"),
    ],
)
def test_a_pattern_that_cannot_work_is_refused_at_its_line(tmp_path: Path, pattern: object, said: str) -> None:
    path = write(tmp_path, {"conf.d/a.yaml": "cycle: 10s\n"}, include=pattern)
    with pytest.raises(ConfigError) as error:
        load(path)
    assert said in error.value.problem + error.value.hint
    first = next(n for n, text in enumerate(path.read_text().splitlines(), 1) if text.startswith("include"))
    assert error.value.line >= first
    assert error.value.key.startswith("include")


def test_an_included_file_is_capped_too(tmp_path: Path) -> None:
    path = write(tmp_path, {"conf.d/big.yaml": "# " + "x" * 2**20 + "\n"})
    with pytest.raises(ConfigError, match=r"big\.yaml: is larger than 1 MiB"):
        load(path)


def test_two_included_files_may_not_both_have_a_key(tmp_path: Path) -> None:
    path = write(tmp_path, {"conf.d/a.yaml": "cycle: 10s\n", "conf.d/b.yaml": "\ncycle: 20s\n"})
    with pytest.raises(ConfigError) as error:
        load(path)
    assert str(error.value).startswith(f"{tmp_path}/conf.d/b.yaml:2: cycle: cycle stands in {tmp_path}/conf.d/a.yaml:1")


def test_a_beginning_counts_without_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "trackwalker.yaml"
    path.write_text(
        "signals: {prometheus: [{name: prod, url: 'http://127.0.0.1:1'}]}\nforge: {token: env:T}\nwatch: nonsense\n"
    )
    begun = begin(path)
    assert [source.name for source in begun.settings.signals.prometheus] == ["prod"]
    assert begun.value["watch"] == "nonsense"
    path.write_text("signals: {prometheus: []}\n")
    with pytest.raises(ConfigError) as error:
        begin(path)
    assert {mistake.key for mistake in error.value.mistakes} == {"signals.prometheus", "forge"}
