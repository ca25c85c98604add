"""The benchmark of value edits runs, and knows exact from refused."""

import importlib.util
import sys
import zipfile
from pathlib import Path
from types import ModuleType

from tests.remediation.values.files import HAND_WRITTEN

SCRIPT = Path(__file__).parents[3] / "benchmarks/value_edits.py"


def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("value_edits", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["value_edits"] = module
    spec.loader.exec_module(module)
    return module


def test_it_measures_files_of_folders_and_packages(tmp_path: Path) -> None:
    value_edits = benchmark()
    folder = tmp_path / "here"
    for name, content in HAND_WRITTEN.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "loop.yaml").write_text("a: 1\n{% for x in y %}\nb: 2\n{% endfor %}\n")  # no reader takes it
    (folder / "all.yaml").write_text("a: '{{ x }}'\n")
    (folder / "same.yaml").write_bytes(HAND_WRITTEN["prod/values.yaml"])
    archive = tmp_path / "there.whl"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("pool.yml", "pool: {size: 20}\n")
        packed.writestr("tests/other.yml", "pool: 1\n")
    files = list(value_edits.in_question(value_edits.files_of([folder], [archive])))
    answer = value_edits.measured(files, seed=1)
    assert (answer["files"], answer["exact"], answer["templates"], answer["wrong"]) == (6, 5, 1, 0)
    assert answer["share"] == 1
    assert sum(answer["ruamel"].values()) == 3
    assert value_edits.differing({"a": 1, "b": [True]}, {"a": 1.0, "b": [1]}) == 2
    assert not value_edits.one_line(b"a\nb\n", b"a\nb\nc\n")
