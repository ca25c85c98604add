"""One value changed in each of many real configuration files: how often one line differs, and by meaning only it.

    python benchmarks/value_edits.py [FOLDER ...] [--pypi NAME ...] [--npm NAME ...] [--most 1500] [--seed 1] [--json]

Files are what people wrote: of the folders, and of packages that are downloaded for this run and removed after it.
Generated and test-data files are left out by name. One file of a kind counts once, whatever copies there are.

A file is in question when an independent reader (libyaml, `json`, `tomllib`) reads it and finds a value in it. One of
those that stand on one line of the file is drawn, as only there one line can differ. `remediation.values` changes it,
and the file is read again by the independent reader: exact is one changed line and one changed value, of the same type,
and the change undone byte for byte.
Everything else is short of it: refused with a reason, or wrong. Templates ({{ … }}) are refused on purpose: they are
counted, and are no part of the share. Beside it, ruamel.yaml sets the same value in the same
YAML files and writes them again, with quotes kept and no line broken.
"""

import argparse
import hashlib
import io
import json
import random
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from remediation.values.edit import parsed, put_back, set_value  # noqa: E402 - after the path
from remediation.values.nodes import Kind, Scalar, scalars  # noqa: E402
from remediation.values.place import Place  # noqa: E402
from remediation.values.refused import NotEditable  # noqa: E402

ENDS = (".yaml", ".yml", ".json", ".toml")
LARGEST = 128 * 1024  # what the product reads of YAML
LEFT_OUT = re.compile(
    r"(^|/)(tests?|fixtures?|testdata|snapshots?|__snapshots__|locales?|i18n|translations)/|\.min\.|lock"
)
TEMPLATE = re.compile(r"\{\{|\{%|\{#")
NAMES = {("kind",), ("metadata", "name"), ("metadata", "namespace")}  # by these a document is known
KINDS = {Kind.STRING, Kind.BOOLEAN, Kind.INTEGER, Kind.NUMBER}


