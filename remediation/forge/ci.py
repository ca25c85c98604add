"""What other tools say of a commit: check runs and commit statuses, as one answer.

It is looked at as long as a pull request is open: both lists are asked for with the ETag of the last answer (GitHub
counts an unchanged answer as nothing). Our own report is left out, or we would wait for ourselves.
API: https://docs.github.com/rest/checks/runs, https://docs.github.com/rest/commits/statuses
"""

import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from cases.marks import Ci, CiCheck, CiState
from cases.redaction import redacted
from remediation.forge.answers import Answered, read
from remediation.forge.client import PAGE
from remediation.forge.github import GithubApi
from remediation.forge.proof_report import OWN_CHECK, OWN_CONTEXT
from remediation.forge.repository import ForgeRepository

FORBIDDEN = 403
MOST_KNOWN = 64  # commits whose answers are remembered
LONGEST_SUMMARY, LONGEST_OUTPUT = 300, 3_000
LOOKED_AT = 65_535  # characters of an output, which GitHub bounds so: one of more is cut before it is looked through

CONCLUSIONS: Mapping[str | None, CiState] = {
    "success": CiState.PASSED,
    "neutral": CiState.NONE,
    "skipped": CiState.NONE,
    None: CiState.PENDING,
    "action_required": CiState.PENDING,
}
"""Of a check run; whatever else it concludes with has not passed, a cancelled or stale one neither."""
STATES: Mapping[str, CiState] = {"success": CiState.PASSED, "pending": CiState.PENDING}
"""Of a commit status; the others are `failure` and `error`."""


class _Output(Answered):
    title: str | None = None
    summary: str | None = None
    text: str | None = None

    @property
    def whole(self) -> str:
        """All of it; where it is too long, its end: that is where a log says what went wrong."""
        said = (self.title, self.summary, self.text)
        text = redacted("\n".join(part[-LOOKED_AT:] for part in said if part))
        return text if len(text) <= LONGEST_OUTPUT else f"…{text[1 - LONGEST_OUTPUT :]}"


class _Run(Answered):
    name: str
    status: str
    conclusion: str | None
    html_url: str | None = None
    output: _Output = _Output()


class _Runs(Answered):
    total_count: int
    check_runs: tuple[_Run, ...]


class _Status(Answered):
    context: str
    state: str
    target_url: str | None = None
    description: str | None = None


class _Combined(Answered):
    total_count: int
    statuses: tuple[_Status, ...]


Answer = TypeVar("Answer", _Runs, _Combined)


@dataclass(frozen=True, slots=True)
class _Known:
    """The last answer at a path, and its ETag."""

    etag: str
    checks: tuple[CiCheck, ...]
    unread: str


@dataclass(slots=True, kw_only=True)
class CiRecord:
    """The checks of commits, of every repository of one forge. Safe to use from several threads."""

    api: GithubApi
    _known: dict[tuple[str, str], _Known] = field(default_factory=dict[tuple[str, str], _Known], init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def ci(self, repository: ForgeRepository, sha: str) -> Ci:
        """What is said of the commit now. Raises TemporaryError or PermanentError as every call of the API does."""
        with self._lock:
            runs = self._part(repository, sha, "check-runs", _Runs)
            statuses = self._part(repository, sha, "status", _Combined)
        unread = "; ".join(part.unread for part in (runs, statuses) if part.unread)
        return Ci(sha=sha, checks=(*runs.checks, *statuses.checks), unread=unread)

    def _part(self, repository: ForgeRepository, sha: str, part: str, shape: type[Answer]) -> _Known:
        path = f"/repos/{repository.full_name}/commits/{sha}/{part}"
        what = f"the {part.replace('-', ' ')} of {sha[:10]} in {repository.full_name}"
        place = (repository.full_name, f"{sha}/{part}")
        known = self._known.pop(place, None)
        heard = self.api.heard(what, path, {"per_page": PAGE}, etag=known.etag if known else "", accept=(FORBIDDEN,))
        if heard.status == FORBIDDEN:
            known = _Known("", (), f"{what} may not be read")
        elif known is None or not heard.unchanged:
            answer = read(shape, what, heard.content)
            more = answer.total_count > PAGE
            unread = f"{what} are more than the {PAGE} that are read" if more else ""
            known = _Known(heard.etag, tuple(_checks(answer)), unread)
        self._known[place] = known
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return known


def _checks(answer: _Runs | _Combined) -> Iterator[CiCheck]:
    match answer:
        case _Runs(check_runs=runs):
            for run in runs:
                if run.name != OWN_CHECK:
                    done = run.conclusion if run.status == "completed" else None
                    state = CONCLUSIONS.get(done, CiState.FAILED)
                    said = run.output.whole if state is CiState.FAILED else ""
                    yield _check(run.name, state, run.html_url, run.output.title, said)
        case _Combined(statuses=statuses):
            for status in statuses:
                if status.context != OWN_CONTEXT:
                    state = STATES.get(status.state, CiState.FAILED)
                    yield _check(status.context, state, status.target_url, status.description)


def _check(name: str, state: CiState, url: str | None, summary: str | None, output: str = "") -> CiCheck:
    short = redacted(summary or "")[:LONGEST_SUMMARY]
    said = output or (short if state is CiState.FAILED else "")
    return CiCheck(name=redacted(name), state=state, url=url or "", summary=short, output=said)
