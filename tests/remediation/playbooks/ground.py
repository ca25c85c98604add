"""Two repositories of real git, code and configuration, and a case about them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from cases.case import Case
from cases.diagnosis import Commit, Suspect
from cases.events import Diagnosed
from cases.lifecycle import advance, opened
from cases.moments import EPOCH
from config.settings import ServiceSettings
from remediation.forge.forge import GitForge
from remediation.forge.repository import ForgeRepository
from tests.parts.hub import Entry, Hub
from tests.parts.nouns import CULPRIT, NOW, SHA, a_commit, a_diagnosis, a_suspect, an_entry, an_opened
from tests.parts.ports import StillForge

Files = Mapping[str | bytes, bytes | Entry | None]


@dataclass
class Ground:
    """`shop` has the code, `gitops` what production runs."""

    hubs: dict[str, Hub]
    forge: GitForge

    def commit(self, repository: str, title: str, files: Files, minutes_ago: float, author: str = "developer") -> str:
        at = int((NOW - timedelta(minutes=minutes_ago) - EPOCH).total_seconds())
        return self.hubs[repository].commit(title, files, at=at, author=author)

    def known(self, repository: str, sha: str) -> Commit:
        self.forge.head(repository)
        commits = self.forge.commits(repository, NOW - timedelta(days=40), NOW)
        return next(commit for commit in commits if commit.sha == sha)

    def suspect(self, sha: str, repository: str = "shop") -> Suspect:
        return replace(a_suspect(sha), commit=self.known(repository, sha), repository=repository)


class OneFile(StillForge):
    """A repository with one file."""

    def __init__(self, path: str, content: bytes) -> None:
        super().__init__(SHA)
        self._file = (path, content)

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        del repository, sha
        return self._file[1] if path == self._file[0] else None


class Trees(StillForge):
    """A repository of two trees, without git: what a commit found at its parent, SHA, and what it left."""

    def __init__(self, before: Mapping[str, bytes], after: Mapping[str, bytes]) -> None:
        super().__init__(CULPRIT)
        self._trees = {SHA: before, CULPRIT: after}
        self.commit = replace(a_commit(), files=tuple(sorted({**before, **after})))

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        del repository
        return self._trees[sha].get(path)


class AloneForge(GitForge):
    """No API stands beside these repositories: no commit came with another."""

    def came_with(self, repository: str, sha: str) -> tuple[str, ...]:
        del repository
        return (sha,)


def ground(folder: Path) -> Ground:
    """Both repositories with a first commit each, long ago."""
    hubs = {name: Hub(folder / "remote", full_name=f"acme/{name}").create() for name in ("shop", "gitops")}
    known = [
        ForgeRepository(name=name, url=f"file://{hub.folder}", branch="main", full_name=hub.full_name)
        for name, hub in hubs.items()
    ]
    cache = folder / "cache"
    cache.mkdir()
    forge = AloneForge(known, "http://127.0.0.1:9/api/v3", lambda: "", cache, timedelta(0), local_files=True)
    return Ground(hubs=hubs, forge=forge)


def a_case(*suspects: Suspect) -> Case:
    """A case whose anomaly began five minutes before NOW, with these suspects."""
    case = opened(an_entry(an_opened()))
    return advance(case, an_entry(Diagnosed(diagnosis=replace(a_diagnosis(), suspects=suspects))))


def a_service(**more: object) -> ServiceSettings:
    return ServiceSettings.model_validate_json(json.dumps({"name": "shop", "repository": "shop", **more}))
