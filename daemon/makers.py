"""Which models draft, and by which prompts: kept in the ledger, so that a change of them is noticed and lowers level 3.

What was earned was earned by what drafted then. Taking models away changes nothing: playbooks stay what they are.
"""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from cases.asking import PROMPTS
from cases.leases import Swap
from cases.ports import Clock
from cases.stores import Checkpoints
from cases.trust import Renewal
from config.settings import Settings
from daemon.ledger.audit import DAEMON, AuditEntry

if TYPE_CHECKING:
    from daemon.ledger.ledger import Ledger

MAKER = "authority/maker"
"""The checkpoint: what drafts now, and when it changed."""
CHANGED = "daemon.maker"
"""The line of the audit about a change of it."""
MOST = 20  # changes that are kept: only the newest can lower anything


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """`maker` drafts since the last of the renewals, or always."""

    maker: str
    renewals: tuple[Renewal, ...] = ()


def maker_of(settings: Settings) -> str:
    """What drafts under these settings, in words; "" where playbooks do alone."""
    asked = [settings.model, *settings.model.failover] if settings.model.provider != "none" else []
    models = [f"{one.provider} {one.diagnose or ''} {one.draft or one.diagnose or ''}".strip() for one in asked]
    return f"{', then '.join(models)}; prompts {PROMPTS}" if models else ""


def noticed(settings: Settings, ledger: "Ledger", clock: Clock) -> None:
    """Keep what drafts now. Where something else did before, the audit says so first, and every level 3 is lowered."""
    maker = maker_of(settings)
    before = ledger.checkpoints.get(MAKER)
    kept = _read(before)
    if not maker or (kept is not None and kept.maker == maker):
        return
    told: tuple[Renewal, ...] = ()
    if kept is not None:
        because = f"what drafts is another now: {maker} (before: {kept.maker})"
        told = (*kept.renewals, Renewal(at=clock.now(), because=because))[-MOST:]
        detail = {"was": kept.maker, "is": maker, "because": "every `auto_merge` falls to `pull_request`"}
        ledger.audit.append(AuditEntry(at=clock.now(), actor=DAEMON, action=CHANGED, detail=detail))
    # Another daemon may have been quicker, with a model of its own: that is noticed at the next start.
    after = _written(_Kept(maker=maker, renewals=told))
    ledger.checkpoints.swap(Swap(key=MAKER, before=before, after=after), clock.now())


def renewals(checkpoints: Checkpoints) -> tuple[Renewal, ...]:
    """When what drafts changed, oldest first."""
    kept = _read(checkpoints.get(MAKER))
    return kept.renewals if kept is not None else ()


def _written(kept: _Kept) -> bytes:
    return json.dumps(asdict(kept), default=datetime.isoformat).encode()


def _read(blob: bytes | None) -> _Kept | None:
    if blob is None:
        return None
    found: dict[str, Any] = json.loads(blob)
    told = [Renewal(at=datetime.fromisoformat(one["at"]), because=one["because"]) for one in found["renewals"]]
    return _Kept(maker=found["maker"], renewals=tuple(told))
