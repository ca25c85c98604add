"""Which cases the anomalies of a past stretch would have made: by the daemon's triage, look by look."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

from cases.anomaly import Anomaly
from cases.case import Case
from cases.events import Entry, Joined, Opened
from cases.lifecycle import advance, opened
from daemon.backtest.looks import Episode
from detectors.triage import JoinCase, OpenCase, Suppressed, triage

ACTOR = "backtest"


@dataclass(slots=True, kw_only=True)
class Story:
    """One case, from when it would have been opened until its last anomaly was over."""

    case: Case
    because: str
    episodes: list[Episode] = field(default_factory=list[Episode])

    @property
    def end(self) -> datetime:
        """When its last anomaly was over."""
        return max(episode.end for episode in self.episodes)


def stories(episodes: Iterable[Episode], *, lull: timedelta) -> list[Story]:
    """The cases, oldest first. A case is over once nothing of it was out of range for `lull`: the next opens anew.

    Nothing is diagnosed or mended here, so each case stays open until its signals come back by themselves.
    """
    told: list[Story] = []
    active: list[Story] = []
    ordered = sorted(episodes, key=lambda episode: (episode.seen, episode.anomaly.signal.key))
    for seen, group in groupby(ordered, key=lambda episode: episode.seen):
        active = [story for story in active if story.end + lull >= seen]
        new = _decide(list(group), active, seen, ended=[story.case for story in told if story not in active])
        told += new
        active += new
    return told


def _decide(group: Sequence[Episode], active: Sequence[Story], seen: datetime, ended: Sequence[Case]) -> list[Story]:
    """Let triage decide on the anomalies of one look."""
    of = {id(episode.anomaly): episode for episode in group}
    known = frozenset(case.id for case in ended)
    new: list[Story] = []
    for decision in triage([e.anomaly for e in group], [story.case for story in active], known=known):
        match decision:
            case OpenCase(anomaly=anomaly, others=others, because=because):
                story = Story(case=_opened(decision, seen), because=because)
                story.episodes.append(of[id(anomaly)])
                for other in others:
                    _join(story, other, of[id(other)], seen)
                new.append(story)
            case JoinCase(case_id=case_id, anomaly=anomaly):
                _join(_of(case_id, active), anomaly, of[id(anomaly)], seen)
            case Suppressed(case_id=case_id, anomaly=anomaly):
                # another series of a trouble that a case has: it is part of the story, though no news
                _of(case_id, [*active, *new]).episodes.append(of[id(anomaly)])
    return new


def _of(case_id: str, stories: Sequence[Story]) -> Story:
    return next(story for story in stories if story.case.id == case_id)


def _opened(decision: OpenCase, at: datetime) -> Case:
    event = Opened(
        case_id=decision.case_id,
        service=decision.service,
        fingerprint=decision.fingerprint,
        anomaly=decision.anomaly,
    )
    return opened(Entry(at=at, actor=ACTOR, event=event))


def _join(story: Story, anomaly: Anomaly, episode: Episode, at: datetime) -> None:
    story.case = advance(story.case, Entry(at=at, actor=ACTOR, event=Joined(anomaly=anomaly)))
    story.episodes.append(episode)
