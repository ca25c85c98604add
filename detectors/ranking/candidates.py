"""Candidates: every change of a bundle, with the service it ran in and since when. Commits ride along with deploys.

A commit runs from the first deploy that names it. One that no deploy names rides with the next deploy of a service that
its paths name; one whose paths name no service (a shared library, a repository of one service) with the next deploy at
all. That is a guess, and marked as one.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from cases.bundle import Bundle, Flip
from cases.diagnosis import Commit
from cases.telemetry import Deploy

_SHORTEST_NAME = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One change in one service. Of `commit` and `flip` exactly one is there.

    started  when it began to run; None when nothing shows that it ever did
    named    whether a deploy names this very commit, or the flag system this flag
    company  how many other commits came with the same deploy
    """

    service: str
    started: datetime | None
    commit: Commit | None = None
    flip: Flip | None = None
    named: bool = True
    company: int = 0

    @property
    def id(self) -> str:
        """The commit's, or the flag's own name."""
        if self.commit is not None:
            return self.commit.sha
        return self.flip.flag if self.flip is not None else ""


def candidates(bundle: Bundle, services: frozenset[str]) -> tuple[Candidate, ...]:
    """All of them, each commit and service once, by its first deploy."""
    found: list[Candidate] = []
    own: dict[int, list[Deploy]] = {}
    deploys = sorted(bundle.deploys, key=lambda deploy: (deploy.started, deploy.service))
    for place, commit in enumerate(bundle.commits):
        own[place] = [deploy for deploy in deploys if _runs(deploy, commit.sha)]
    named = {id(deploy) for carried in own.values() for deploy in carried}
    for place, commit in enumerate(bundle.commits):
        carriers = own[place] or list(_rides(commit, deploys, named, services))
        if not carriers:
            found.append(Candidate(service="", started=None, commit=commit, named=False))
        seen: set[str] = set()
        for deploy in carriers:
            if deploy.service not in seen:
                seen.add(deploy.service)
                found.append(
                    Candidate(service=deploy.service, started=deploy.started, commit=commit, named=bool(own[place]))
                )
    found += [_unknown(deploy) for deploy in deploys if id(deploy) not in named]
    found += [Candidate(service=flip.service, started=flip.at, flip=flip) for flip in bundle.flips]
    return _with_company(found)


def _rides(commit: Commit, deploys: Sequence[Deploy], named: set[int], services: frozenset[str]) -> Iterator[Deploy]:
    wanted = services_of(commit, services)
    for deploy in deploys:
        if deploy.started >= commit.at and (deploy.service in wanted if wanted else id(deploy) in named):
            yield deploy
            return


def services_of(commit: Commit, services: frozenset[str]) -> frozenset[str]:
    """The services that its paths name."""
    parts = {_plain(part) for path in commit.files[:200] for part in _parts(path)}
    return frozenset(s for s in services if len(s) >= _SHORTEST_NAME and _plain(s) in parts)


def _parts(path: str) -> Iterator[str]:
    pure = PurePosixPath(path)
    yield from pure.parts[:-1]
    yield pure.stem


def _plain(name: str) -> str:
    name = name.lower().replace("_", "").replace("-", "")
    return name.removesuffix("service") or name


def _runs(deploy: Deploy, sha: str) -> bool:
    """As `Deploy.runs`, and any ids that are the same: a bundle's need not be hashes."""
    return deploy.commit == sha or deploy.runs(sha)


def _unknown(deploy: Deploy) -> Candidate:
    """A deploy of something that the list of commits does not have: still a change."""
    commit = Commit(sha=deploy.commit, at=deploy.started, author="", title="", parents=())
    return Candidate(service=deploy.service, started=deploy.started, commit=commit)


def _with_company(found: Sequence[Candidate]) -> tuple[Candidate, ...]:
    loads: Counter[tuple[str, datetime | None]] = Counter(
        (c.service, c.started) for c in found if c.commit is not None and c.started is not None
    )
    return tuple(
        Candidate(
            service=c.service,
            started=c.started,
            commit=c.commit,
            flip=c.flip,
            named=c.named,
            company=max(0, loads[c.service, c.started] - 1) if c.commit is not None else 0,
        )
        for c in found
    )
