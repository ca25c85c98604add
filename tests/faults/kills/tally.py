"""What is counted when all is over, from the outside: the forge, git, the ledger's rows, what receivers got."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import httpx
from sqlalchemy import select

from daemon.ledger.ledger import Ledger
from daemon.ledger.tables import effects, lessons, spend
from tests.faults.kills.setting import REPOSITORIES, history_of
from tests.faults.kills.stage import Stage
from tests.parts.hub import TOKEN

QUESTIONS = 2  # of a case: where the bug is, and the edit
MARKER = re.compile(r"<!-- trackwalker:([^{}]+) -->\s*\Z")
CASE = re.compile(r"^Trackwalker-Case: (\S+)$", re.MULTILINE)


@dataclass(kw_only=True)
class Tally:
    """The count. Each of `lost` and `twice` is named; the rest are numbers."""

    kills: int
    seconds: float
    cases: int = 0
    lost: list[str] = field(default_factory=list[str])
    twice: list[str] = field(default_factory=list[str])
    pull_requests: int = 0
    comments: int = 0
    notices_again: int = 0
    asked_again: int = 0
    trials_again: int = 0
    fenced: int = 0
    unpromised: int = 0  # what is on the forge, and never was a row of the ledger

    @property
    def asked_again_a_kill(self) -> float:
        """Model calls that were bought again, a kill."""
        return self.asked_again / max(1, self.kills)

    def table(self) -> str:
        """For people."""
        rows = [(each.name.replace("_", " "), getattr(self, each.name)) for each in fields(self)]
        lines = [f"{name:<18} {_shown(value)}" for name, value in rows]
        return "\n".join([*lines, f"{'asked again/kill':<18} {self.asked_again_a_kill:.3f}"])


def _shown(value: Any) -> str:  # noqa: ANN401 - whatever a field holds
    if isinstance(value, float):
        return f"{value:.1f}"
    if isinstance(value, int):
        return str(value)
    return f"{len(value)}" + "".join(f"\n    {each}" for each in value[:20])


def count(stage: Stage, ledger: Ledger, broken: Iterable[str], kills: int, seconds: float) -> Tally:
    """Count everything. `broken` are the services whose fault was to become one case each."""
    tally = Tally(kills=kills, seconds=seconds)
    _cases(tally, ledger, broken)
    with httpx.Client(auth=("auditor", TOKEN), trust_env=False, timeout=20) as client:
        for number in range(REPOSITORIES):
            _forge(tally, client, f"{stage.api_url}/repos/acme/r{number}", ledger)
            _commits(tally, stage, number)
    _rows(tally, ledger)
    told = Counter(re.findall(r'"key": ?"([^"]+)"', "\n".join(stage.noted("notices"))))
    tally.notices_again = sum(times - 1 for times in told.values())
    runs = Counter(line.split()[1] for line in stage.noted("runs") if line.startswith("begun"))
    tally.trials_again = sum(times - 1 for times in runs.values())
    tally.fenced = sum("dropped what was in hand" in line for line in stage.noted("log"))
    return tally


def _cases(tally: Tally, ledger: Ledger, broken: Iterable[str]) -> None:
    found = ledger.cases.listed(10_000)
    tally.cases = len(found)
    of_service = Counter(case.service for case in found)
    tally.lost += [f"{service}: its fault never became a case" for service in broken if not of_service[service]]
    tally.twice += [f"{service}: {times} cases of one fault" for service, times in of_service.items() if times > 1]
    tally.lost += [
        f"{case.service} {case.id}: {case.phase} ({case.hold} {case.hold_reason}) {case.escalation}"
        for case in found
        if case.active or case.outcome is None
    ]


def _forge(tally: Tally, client: httpx.Client, repository: str, ledger: Ledger) -> None:
    pulls = [pull for pull in _pages(client, f"{repository}/pulls") if pull["head"]["ref"].startswith("trackwalker/")]
    tally.pull_requests += len(pulls)
    branches = Counter(pull["head"]["ref"] for pull in pulls)
    tally.twice += [f"{branch}: {times} pull requests" for branch, times in branches.items() if times > 1]
    cases = Counter(branch.rpartition("-")[0] for branch in branches)
    tally.twice += [f"{case}: {times} branches of one change" for case, times in cases.items() if times > 1]
    tally.unpromised += sum(not _known(ledger, branch) for branch in branches)
    for pull in pulls:
        comments = _pages(client, f"{repository}/issues/{pull['number']}/comments")
        tally.comments += len(comments)
        keys = Counter(found[1] for one in comments if (found := MARKER.search(one["body"])))
        tally.twice += [f"comment {key}: {times} times" for key, times in keys.items() if times > 1]
        tally.unpromised += sum(ledger.outbox.receipt(key) is None for key in keys)


def _known(ledger: Ledger, branch: str) -> bool:
    """Whether the ledger knows that the branch has a pull request."""
    change = branch.removeprefix("trackwalker/")
    return ledger.outbox.receipt(f"{change}-pull-request") is not None


def _pages(client: httpx.Client, url: str) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for page in range(1, 100):
        listed = client.get(url, params={"state": "all", "per_page": 100, "page": page}).json()
        found += listed
        if len(listed) < 100:
            break
    return found


def _commits(tally: Tally, stage: Stage, number: int) -> None:
    """A commit of ours carries its case; git is asked what branches hold, so that a merge's copy does not count."""
    cases = Counter(found[1] for _, message in history_of(stage, number) if (found := CASE.search(message)))
    tally.twice += [f"{case}: {times} commits" for case, times in cases.items() if times > 1]


def _rows(tally: Tally, ledger: Ledger) -> None:
    with ledger.database.reading() as connection:
        learnt = Counter(connection.execute(select(lessons.c.case_id)).scalars())
        asked = Counter(connection.execute(select(spend.c.case_id)).scalars())
        owed = connection.execute(select(effects.c.key).where(effects.c.state != "done")).scalars().all()
    tally.twice += [f"{case}: {times} lessons" for case, times in learnt.items() if times > 1]
    tally.lost += [
        f"{case.id}: no lesson" for case in ledger.cases.listed(10_000) if case.lesson and not learnt[case.id]
    ]
    tally.lost += [f"{key}: promised and never done" for key in owed]
    tally.asked_again = sum(max(0, times - QUESTIONS) for times in asked.values())
