"""Whether a change is one that may be merged unasked at all: low risk, where humans allow it, proved, and in time."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cases.case import Case
from cases.change import ChangeClass
from cases.events import Deployed
from cases.merging import Obstacle
from cases.outcome import Ruling
from cases.trust import Risk, acts_in
from cases.verdict import Claim
from config import duration
from config.scope import allowed
from config.settings import Settings
from remediation.ports import Ports


def ineligible(case: Case, ports: Ports) -> Iterator[Obstacle]:
    """What no waiting mends. A change that undoes more than its own lines, or cannot be undone, is a human's."""
    change, trial = case.change, case.trial
    risk = acts_in(case, change).risk
    if risk is not Risk.LOW:
        yield Obstacle(because=f"its risk is {risk}, and only low risk is merged unasked")
    if len(change.parts) > 1:
        yield Obstacle(because=f"it goes to {len(change.parts)} repositories, one after the other")
    yield from _elsewhere(case, ports.settings)
    if trial is None or trial.claim is not Claim.PROVED or trial.base != change.lead.base:
        claim = "never tried on what it stands on" if trial is None or trial.base != change.lead.base else trial.claim
        yield Obstacle(because=f"the sandbox did not prove it ({claim})")
    yield from _late(case, ports)


def _elsewhere(case: Case, settings: Settings) -> Iterator[Obstacle]:
    """Paths outside those that humans named for it."""
    wanted = settings.authority.auto_merge.paths
    if not wanted:
        yield Obstacle(because="`authority.auto_merge.paths` names no path, so nothing is merged unasked")
        return
    others = [path for path in case.change.lead.paths if not allowed(path, wanted)]
    if others:
        yield Obstacle(because=f"{', '.join(others[:3])}: outside `authority.auto_merge.paths`")


def _late(case: Case, ports: Ports) -> Iterator[Obstacle]:
    """What takes back what runs is merged unasked only as long as the harm is young: later other causes are likelier.

    A rollback of ours also needs a judgement that says that harm was done: whoever asks for one merges it.
    """
    change, limit = case.change, ports.settings.judgement.act_within
    if change.rolls_back is not None:
        judged = [j for j in case.judgements if j.change == change.rolls_back and j.ruling is Ruling.HARMFUL]
        if not judged:
            yield Obstacle(because=f"no judgement says that change {change.rolls_back} did harm: somebody asked for it")
            return
        yield from _past(f"change {change.rolls_back}", _ran(case, change.rolls_back), ports.now, limit)
    elif change.kind is ChangeClass.REVERT or change.inverse_of is not None:
        blamed = change.blames or change.inverse_of or ""
        suspects = case.diagnosis.suspects if case.diagnosis is not None else ()
        suspect = next((one for one in suspects if one.commit.sha == blamed), None)
        yield from _past(blamed[:10], suspect.deployed if suspect is not None else None, ports.now, limit)


def _past(what: str, since: datetime | None, now: datetime, limit: timedelta) -> Iterator[Obstacle]:
    if since is None:
        yield Obstacle(because=f"it is not known since when {what} runs")
    elif now - since > limit:
        yield Obstacle(because=f"{what} runs for longer than the {duration.format(limit)} in which it is taken back")


def _ran(case: Case, number: int) -> datetime | None:
    """Since when a change of the case runs; when it was merged, where no marker has said that it does."""
    for entry in case.history:
        if isinstance(entry.event, Deployed) and entry.event.change == number:
            return entry.event.deploy.started
    return next((merge.merged_at for merge in case.merges if merge.change == number), None)
