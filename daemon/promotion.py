"""Promotions: what outcomes support and nobody gave yet, asked for by a pull request to the file of grants.

The daemon opens it with the outcomes attached; a human merges it or does not. It is never merged unasked: what is
merged unasked is a change of a case, and this is none. A closed one is a remembered no, until there are more outcomes.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from cases.change import FileEdit
from cases.errors import PermanentError, TemporaryError
from cases.moments import iso
from cases.policy import Authority, Refuse
from cases.ports import Forge
from cases.steps import Notice, SendNotice
from cases.stores import Levers
from cases.telemetry import Severity
from cases.trust import Book, Mark, Risk, Standing
from daemon.alerts.addresses import PROMOTIONS
from daemon.authority import Trust

log = logging.getLogger("trackwalker.promotion")

KEY = "promotion-"
MORE = 25
"""How many more outcomes make a question new that was answered with a no."""
MOST_NAMED = 40  # outcomes that are listed one by one
_RULE = (
    "A score of 20 is asked for: were its true rate as bad as it must not be, one class in twenty at the most would "
    "ever get there."
)
_FALL = (
    "Two bad outcomes within any ten, or one severe one, take it back at once, whatever this file says, until a grant "
    "is given anew. Nothing is merged unasked outside `authority.auto_merge.paths`."
)
_HIDDEN = "<!-- trackwalker-grant: "
_END = " -->"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """One area that earned more than it was given."""

    standing: Standing
    to: Authority
    marks: tuple[Mark, ...]

    @property
    def branch(self) -> str:
        """Where it is proposed: the same for the same question."""
        asked = f"{self.standing.area}\0{self.to.word}\0{self.standing.outcomes // MORE}"
        return f"trackwalker/authority-{hashlib.sha256(asked.encode()).hexdigest()[:8]}"

    @property
    def title(self) -> str:
        """The pull request's."""
        return f"Let {self.standing.area} do `{self.to.word}`"

    @property
    def because(self) -> str:
        """What the grant rests on, in its own line."""
        seen = self.standing
        if self.to is Authority.AUTO_MERGE:
            clean = f"{seen.clean} of {seen.outcomes} merges were clean"
            return f"{clean}, over {seen.days:.0f} days; score {seen.safety:.1f}"
        accepted = sum(mark.good for mark in self.marks if mark.book is Book.ACCEPTANCE)
        return f"{accepted} of {seen.proposals} proposals were merged as they were; score {seen.acceptance:.1f}"


def promotions(standings: Iterable[Standing], marks: Sequence[Mark], now: datetime) -> tuple[Promotion, ...]:
    """What may be asked for now, one step at a time. A demotion is lifted by a human alone, and is not asked for."""
    found: list[Promotion] = []
    for seen in standings:
        if seen.level is not seen.given or seen.earned <= seen.given or seen.given is Authority.AUTO_MERGE:
            continue
        to = Authority(seen.given + 1)
        if to is Authority.AUTO_MERGE and seen.area.risk is not Risk.LOW:
            continue
        mine = tuple(mark for mark in marks if mark.area == seen.area and mark.at <= now)
        found.append(Promotion(standing=seen, to=to, marks=mine))
    return tuple(found)


def grant_line(promotion: Promotion, now: datetime) -> str:
    """The grant as its one line of the file."""
    area = promotion.standing.area
    because = json.dumps(promotion.because, ensure_ascii=False)
    return (
        f"- {{repository: {area.repository}, service: {area.service}, class: {area.kind}, risk: {area.risk}, "
        f'level: {promotion.to.word}, granted: "{iso(now)}", because: {because}}}'
    )


