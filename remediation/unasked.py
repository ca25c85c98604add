"""Merging unasked: what must hold before a proved change is merged by the daemon itself, asked again just before it is.

Only where humans gave its area `auto_merge`. It is announced on its pull request with the time until which anybody who
may write there can say no, then merged as just the commit that was proved. Whatever is missing is said there, and the
change stays with humans.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from cases.case import Case
from cases.errors import PermanentError, TemporaryError
from cases.merging import Obstacle
from cases.moments import iso
from cases.policy import Authority
from cases.pull_request import PullRequest, PullRequestState
from cases.pull_request_events import MergeAnnounced, MergeWithheld
from cases.steps import Effect, MergePullRequest, PostComment, StepResult
from cases.telemetry import Severity
from cases.trust import Standing, acts_in
from cases.unasked import MOST, announced, announcements, merge_key, proposed_at, refused, sayings, withheld
from config import duration
from remediation.armed import disarmed
from remediation.draft import redraft
from remediation.eligible import ineligible
from remediation.neutral import neutral
from remediation.noes import noes
from remediation.ports import Ports
from remediation.pull_request_text import commit_message
from remediation.rounds import last_pushed, rounds
from remediation.under_watch import beside

GRACE = timedelta(minutes=10)
"""How long what passes by itself (checks that still run) may take before it is said on the pull request."""
MOST_ROUNDS = 3  # how often a change is brought up to date only to be merged unasked


def unasked(case: Case, ports: Ports, found: PullRequest) -> StepResult | None:
    """The next thing to do about merging it unasked; None where there is nothing, or its area stands lower."""
    standing = _standing(case, ports)
    if standing is None:
        return None
    stands = announced(case)
    if standing.level < Authority.AUTO_MERGE:
        return None if stands is None else _withhold(case, ports, (Obstacle(because=_level(standing)),))
    before = refused(case)
    if before:
        return _waits(ports, f"{found.url} is a human's to merge: {before}")
    against = lacking(case, ports, found)
    if not against:
        return _announce(case, ports, found, standing) if stands is None else _go(case, ports, stands)
    if stands is None and _only_behind(case, ports, against):
        return redraft(case, ports, "the watched branch moved on, and what is merged unasked is proved on it")
    return _lacks(case, ports, against)


def withdrawn(case: Case, ports: Ports, found: PullRequest) -> StepResult | None:
    """What follows where a merge was announced and does not hold any more; None where it holds, or none was."""
    return None if announced(case) is None else unasked(case, ports, found)


def still_to_do(case: Case, effect: MergePullRequest, ports: Ports) -> bool:
    """See that the merge may be done, just before it; False where it is merged already, by whomever.

    Raises PermanentError for whatever stands against it, TemporaryError where all that does passes, or something cannot
    be read now. `case` is as it is now; what its area stands at is asked apart.
    """
    found = ports.forge.find_pull_request(effect.repository, effect.branch)
    if found is None:
        raise PermanentError(f"the pull request of {effect.branch} is gone from the forge")
    if found.state is PullRequestState.MERGED:
        return False
    stands = announced(case)
    if stands is None or stands.sha != effect.sha or merge_key(case) != effect.key:
        raise PermanentError(f"what was announced of {found.url} does not hold any more")
    if ports.now < stands.until:
        raise TemporaryError(f"{found.url} may be refused until {iso(stands.until)}")
    against = lacking(case, ports, found)
    if against:
        said = f"{found.url} is not merged: {_sentence(against)}"
        raise TemporaryError(said) if all(one.passes for one in against) else PermanentError(said)
    return True


def lacking(case: Case, ports: Ports, found: PullRequest) -> tuple[Obstacle, ...]:
    """All that stands against merging it unasked now, its authority apart."""
    never = tuple(ineligible(case, ports))
    if never:
        return never
    here = (*_announcement(case, ports), *noes(case, ports), *_as_proved(case, ports, found), *beside(case, ports))
    return (*here, *disarmed(case, ports), *_on_the_forge(case, ports, here))


def freed_by(case: Case, ports: Ports) -> bool:
    """Whether it was the daemon that merged the change in hand, by its own authority."""
    receipt = ports.outbox.receipt(merge_key(case))
    return receipt is not None and receipt.facts.get("ours") == "yes"


def no_more(case: Case, because: str) -> tuple[MergeWithheld, Effect]:
    """That what was announced does not hold, for good: the event, and the word about it."""
    event = MergeWithheld(change=case.change.number, because=because, final=True)
    return event, _say(case, f"**Not merged unasked:** {because}. It is a human's now.")


def _standing(case: Case, ports: Ports) -> Standing | None:
    """How the area stands; None where nobody can have given it more than the default."""
    if ports.trust is None or ports.settings.authority.file is None:
        return None
    return ports.trust.standing(acts_in(case, case.change))


def _as_proved(case: Case, ports: Ports, found: PullRequest) -> Iterator[Obstacle]:
    """It is the commit that we pushed, on the commit that it was tried on."""
    pushed = last_pushed(case, ports)
    if case.taken_over == found.branch or found.head != pushed:
        yield Obstacle(because=f"somebody else committed to {found.branch}", no=True)
    part = case.change.lead
    head = ports.forge.head(part.repository)
    if head != part.base:
        yield Obstacle(because=f"the watched branch is at {head[:10]}, and it was proved on {part.base[:10]}")


def _on_the_forge(case: Case, ports: Ports, before: tuple[Obstacle, ...]) -> tuple[Obstacle, ...]:
    """What the forge says, which takes several questions: not asked where it is known not to be merged."""
    if any(not one.passes for one in before):
        return ()
    part = case.change.lead
    return ports.forge.obstacles(part.repository, case.change.branch(case.id), last_pushed(case, ports))


def _announcement(case: Case, ports: Ports) -> Iterator[Obstacle]:
    stands = announced(case)
    if stands is None and announcements(case) >= MOST:
        yield Obstacle(because=f"it was announced {MOST} times, and each time something came between")
    late = ports.settings.authority.auto_merge.veto
    if stands is not None and ports.now > stands.until + late:
        yield Obstacle(because=f"it was announced for {iso(stands.until)}, and nobody expects it now")


def _only_behind(case: Case, ports: Ports, against: tuple[Obstacle, ...]) -> bool:
    """Whether all that it lacks is a proof on the watched branch as it is now."""
    if len(rounds(case)) >= MOST_ROUNDS or any(one.no for one in against):
        return False
    head, base = ports.forge.head(case.change.lead.repository), case.change.lead.base
    return head != base and sum(not one.passes for one in against) == 1


def _announce(case: Case, ports: Ports, found: PullRequest, standing: Standing) -> StepResult:
    until = ports.now + ports.settings.authority.auto_merge.veto
    number, watched = case.change.number, duration.format(ports.settings.judgement.window)
    because = f"{_level(standing)}; proved on {case.change.lead.base[:10]}, checks are green on {found.head[:10]}"
    event = MergeAnnounced(change=number, sha=found.head, until=until, because=because)
    text = (
        f"**Merged unasked at {_at(until)}**, as {found.head[:10]}, unless somebody says no before.\n\n"
        f"- Why it may be: {because}.\n"
        "- A no is any word here of somebody who may write (`/trackwalker stop` will do, an approval is none), the "
        "label `trackwalker:stop`, a review that requests changes, a commit, a draft, or closing it. It is a human's "
        "then.\n"
        f"- What follows: it is watched for {watched} from its deploy on, and taken back by a pull request if it does "
        "harm."
    )
    told = ports.tell(
        f"{case.id}-{number}-announced-{sayings(case)}",
        Severity.TICKET,
        f"{case.service}: merged unasked at {_at(until)} unless you say no",
        f"{case.change.title}\n{because}.\nSay no on its pull request: {found.url}",
        case=case.id,
        link=found.url,
    )
    return StepResult(events=(event,), effects=(_say(case, text), *told), again=_next(ports, until))


def _go(case: Case, ports: Ports, stands: MergeAnnounced) -> StepResult:
    """The window is open, or it is over: then the merge itself, once."""
    if ports.now < stands.until:
        again = _next(ports, stands.until)
        return StepResult(again=again, waiting=f"merged unasked at {_at(stands.until)} unless somebody says no")
    key, change = merge_key(case), case.change
    if because := ports.outbox.dropped(key):
        return _withhold(case, ports, (Obstacle(because=because),))
    if ports.outbox.receipt(key) is not None:
        return _waits(ports, "it is merged, and the forge does not show it yet")
    merge = MergePullRequest(
        key=key,
        repository=change.lead.repository,
        branch=change.branch(case.id),
        sha=stands.sha,
        message=commit_message(case, change, change.title, change.summary),
    )
    return StepResult(effects=(merge,), again=ports.now, waiting="nobody said no: it is merged now")


def _lacks(case: Case, ports: Ports, against: tuple[Obstacle, ...]) -> StepResult:
    """Say what is missing, once; what passes by itself is given a while before."""
    if all(one.passes for one in against) and ports.now < proposed_at(case).at + GRACE:
        return _waits(ports, f"not merged unasked yet: {_sentence(against)}")
    said = withheld(case)
    if said is not None and said.because == _sentence(against):
        return _waits(ports, f"not merged unasked: {said.because}")
    return _withhold(case, ports, against)


def _withhold(case: Case, ports: Ports, against: tuple[Obstacle, ...]) -> StepResult:
    because = _sentence(against)
    final = announced(case) is not None and any(one.no for one in against)
    event = MergeWithheld(change=case.change.number, because=because, final=final)
    more = "" if final or not all(one.passes for one in against) else " When that is over it is announced anew."
    text = f"**Not merged unasked:** {because}. It is a human's to merge.{more}"
    return StepResult(events=(event,), effects=(_say(case, text),), again=ports.now + ports.settings.cycle)


def _level(standing: Standing) -> str:
    return f"authority for {standing.area} is `{standing.level.word}` ({neutral(standing.because[0], 200)})"


def _sentence(against: tuple[Obstacle, ...]) -> str:
    return "; ".join(dict.fromkeys(one.because for one in against))


def _waits(ports: Ports, waiting: str) -> StepResult:
    return StepResult(again=ports.now + ports.settings.cycle, waiting=waiting)


def _next(ports: Ports, until: datetime) -> datetime:
    return min(ports.now + ports.settings.cycle, max(until, ports.now))


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _say(case: Case, text: str) -> Effect:
    change = case.change
    return PostComment(
        key=f"{case.id}-{change.number}-unasked-{sayings(case) + 1}",
        repository=change.lead.repository,
        branch=change.branch(case.id),
        body=text,
    )
