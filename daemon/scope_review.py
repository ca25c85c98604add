"""The weekly review of what may be done unasked: every area with its outcomes, and what could be asked for.

It changes nothing by itself: what outcomes support becomes a pull request that a human merges, or a line in this
report where the daemon may not ask.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cases.moments import iso
from cases.policy import Authority
from cases.stores import Outbox
from cases.telemetry import Severity
from cases.trust import Mark, Standing
from daemon.authority import Trust
from daemon.promotion import Promotion, asked, grant_line, promotions
from remediation.ports import Ports

NAME = "scope-review"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What the review saw. `overlaps` are areas of the configuration that meet, a sentence each."""

    at: datetime
    standings: tuple[Standing, ...]
    promotions: tuple[Promotion, ...]
    overlaps: tuple[str, ...]
    broken: str

    def document(self) -> dict[str, Any]:
        """For programs."""
        return {
            "at": iso(self.at),
            "areas": [document(standing) for standing in self.standings],
            "promotions": [
                {"area": str(p.standing.area), "to": p.to.word, "because": p.because, "grant": grant_line(p, self.at)}
                for p in self.promotions
            ],
            "overlaps": list(self.overlaps),
            "broken": self.broken,
        }

    def text(self) -> str:
        """For people: each area with what it rests on, then what could be given."""
        lines = [f"Authority on {iso(self.at)}. Nothing here changes without a human's merge."]
        lines += [f"The file of grants cannot be used: {self.broken}"] if self.broken else []
        lines += [line for standing in self.standings for line in _said(standing)]
        if not self.standings:
            lines.append("No change of ours was proposed yet, so nothing was earned or lost.")
        for promotion in self.promotions:
            lines.append(f"Could be given: {promotion.standing.area} → `{promotion.to.word}`: {promotion.because}")
            lines.append(f"  {grant_line(promotion, self.at)}")
        lines += [f"Look at: {overlap}" for overlap in self.overlaps]
        return "\n".join(lines)


def review(trust: Trust, marks: Sequence[Mark], now: datetime) -> Review:
    """Look at everything. Raises TemporaryError when the forge or the ledger cannot be read."""
    from config.overlaps import overlaps

    standings = trust.every()
    return Review(
        at=now,
        standings=standings,
        promotions=promotions(standings, marks, now),
        overlaps=overlaps(trust.settings),
        broken=trust.grants().broken,
    )


def standings_document(trust: Trust) -> dict[str, Any]:
    """Every area as it stands: what `trackwalker authority --json` prints and the oversight shows. Raises as `review`.

    `broken` says why the file of grants cannot be used, or "".
    """
    from config.overlaps import overlaps

    grants, settings = trust.grants(), trust.settings
    return {
        "default": settings.authority.default,
        "file": settings.authority.file,
        "broken": grants.broken,
        "areas": [document(standing) for standing in trust.every()],
        "overlaps": list(overlaps(settings)),
    }


def document(standing: Standing) -> dict[str, Any]:
    """One area for programs."""
    area = standing.area
    return {
        "area": {"repository": area.repository, "service": area.service, "class": area.kind, "risk": area.risk.value},
        "level": standing.level.word,
        "given": standing.given.word,
        "earned": standing.earned.word,
        "because": list(standing.because),
        "wanting": standing.wanting,
        "safety": {"score": standing.safety, "merges": standing.outcomes, "clean": standing.clean},
        "acceptance": {"score": standing.acceptance, "proposals": standing.proposals, "as_is": standing.accepted},
        "efficacy": {"judged": standing.judged, "helped": standing.helped},
        "reviewers": list(standing.reviewers),
        "days": standing.days,
    }


def _said(standing: Standing) -> list[str]:
    accepted = "none answered" if standing.accepted is None else f"{standing.accepted:.0%} of {standing.proposals}"
    return [
        f"{standing.area}: `{standing.level.word}`, {standing.because[0]}",
        f"  merges {standing.outcomes} (clean {standing.clean}), score {standing.safety:.2f}; as they were {accepted}, "
        f"score {standing.acceptance:.2f}; helped {standing.helped} of {standing.judged}; "
        f"outcomes support `{standing.earned.word}`" + (f"; missing: {standing.wanting}" if standing.wanting else ""),
    ]


def told(ports: Ports, outbox: Outbox, trust: Trust, marks: Sequence[Mark]) -> Mapping[str, str]:
    """Send this week's review to every receiver, and ask for what may be asked; a second time changes nothing."""
    now = ports.now
    seen = review(trust, marks, now)
    notices = ports.tell(f"{NAME}-{now:%G-W%V}", Severity.NOTE, "what may be done unasked", seen.text(), case="")
    asks = [p for p in seen.promotions if p.standing.given >= Authority.PROPOSE and trust.settings.authority.file]
    outbox.send((*notices, *(asked(promotion, trust.repository, now) for promotion in asks)), now)
    return {"areas": str(len(seen.standings)), "asked": str(len(asks))}