def body(promotion: Promotion, now: datetime) -> str:
    """The pull request's text: the outcomes, what follows from a merge, and what would take it back."""
    seen = promotion.standing
    accepted = "none yet" if seen.accepted is None else f"{seen.accepted:.0%} of {seen.proposals}"
    rows = [
        ("given now", f"`{seen.given.word}`"),
        ("asked for", f"`{promotion.to.word}`"),
        ("merges that count", f"{seen.outcomes}, {seen.clean} of them clean for seven days; score {seen.safety:.2f}"),
        ("proposals merged as they were", f"{accepted}; score {seen.acceptance:.2f}"),
        ("helped", f"{seen.helped} of {seen.judged} that were judged"),
        ("merged by", ", ".join(seen.reviewers) or "nobody yet"),
        ("days of record", f"{seen.days:.0f}"),
        ("missing for the step after", seen.wanting or "nothing"),
    ]
    outcomes = [
        f"- {iso(mark.at)} {mark.book}: {'good' if mark.good else 'bad'} (case `{mark.case}`, change {mark.change})"
        for mark in promotion.marks[-MOST_NAMED:]
    ]
    left_out = len(promotion.marks) - len(outcomes)
    hidden = json.dumps({"line": grant_line(promotion, now), "area": str(seen.area)}, ensure_ascii=False)
    return "\n".join(
        (
            f"The outcomes of `{seen.area}` support more than it was given. {_RULE}",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} | {said} |" for name, said in rows),
            "",
            _FALL,
            "",
            "**Only a human merges this.** Closing it is a no that is remembered.",
            "",
            "<details><summary>The outcomes</summary>",
            "",
            *outcomes,
            *([f"- and {left_out} older ones"] if left_out > 0 else []),
            "",
            "</details>",
            "",
            f"{_HIDDEN}{hidden.replace('--', '- -')}{_END}",
        )
    )


def asked(promotion: Promotion, repository: str, now: datetime) -> SendNotice:
    """The promise to open it: a notice, for it belongs to no case."""
    key = f"{KEY}{promotion.branch.rpartition('-')[2]}"
    notice = Notice(
        key=key, severity=Severity.NOTE, subject=repository, text=body(promotion, now), link=promotion.branch
    )
    return SendNotice(key=key, receiver=PROMOTIONS, notice=notice)


class Promotions:
    """Opens them where the file of grants is: a receiver of notices (see `cases.ports.Notifier`) of its own kind."""

    name = PROMOTIONS

    def __init__(self, forge: Forge, trust: Trust, levers: Levers) -> None:
        self._forge = forge
        self._trust = trust
        self._levers = levers

    def notify(self, notice: Notice) -> None:
        """Open it, once: a pull request of that branch, in whatever state, is the answer. Nothing in a pause."""
        if not notice.key.startswith(KEY):
            return
        if (pause := self._levers.paused()) is not None:
            raise TemporaryError(f"paused by {pause.by}: no promotion is asked for")
        repository, branch, wanted = notice.subject, notice.link, self._trust.settings.authority
        if wanted.file is None or self._forge.find_pull_request(repository, branch) is not None:
            return
        asked = _hidden(notice.text)
        verdict = self._trust.beside(asked["area"].partition("/")[0])
        if isinstance(verdict, Refuse):
            log.info("%s is not asked for: %s", asked["area"], "; ".join(verdict.reasons))
            return
        head = self._forge.head(repository)
        known = tuple(each.name for each in self._trust.settings.repositories)
        text = added(self._trust.text(head), asked["line"], wanted.file, self._trust.clock.now(), known)
        edit = FileEdit(path=wanted.file, content=text.encode())
        title = f"Let {asked['area']} do more unasked"
        self._forge.push(repository, branch, head, (edit,), f"{title}\n\nAsked for by the outcomes; a human decides.\n")
        self._forge.open_pull_request(repository, branch, title, notice.text, ("trackwalker",), draft=False)


def added(text: str, line: str, name: str, now: datetime, repositories: Sequence[str]) -> str:
    """The file with that grant, in the place of the one for the same area. Everything else stays as it is.

    Raises PermanentError where the file is not written so that a line can be put into it, with the line to put there.
    """
    from config.trust_file import read

    by_hand = f"{name} is not a list of grants of one line each: put this one in by hand: {line}"
    lines = text.split("\n") if text.strip() else ["grants:"]
    grants = next((n for n, held in enumerate(lines) if held.rstrip() == "grants:"), None)
    if grants is None:
        if "grants:" in text:
            raise PermanentError(by_hand)
        lines += ["grants:"]
        grants = len(lines) - 1
    area = line.partition(", level:")[0]
    same = [n for n, held in enumerate(lines) if held.strip().startswith(f"{area}, level:")]
    if same:
        lines[same[0]] = f"{lines[same[0]].partition('-')[0]}{line}"
    else:
        lines.insert(grants + 1, f"  {line}")
    written = "\n".join(lines).rstrip("\n") + "\n"
    try:
        read(written, name, now, repositories)
    except PermanentError as error:
        raise PermanentError(f"{by_hand} ({error})") from None
    return written


def _hidden(text: str) -> dict[str, str]:
    found = text.rpartition(_HIDDEN)[2].partition(_END)[0]
    loaded: dict[str, str] = json.loads(found)
    return loaded