def files_of(folders: Sequence[Path], archives: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    """Path and content of each file in question, each content once."""
    seen: set[bytes] = set()
    for name, content in (*_on_disk(folders), *_packed(archives)):
        digest = hashlib.sha256(content).digest()
        if digest not in seen and 0 < len(content) <= LARGEST:
            seen.add(digest)
            yield name, content


def _on_disk(folders: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.suffix in ENDS and not LEFT_OUT.search(name.lower()) and path.is_file() and not path.is_symlink():
                yield f"{folder.name}/{name}", path.read_bytes()


def _packed(archives: Sequence[Path]) -> Iterator[tuple[str, bytes]]:
    for archive in archives:
        for name, content in _wheel(archive) if archive.suffix in {".whl", ".zip"} else _tarball(archive):
            if name.endswith(ENDS) and not LEFT_OUT.search(name.lower()):
                yield f"{archive.name}/{name}", content


def _wheel(archive: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as packed:
        for entry in packed.infolist():
            if entry.filename.endswith(ENDS) and entry.file_size <= LARGEST:
                yield entry.filename, packed.read(entry)


def _tarball(archive: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(archive) as packed:
        for entry in packed:
            if entry.isfile() and entry.name.endswith(ENDS) and entry.size <= LARGEST:
                found = packed.extractfile(entry)
                yield entry.name, found.read() if found else b""


def downloaded(folder: Path, pypi: Sequence[str], npm: Sequence[str]) -> list[Path]:
    """The packages, fetched by the registries' own clients."""
    for name in pypi:
        words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":none:", name]
        client = words if _has_pip() else ["pip", *words[3:]]
        subprocess.run([*client, "--dest", str(folder)], check=True)
    for name in npm:
        subprocess.run(["npm", "pack", "--silent", name], check=True, cwd=folder, stdout=subprocess.DEVNULL)
    return sorted(path for path in folder.iterdir() if path.suffix in {".whl", ".zip", ".gz", ".tgz"})


def _has_pip() -> bool:
    return subprocess.run([sys.executable, "-m", "pip", "--version"], check=False, capture_output=True).returncode == 0


def read(name: str, content: bytes) -> list[Any]:
    """The documents of a file, as an independent reader has them. Raises whatever it raises."""
    text = content.decode("utf-8-sig")
    if name.endswith(".json"):
        return [json.loads(text)]
    if name.endswith(".toml"):
        return [tomllib.loads(text)]
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document is not None]


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:  # noqa: ANN401 - any file
    """Every value that fits on a line, with its place."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from leaves(below, (*at, key))
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from leaves(below, (*at, number))
    elif isinstance(value, bool | int | float) or (isinstance(value, str) and "\n" not in value):
        yield at, value


def differing(old: Any, new: Any) -> int:  # noqa: ANN401 - any file
    """How many leaves differ by value or type; a structure that differs counts as many."""
    if isinstance(old, dict) and isinstance(new, dict) and list(old) == list(new):
        return sum(differing(old[key], new[key]) for key in old)
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return sum(differing(a, b) for a, b in zip(old, new, strict=True))
    if isinstance(old, dict | list) or isinstance(new, dict | list):
        return 100
    same = type(old) is type(new) and (old == new or old != old)  # noqa: PLR0124 - not-a-number is not itself
    return 0 if same else 1


def one_line(before: bytes, after: bytes) -> bool:
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return len(old) == len(new) and sum(a != b for a, b in zip(old, new, strict=True)) == 1


def another(scalar: Scalar) -> Any:  # noqa: ANN401 - any value
    """A value of the same kind that is not the one that is there."""
    if scalar.kind is Kind.STRING:
        return f"{str(scalar.value)[:40].strip('{}%#') or 'x'}2" if scalar.value else "x"
    return not scalar.value if isinstance(scalar.value, bool) else abs(scalar.value or 0) * 2 + 1  # type: ignore[arg-type]


def drawn(choice: random.Random, name: str, content: bytes) -> tuple[Place, Scalar]:
    """One value of the file. Raises NotEditable where the file, or all of its values, are refused."""
    found = [(place, s) for place, s in scalars(parsed(content, name)) if s.kind in KINDS and place.keys not in NAMES]
    if not found:
        raise NotEditable("holds no value of a plain kind")
    plain = [pair for pair in found if not TEMPLATE.search(pair[1].source) and len(pair[1].source.splitlines()) < 2]
    if not plain:
        raise NotEditable("is a template or a text over several lines, value for value")
    return choice.choice(plain)


def edited(name: str, content: bytes, place: Place, scalar: Scalar) -> str:
    """`exact`, or what is wrong or refused."""
    try:
        after = set_value(content, name, place, another(scalar))
    except NotEditable as refused:
        return f"refused: {_reason(str(refused))}"
    if not one_line(content, after):
        return "wrong: more than one line"
    if sum(differing(a, b) for a, b in zip(read(name, content), read(name, after), strict=True)) != 1:
        return "wrong: more than one value"
    return "exact" if put_back(after, name, {place: scalar}) == content else "wrong: it does not come back"


def _reason(said: str) -> str:
    known = (
        "is a template", "made by a template", "read as a template", "is too large", "twice", "an anchor", "a tag (!)",
        "is a block of lines", "goes over several lines", "not readable", "more than one line or a hidden", "merge key",
        "no value of a plain kind", "cannot be changed by itself", "a key that is not a word", "holds the same",
        "comes to",
    )  # fmt: skip
    return next((words for words in known if words in said), said[:80])


def by_ruamel(content: bytes, place: Place, documents: Sequence[str], new: Any) -> bool:  # noqa: ANN401 - any value
    """Whether ruamel's round trip sets the value with one line that differs."""
    from ruamel.yaml import YAML

    rt = YAML(typ="rt")
    rt.preserve_quotes, rt.width = True, 1_000_000
    loaded = list(rt.load_all(content.decode("utf-8-sig")))
    node = loaded[documents.index(place.document) if len(documents) > 1 else 0]
    for key in place.keys[:-1]:
        node = node[key]
    node[place.keys[-1]] = new
    out = io.BytesIO()
    rt.dump_all(loaded, out)
    return one_line(content, out.getvalue())


def measured(files: Sequence[tuple[str, bytes]], seed: int) -> dict[str, Any]:
    choice = random.Random(seed)  # noqa: S311 - a draw, no secret
    told: Counter[str] = Counter()
    of_kind: Counter[str] = Counter()
    examples: dict[str, str] = {}
    ruamel: Counter[str] = Counter()
    ours_s = theirs_s = 0.0
    for name, content in files:
        began = time.process_time()
        try:
            place, scalar = drawn(choice, name, content)
            answer = edited(name, content, place, scalar)
        except NotEditable as refused:
            place, scalar, answer = None, None, f"refused: {_reason(str(refused))}"
        took = time.process_time() - began
        told[answer] += 1
        of_kind[f"{name.rpartition('.')[2]} {answer.partition(':')[0]}"] += 1
        examples.setdefault(answer, f"{name} {place.shown if place else ''}")
        if not name.endswith((".yaml", ".yml")) or place is None or scalar is None:
            continue
        ours_s += took
        began = time.process_time()
        outcome = "failed"
        with suppress(Exception):  # whatever it raises is a file that it does not do
            documents = [document.name for document in parsed(content, name).documents]
            outcome = "one line" if by_ruamel(content, place, documents, another(scalar)) else "more than one line"
        theirs_s += time.process_time() - began
        ruamel[outcome] += 1
    templates = sum(n for answer, n in told.items() if "template" in answer)
    exact, wrong = told["exact"], sum(n for answer, n in told.items() if answer.startswith("wrong"))
    return {
        "files": len(files),
        "exact": exact,
        "templates": templates,
        "share": exact / max(1, len(files) - templates),
        "share_of_attempted": exact / max(1, exact + wrong),
        "wrong": wrong,
        "answers": dict(told.most_common()),
        "by_kind": dict(sorted(of_kind.items())),
        "examples": {answer: place for answer, place in examples.items() if answer != "exact"},
        "ruamel": dict(ruamel),
        "cpu_seconds_on_yaml": {"ours, with the independent reading": round(ours_s, 2), "ruamel": round(theirs_s, 2)},
    }


def in_question(found: Iterator[tuple[str, bytes]]) -> Iterator[tuple[str, bytes]]:
    """The files that an independent reader reads, and finds a value in."""
    for name, content in found:
        with suppress(Exception):  # it is no file of its format: nobody is asked to edit it
            if any(True for document in read(name, content) for _ in leaves(document)):
                yield name, content


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--pypi", nargs="*", default=[])
    parser.add_argument("--npm", nargs="*", default=[])
    parser.add_argument("--most", type=int, default=1500, help="files of each of the three formats")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="trackwalker-files-"))
    try:
        archives = downloaded(folder, given.pypi, given.npm)
        every = list(files_of(given.folders, archives))
        random.Random(given.seed).shuffle(every)  # noqa: S311 - a draw, no secret
        chosen: list[tuple[str, bytes]] = []
        for ends in ((".yaml", ".yml"), (".json",), (".toml",)):
            of_format = in_question(pair for pair in every if pair[0].endswith(ends))
            chosen += [pair for pair, _ in zip(of_format, range(given.most), strict=False)]
        answer = measured(chosen, given.seed)
    finally:
        shutil.rmtree(folder)
    if given.json:
        print(json.dumps(answer, indent=2))
        return
    asked = answer["files"] - answer["templates"]
    print(f"{answer['exact']} of {asked} files exact ({answer['share']:.2%}), {answer['wrong']} wrong", end="; ")
    print(f"{answer['templates']} more are templates")
    for row, count in answer["answers"].items():
        print(f"  {count:6} {row}  {answer['examples'].get(row, '')}")
    print(f"by format: {answer['by_kind']}")
    print(f"ruamel on the same YAML files: {answer['ruamel']}; CPU seconds: {answer['cpu_seconds_on_yaml']}")


if __name__ == "__main__":
    main()
