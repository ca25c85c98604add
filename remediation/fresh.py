"""The text of an open pull request, kept true.

It is written anew when the trouble ends or returns, when another version runs, or when related changes come or go.
"""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from cases.case import Case
from cases.errors import PermanentError, TemporaryError
from cases.events import Recovered
from cases.pull_request import PullRequestState
from cases.pull_request_events import Proposed, Refreshed
from cases.steps import ConvertToDraft, Effect, PostComment, RewriteBody, StepResult
from cases.telemetry import Deploy
from remediation.look import Look, seen, story_of
from remediation.neutral import neutral
from remediation.ports import Ports
from remediation.pull_request_text import body
from remediation.related import related

log = logging.getLogger("trackwalker.fresh")

REACH = timedelta(hours=6)
BESIDE = " beside "
BETWEEN = timedelta(minutes=10)  # two times that a text is written anew: a signal that flaps writes no more


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What an open pull request is told for, as it is now.

    back      whether the signals are back by themselves
    deploy    what was deployed last since it was opened; None: nothing was
    undone    whether that version is from before the commit that is blamed: somebody rolled it back
    beside    the cases whose changes are open beside it, and belong to it
    """

    back: bool
    deploy: Deploy | None
    undone: bool
    beside: tuple[str, ...] = ()

    @property
    def word(self) -> str:
        """To compare with."""
        beside = f"{BESIDE}{','.join(self.beside)}" if self.beside else ""
        return f"{'back' if self.back else 'lasts'} {self.deploy.commit[:10] if self.deploy else ''}".strip() + beside


def freshened(case: Case, ports: Ports) -> StepResult | None:
    """The text anew, where what it tells has changed; None where it has not, or where telemetry cannot be read now.

    What else is deployed, or how a signal stands, says nothing of an idea.
    """
    if case.hypothesis is not None:
        return None
    opened = next(e for e in reversed(case.history) if isinstance(e.event, Proposed))
    told, at, known = _told(case, opened.at)
    try:
        stands = _standing(case, ports, opened.at, known)
        if stands.word == told or (at != opened.at and ports.now - at < BETWEEN):
            return None
        if _has_ended(case, ports):  # since it was looked at: what was deployed may be its own merge
            return StepResult(again=ports.now, waiting="the pull request has just ended")
        look = seen(case, ports, around=False)
    except (TemporaryError, PermanentError) as error:  # the pull request is followed all the same
        log.info("case %s: its text is not written anew: %s", case.id, error)
        return None
    return _written(case, ports, look, stands, told)


def _has_ended(case: Case, ports: Ports) -> bool:
    found = ports.forge.find_pull_request(case.change.lead.repository, case.change.branch(case.id))
    return found is None or found.state is not PullRequestState.OPEN


def _written(case: Case, ports: Ports, look: Look, stands: Standing, told: str) -> StepResult | None:
    """What is noted, and asked of the forge."""
    trial = case.trial
    if trial is None:
        return None  # a human's own merge was taken for ours: there is no text of ours to write
    number, part, branch = case.change.number, case.change.lead, case.change.branch(case.id)
    event = Refreshed(change=number, standing=stands.word, because=_because(stands, told), deploy=stands.deploy)
    effects: list[Effect] = []
    try:
        text = body(story_of(look, ports, trial, _overtaken(stands)))
        key = f"{case.id}-{number}-body-{len(look.case.history)}"
        effects.append(RewriteBody(key=key, repository=part.repository, branch=branch, body=text))
    except PermanentError as error:  # what stands there is left: a text that does not hold is no reason to stop
        log.error("case %s: %s", case.id, error)  # noqa: TRY400 - a sentence, no trace
    if stands.deploy is not None and stands.deploy.commit[:10] not in told:
        opened = next(e for e in reversed(case.history) if isinstance(e.event, Proposed))
        effects += _draft(case, stands.deploy, stands, opened.at)
    return StepResult(events=(*look.noted, event), effects=tuple(effects), again=ports.now + ports.settings.cycle)


def _told(case: Case, opened: datetime) -> tuple[str, datetime, Deploy | None]:
    """What its text tells, since when, and of which deploy."""
    for entry in reversed(case.history):
        if isinstance(entry.event, Refreshed):
            return entry.event.standing, entry.at, entry.event.deploy
        if isinstance(entry.event, Proposed):
            break
    back = any(isinstance(e.event, Recovered) and e.at <= opened for e in case.history) and case.recovered is not None
    return Standing(back=back, deploy=None, undone=False).word, opened, None


def _standing(case: Case, ports: Ports, opened: datetime, told: Deploy | None) -> Standing:
    """How it stands. Markers are asked for the last hours alone: what was deployed before was told."""
    since = max(opened, ports.now - REACH)
    deploys = [d for d in ports.changes.deploys(case.service, since, ports.now) if d.started > opened]
    if told is not None:
        deploys.append(told)
    newest = max(deploys, key=lambda deploy: deploy.started, default=None)
    blamed = case.change.blames or case.change.inverse_of
    undone = False
    if newest is not None and blamed is not None:
        repository = ports.settings.service(case.service).repository
        known = ports.forge.contains(repository, newest.commit, newest.commit)  # a marker may name what git does not
        undone = known and not ports.forge.contains(repository, newest.commit, blamed)
    beside = tuple(one.case for one in related(case, ports))
    return Standing(back=case.recovered is not None, deploy=newest, undone=undone, beside=beside)


def _because(stands: Standing, told: str) -> str:
    if stands.deploy is not None and stands.deploy.commit[:10] not in told:
        what = "a version from before what is blamed" if stands.undone else "another version"
        return f"{what} was deployed: {stands.deploy.commit[:10]}"
    if stands.word.partition(BESIDE)[0] == told.partition(BESIDE)[0]:
        return "other changes of ours that belong to it were opened or ended"
    return "the signals are back by themselves" if stands.back else "the signals left their range again"


def _overtaken(stands: Standing) -> str:
    if not stands.undone or stands.deploy is None:
        return ""
    at = f"{stands.deploy.started:%H:%M:%S} UTC"
    return f"What is blamed does not run any more: {stands.deploy.commit[:10]} runs since {at}, without it."


def _draft(case: Case, deploy: Deploy, stands: Standing, opened: datetime) -> list[Effect]:
    """Back to a draft: it was opened for what ran then. Said once; how it stands now is in the text."""
    part, branch = case.change.lead, case.change.branch(case.id)
    key, place = f"{case.id}-{case.change.number}", {"repository": part.repository, "branch": branch}
    ran = "a version without what is blamed" if stands.undone else "another version"
    said = (
        f"**Back to a draft.** {deploy.commit[:10]} runs since {deploy.started:%H:%M:%S} UTC "
        f"({neutral(deploy.source, 60)}), {ran} than when this was opened at {opened:%H:%M:%S} UTC. The lines above "
        "tell how it stands; mark it ready if it is still wanted."
    )
    return [
        ConvertToDraft(key=f"{key}-draft-{deploy.commit[:10]}", **place),
        PostComment(key=f"{key}-another-version", **place, body=said),
    ]
