"""Pinned versions: what manifests and lock files say of dependencies, apart from all else that they say.

| file | versions |
|---|---|
| requirements*.txt, constraints*.txt | `name==1.2`, with its hashes |
| pyproject.toml | `[project]`, `[dependency-groups]`, Poetry's tables |
| package.json | its four groups, `overrides`, `resolutions` |
| go.mod | `require` |
| Cargo.toml | its groups, those of targets and of the workspace |
| poetry.lock, uv.lock, pdm.lock, Cargo.lock, package-lock.json, Pipfile.lock, composer.lock | every package |
| go.sum, yarn.lock, pnpm-lock.yaml, Gemfile.lock, bun.lock | known as lock files, and not read |
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, cast

from remediation.values.refused import NotEditable

_REQUIREMENTS = re.compile(r"(requirements|constraints)[^/]*\.(txt|lock|in)$|^requirements/[^/]+\.(txt|in)$")
_REQUIREMENT = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?P<extras>\[[^\]]*\])?\s*(?P<spec>(?:[=<>!~]=?=?|@)[^;]*)?"
)
_HASH = re.compile(r"\s--hash=(\S+)")
_GO_REQUIRE = re.compile(r"^\s*(?:require\s+)?([^\s()]+\.[^\s()]+)\s+(v[^\s]+)(\s*//.*)?$")
_UNREAD = frozenset({"go.sum", "yarn.lock", "pnpm-lock.yaml", "gemfile.lock", "bun.lock"})
_NPM = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies", "overrides", "resolutions")
_CARGO = ("dependencies", "dev-dependencies", "build-dependencies")
_TOML_LOCKS = frozenset({"poetry.lock", "uv.lock", "pdm.lock", "cargo.lock"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pinned:
    """The versions of a file. `details` are hashes and the like, by name; `rest` is all else, made comparable.

    Of a lock file `rest` is empty: packages come and go in it with the versions of others.
    """

    versions: Mapping[str, str]
    details: Mapping[str, str]
    rest: str = ""


def is_dependency_file(path: str) -> bool:
    """Whether a path is a manifest or a lock file of dependencies."""
    return _reader(path) is not None or is_unread_lock(path)


def is_lock(path: str) -> bool:
    """Whether a path is a lock file."""
    name = PurePosixPath(path).name.lower()
    return name in _TOML_LOCKS or name in _JSON_LOCKS or name in _UNREAD


def is_unread_lock(path: str) -> bool:
    """Whether a path is a lock file whose lines are not understood, only put back."""
    return PurePosixPath(path).name.lower() in _UNREAD


def is_version(path: str, keys: Sequence[str | int]) -> bool:
    """Whether the value at these keys of a file says which version of a dependency is taken."""
    if not is_dependency_file(path):
        return False
    words = {str(key).lower() for key in keys}
    return is_lock(path) or any("dependenc" in word or word in {"overrides", "resolutions"} for word in words)


def pinned(path: str, content: bytes) -> Pinned:
    """The versions of a file. Raises NotEditable where it cannot be read."""
    reader = _reader(path)
    if reader is None:
        raise NotEditable(f"{path} is no manifest or lock file that can be read")
    try:
        return reader(content.decode())
    except UnicodeDecodeError:
        raise NotEditable(f"{path} is not UTF-8 text") from None
    except (ValueError, RecursionError, AttributeError, TypeError, KeyError):
        raise NotEditable(f"{path} is not readable as what its name says") from None


def _reader(path: str) -> Callable[[str], Pinned] | None:
    name = PurePosixPath(path).name
    lower = name.lower()
    if lower in _TOML_LOCKS:
        return _toml_lock
    if lower in _JSON_LOCKS:
        return _JSON_LOCKS[lower]
    if _REQUIREMENTS.search(path):
        return _requirements
    return {"pyproject.toml": _pyproject, "package.json": _package, "go.mod": _go, "Cargo.toml": _cargo}.get(name)


def _requirements(text: str) -> Pinned:
    versions: dict[str, str] = {}
    details: dict[str, str] = {}
    rest: list[str] = []
    for whole in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.sub(r"(^|\s)#.*", "", whole).strip()
        hashes = _HASH.findall(line)
        plain, _, marker = _HASH.sub("", line).partition(";")
        found = _REQUIREMENT.fullmatch(plain.strip())
        if not line or found is None or not found["spec"]:
            rest.append(line)
            continue
        beside = re.sub(r"\s", "", f"{found['extras'] or ''};{marker}").rstrip(";")
        name = f"{_plain(found['name'])}{beside}"
        _add(versions, name, re.sub(r"\s", "", found["spec"]))
        details[name] = " ".join(sorted(hashes))
    return Pinned(versions=versions, details=details, rest="\n".join(filter(None, rest)))


def _pyproject(text: str) -> Pinned:
    table: dict[str, Any] = tomllib.loads(text)
    versions: dict[str, str] = {}
    project: dict[str, Any] = table.get("project", {})
    groups: dict[str, Any] = {
        "project": project.pop("dependencies", []),
        **{f"extra {name}": listed for name, listed in project.pop("optional-dependencies", {}).items()},
        **{f"group {name}": listed for name, listed in table.pop("dependency-groups", {}).items()},
    }
    others: list[object] = []
    for group, listed in groups.items():
        for one in listed:
            found = _REQUIREMENT.match(one) if isinstance(one, str) else None
            if found is None:
                others.append([group, one])
                continue
            _, _, marker = one.partition(";")
            _add(versions, f"{_plain(found['name'])} ({group}{found['extras'] or ''}{marker})", found["spec"] or "")
    poetry: dict[str, Any] = table.get("tool", {}).get("poetry", {})
    for group, held in _poetry(poetry):
        versions |= {f"{_plain(name)} ({group})": said for name, said in _tables(held).items()}
    return Pinned(versions=versions, details={}, rest=_steady([table, others]))


def _poetry(poetry: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for name in ("dependencies", "dev-dependencies"):
        if name in poetry:
            yield name, poetry.pop(name)
    for name, group in poetry.get("group", {}).items():
        yield f"group {name}", group.pop("dependencies", {})


def _tables(held: Mapping[str, Any]) -> dict[str, str]:
    """Name → version, where a table has more than that the rest of it as well: it must not change on the way."""
    said: dict[str, str] = {}
    for name, value in held.items():
        said[name] = value if isinstance(value, str) else _steady(value)
    return said


def _package(text: str) -> Pinned:
    table: dict[str, Any] = json.loads(text)
    versions: dict[str, str] = {}
    for group in _NPM:
        for name, said in table.pop(group, {}).items():
            versions[f"{name} ({group})"] = said if isinstance(said, str) else _steady(said)
    return Pinned(versions=versions, details={}, rest=_steady(table))


def _go(text: str) -> Pinned:
    versions: dict[str, str] = {}
    rest: list[str] = []
    for line in text.splitlines():
        other = "=>" in line or re.match(r"\s*(replace|exclude|retract|module)\b", line)
        found = None if other else _GO_REQUIRE.match(line)
        if found is None:
            rest.append(line.strip())
        else:
            versions[found[1]] = found[2]
    return Pinned(versions=versions, details={}, rest="\n".join(filter(None, rest)))


def _cargo(text: str) -> Pinned:
    table: dict[str, Any] = tomllib.loads(text)
    holders: list[tuple[str, dict[str, Any]]] = [("", table), ("workspace ", table.get("workspace", {}))]
    holders += [(f"target {name} ", held) for name, held in table.get("target", {}).items()]
    versions: dict[str, str] = {}
    for where, holder in holders:
        for group in _CARGO:
            said = _tables(holder.pop(group, {}))
            versions |= {f"{name} ({where}{group})": version for name, version in said.items()}
    return Pinned(versions=versions, details={}, rest=_steady(table))


def _toml_lock(text: str) -> Pinned:
    packages = cast("list[dict[str, Any]]", tomllib.loads(text).get("package", []))
    return _packages((str(one["name"]), str(one.get("version", "")), one) for one in packages)


def _npm_lock(text: str) -> Pinned:
    table: dict[str, Any] = json.loads(text)
    held: dict[str, Any] = table.get("packages") or table.get("dependencies") or {}
    named = ((path.rpartition("node_modules/")[2], one) for path, one in held.items() if path)
    return _packages((name, str(one.get("version", "")), one) for name, one in named)


def _pipfile_lock(text: str) -> Pinned:
    table: dict[str, Any] = json.loads(text)
    held = [(name, one) for group in ("default", "develop") for name, one in table.get(group, {}).items()]
    return _packages((name, str(one.get("version", "")).removeprefix("=="), one) for name, one in held)


def _composer_lock(text: str) -> Pinned:
    table: dict[str, Any] = json.loads(text)
    held = [one for group in ("packages", "packages-dev") for one in table.get(group, [])]
    return _packages((str(one["name"]), str(one["version"]), one) for one in held)


def _packages(found: Iterator[tuple[str, str, Any]]) -> Pinned:
    versions: dict[str, str] = {}
    details: dict[str, str] = {}
    for name, version, one in found:
        _add(versions, name, version)
        details[name] = details.get(name, "") + _steady(one)
    return Pinned(versions=versions, details=details)


_JSON_LOCKS: Mapping[str, Callable[[str], Pinned]] = {
    "package-lock.json": _npm_lock,
    "npm-shrinkwrap.json": _npm_lock,
    "pipfile.lock": _pipfile_lock,
    "composer.lock": _composer_lock,
}


def _add(versions: dict[str, str], name: str, version: str) -> None:
    """One more of that name: a lock may hold a package in several versions."""
    versions[name] = ", ".join(sorted({*filter(None, versions.get(name, "").split(", ")), version}))


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _steady(value: object) -> str:
    return json.dumps(value, sort_keys=True, default=str)
