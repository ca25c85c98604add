"""The outside of a scenario: its repository on a real forge, its history in a real Prometheus, its log in a store.

One Prometheus, one forge and one log store serve any number of scenarios; each way of playing one has a copy of the
repository of its own. The truth is in none of them.
"""

import io
import shutil
import tarfile
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cases.moments import EPOCH
from demo.loki import standin
from remediation.forge.local.server import Served, serve
from tests.parts.hub import TOKEN, git
from tests.parts.loki import put
from tests.parts.prometheus import exposition, running_prometheus
from tests.scenarios.scenario import Scenario, Series, Written

ORIGINALS = "originals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What runs, and where the repositories lie. `shas` has those of each scenario's commits, in their order."""

    folder: Path
    prometheus: str
    loki: str
    forge: Served
    shas: dict[str, tuple[str, ...]]

    def copied(self, scenario: Scenario, mode: str) -> Path:
        """A bare copy of a scenario's repository, served at once, for one life of a daemon: forge/owner/name.git."""
        owners = (f"{mode}-{number}" if number else mode for number in range(1_000))
        below = self.folder / "forge"
        owner = next(name for name in owners if not (below / name / f"{scenario.service}.git").exists())
        to = below / owner / f"{scenario.service}.git"
        shutil.copytree(self.folder / ORIGINALS / f"{scenario.service}.git", to)
        return to

    def blamed(self, scenario: Scenario, sha: str) -> int | None:
        """The number of a commit."""
        shas = self.shas[scenario.name]
        return shas.index(sha) if sha in shas else None


@contextmanager
def staged(folder: Path, scenarios: Sequence[Scenario]) -> Generator[Stage]:
    """Everything that the scenarios need, in the folder; it ends with the block."""
    shas = {one.name: write_repository(one, folder / ORIGINALS / f"{one.service}.git") for one in scenarios}
    (folder / "prometheus").mkdir()
    latest = max(one.ends for one in scenarios)
    with ExitStack() as stack:
        told = history(scenarios, shas)
        prometheus = stack.enter_context(running_prometheus(folder / "prometheus", told, blocks="24h"))
        log = stack.enter_context(standin.LokiStandIn(now=lambda: latest))
        for one in scenarios:
            put(log, {"app": one.service}, [(_nanoseconds(line.at), line.text) for line in one.log])
        forge = stack.enter_context(serve(folder / "forge", "127.0.0.1:0", TOKEN))
        yield Stage(folder=folder, prometheus=prometheus.url, loki=log.url, forge=forge, shas=shas)


def _nanoseconds(at: datetime) -> int:
    return (at - EPOCH) // timedelta(microseconds=1) * 1000


def write_repository(scenario: Scenario, folder: Path) -> tuple[str, ...]:
    """The bare repository with every commit; their shas in their order."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
    stream = b"".join(_commit(commit) for commit in scenario.commits)
    git(folder, "fast-import", "--quiet", "--force", stdin=stream)
    return tuple(git(folder, "rev-list", "--reverse", "main").decode().split())


def _commit(commit: Written) -> bytes:
    at, title = round((commit.at - EPOCH).total_seconds()), commit.title.encode()
    lines = [
        b"commit refs/heads/main",
        b"committer %s <%s@example.com> %d +0000" % (commit.author.encode(), commit.author.lower().encode(), at),
        b"data %d\n%s" % (len(title), title),
    ]
    for path, text in commit.files.items():
        content = (text or "").encode()
        lines.append(
            b"D " + path.encode()
            if text is None
            else b"M 100644 inline %s\ndata %d\n%s" % (path.encode(), len(content), content)
        )
    return b"\n".join([*lines, b""])


def history(scenarios: Sequence[Scenario], shas: dict[str, tuple[str, ...]]) -> str:
    """OpenMetrics text of everything that was measured, and of what ran."""
    families: dict[str, dict[tuple[tuple[str, str], ...], list[tuple[float, float]]]] = {}
    for one in scenarios:
        begins = (one.begins - EPOCH).total_seconds()
        for series in (*one.series, *_ran(one, shas[one.name])):
            labels = (("service", one.service), *series.labels.items())
            samples = [(begins + 60 * n, value) for n, value in enumerate(series.values) if value >= 0]
            families.setdefault(series.metric, {})[labels] = samples
    return "\n".join([*(exposition(metric, told) for metric, told in families.items()), "# EOF\n"])


def _ran(scenario: Scenario, shas: Sequence[str]) -> list[Series]:
    """build_info: 1 while a commit ran, and -1 (no sample) else."""
    length = len(scenario.series[0].values)
    found: list[Series] = []
    for place, deploy in enumerate(scenario.deploys):
        first = (deploy.at - scenario.begins).total_seconds() / 60
        last = length if place + 1 == len(scenario.deploys) else _minute(scenario, place + 1)
        if last > 0:
            values = tuple(1.0 if first <= n < last else -1.0 for n in range(length))
            found.append(Series(metric="build_info", labels={"revision": shas[deploy.commit]}, values=values))
    return found


def _minute(scenario: Scenario, place: int) -> float:
    return (scenario.deploys[place].at - scenario.begins).total_seconds() / 60


def tree_of(repository: Path, branch: str) -> dict[str, bytes]:
    """The files of a branch."""
    archive = git(repository, "archive", branch)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {m.name: (tar.extractfile(m) or io.BytesIO()).read() for m in tar if m.isfile()}


def tar_of(files: dict[str, bytes]) -> bytes:
    """The same as a tar."""
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for path, content in sorted(files.items()):
            member = tarfile.TarInfo(path)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return held.getvalue()
