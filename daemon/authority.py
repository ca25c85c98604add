"""Authority as it stands now: the file of grants at the head of its branch, the books of the ledger, the money."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cases.case import Case
from cases.errors import PermanentError
from cases.policy import Allow, Authority, Refuse
from cases.ports import Clock, Forge
from cases.steps import Effect
from cases.trust import Area, Mark, Renewal, Standing, acts_in
from config.settings import Settings
from daemon.ledger.audit import DAEMON, Audit, AuditEntry
from daemon.ledger.purse import STOP, Stop

if TYPE_CHECKING:
    from config.trust_file import TrustFile
    from daemon.ledger.ledger import Ledger
    from daemon.ledger.trust import LedgerTrust

log = logging.getLogger("trackwalker.authority")

CHECKED = "authority.checked"
"""The line of the audit before an effect: which, in which area, at which level, and what came of the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grants:
    """What the file of grants says, as it was read at the commit `sha`; `broken` says why it cannot be used."""

    sha: str
    file: "TrustFile | None"
    broken: str = ""


@dataclass(slots=True, kw_only=True)
class Trust:
    """The port `Trust` (see `cases.ports`). Safe to use from several threads.

    frozen    why nothing may be merged unasked now, "" for nothing
    renewals  when what drafts changed
    """

    settings: Settings
    forge: Forge
    book: "LedgerTrust"
    audit: Audit
    clock: Clock
    frozen: Callable[[], str] = str
    renewals: Callable[[], Sequence[Renewal]] = tuple
    _read: Grants | None = field(default=None, init=False)

    def standing(self, area: Area) -> Standing:
        """How the area stands. Raises TemporaryError when the file of grants or the ledger cannot be read now."""
        grants = self.grants()
        return self._standing(area, grants, self.book.marks(area.kind))

    def every(self) -> tuple[Standing, ...]:
        """How every area stands that has an outcome, or a proposal. Raises as `standing` does."""
        grants, marks = self.grants(), self.book.marks()
        areas = sorted({mark.area for mark in marks}, key=str)
        return tuple(self._standing(area, grants, marks) for area in areas)

    def grants(self) -> Grants:
        """The file of grants as it is on the watched branch now. One that is not there grants nothing.

        One that cannot be used grants nothing either, and takes the default back to `observe`: it may have meant less.
        """
        wanted = self.settings.authority
        if wanted.file is None:
            return Grants(sha="", file=None)
        repository = self.repository
        sha = self.forge.head(repository)
        if self._read is None or self._read.sha != sha:
            self._read = self._at(repository, sha, wanted.file)
        return self._read

    def check(self, case: Case, effect: Effect) -> Allow | Refuse:
        """Whether the effect may be done now; a line of the audit says so before it is. Raises as `standing` does."""
        standing = self.standing(acts_in(case, case.change))
        from cases.may import may  # needed with the first effect

        verdict = may(case, effect, standing)
        detail = {
            "key": effect.key,
            "kind": type(effect).__name__,
            "area": str(standing.area),
            "level": standing.level.word,
            "verdict": type(verdict).__name__.lower(),
            "because": verdict.because if isinstance(verdict, Allow) else "; ".join(verdict.reasons),
        }
        self.audit.append(AuditEntry(at=self.clock.now(), actor=DAEMON, action=CHECKED, case=case.id, detail=detail))
        return verdict

    def beside(self, repository: str) -> Allow | Refuse:
        """Whether anything that belongs to no case may be written to a repository: see `cases.ports.Trust`."""
        grants, wanted = self.grants(), self.settings.authority
        if grants.broken:
            return Refuse(reasons=(f"{wanted.file} cannot be used ({grants.broken})",))
        most = max((wanted.granted, *(grants.file.levels_in(repository) if grants.file is not None else ())))
        said = f"the most that any area of {repository} was given is `{most.word}`"
        if most >= Authority.PROPOSE:
            return Allow(because=said)
        return Refuse(reasons=(f"{said}, and this needs `{Authority.PROPOSE.word}`",))

    @property
    def repository(self) -> str:
        """The repository that the file of grants is in."""
        return self.settings.authority.repository or self.settings.repositories[0].name

    def text(self, sha: str) -> str:
        """The file as it is at a commit; "" where there is none."""
        content = self.forge.read(self.repository, sha, self.settings.authority.file or "")
        return "" if content is None else content.decode("utf-8", "replace")

    def _at(self, repository: str, sha: str, name: str) -> Grants:
        from config.trust_file import read

        content = self.forge.read(repository, sha, name)
        if content is None:
            return Grants(sha=sha, file=None)
        known = tuple(each.name for each in self.settings.repositories)
        try:
            return Grants(sha=sha, file=read(content.decode("utf-8", "replace"), name, self.clock.now(), known))
        except PermanentError as error:
            log.error("nothing of %s counts, and everything is only observed until it is mended: %s", name, error)  # noqa: TRY400 - a sentence
            return Grants(sha=sha, file=None, broken=str(error))

    def _standing(self, area: Area, grants: Grants, marks: tuple[Mark, ...]) -> Standing:
        from remediation.ladder import Gift, standing

        gift = Gift(level=self.settings.authority.granted, because="authority.default in the configuration")
        pool: tuple[str, ...] = (area.repository,)
        if grants.broken:
            because = f"{self.settings.authority.file} cannot be used ({grants.broken})"
            gift = Gift(level=Authority.OBSERVE, because=because)
        elif grants.file is not None and (grant := grants.file.grant(area)) is not None:
            gift = Gift(level=grant.authority, at=grant.granted, because=grant.because)
            pool = grants.file.pool_of(area)
        mine = [mark for mark in marks if _counts(mark, area, pool)]
        now, frozen = self.clock.now(), self.frozen()
        return standing(area, mine, gift, now, frozen=frozen, renewals=self.renewals())


def _counts(mark: Mark, area: Area, pool: tuple[str, ...]) -> bool:
    """Whether a mark belongs to the area, or to the pool of repositories that stands for it."""
    same = (mark.area.kind, mark.area.risk) == (area.kind, area.risk)
    if pool == (area.repository,):
        return mark.area == area
    return same and mark.area.repository in pool


def trust_of(settings: Settings, forge: Forge, ledger: "Ledger", clock: Clock) -> Trust:
    """The authority of a daemon with these settings."""

    def frozen() -> str:
        if settings.model.provider == "none" or Stop.read(ledger.checkpoints.get(STOP)) is None:
            return ""
        return f"the day's budget of {settings.budget.usd_per_day:g} USD is used up"

    def changed() -> Sequence[Renewal]:
        from daemon.makers import renewals  # needed with the first case

        return renewals(ledger.checkpoints)

    return Trust(
        settings=settings,
        forge=forge,
        book=ledger.trust,
        audit=ledger.audit,
        clock=clock,
        frozen=frozen,
        renewals=changed,
    )
