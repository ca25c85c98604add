"""Our anomalies against the alerts that really fired: which were seen earlier, which missed, and which are extra."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from statistics import median
from typing import Any

from cases.moments import iso
from daemon.backtest.firing import Alerts, Firing
from daemon.backtest.looks import Episode
from daemon.backtest.stories import Story
from daemon.backtest.wording import counted
from daemon.listing import Watch

NEAR = timedelta(minutes=10)
"""So far apart, the end of one and the beginning of the other are still one trouble."""
MOST_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """One alert, and the anomaly of its service that would have told of the same trouble first; None for none."""

    firing: Firing
    episode: Episode | None

    @property
    def lead(self) -> timedelta | None:
        """How much earlier it would have been seen; None where it never was, or the alert fired before the stretch."""
        if self.episode is None or self.firing.before:
            return None
        return self.firing.first - self.episode.seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many of the alerts of a service, or of all, were seen earlier, later, or missed."""

    fired: int
    earlier: int
    later: int
    missed: int
    already: int  # seen, and fired before the stretch: nobody knows how long
    extra: int
    lead: timedelta | None  # the median over earlier and later

    @classmethod
    def of(cls, matched: Sequence[Matched], extra: int) -> "Tally":
        """Count them."""
        leads = [one.lead for one in matched if one.lead is not None]
        return cls(
            fired=len(matched),
            earlier=sum(lead > timedelta(0) for lead in leads),
            later=sum(lead <= timedelta(0) for lead in leads),
            missed=sum(one.episode is None for one in matched),
            already=sum(one.episode is not None and one.firing.before for one in matched),
            extra=extra,
            lead=timedelta(seconds=median(lead.total_seconds() for lead in leads)) if leads else None,
        )

    def document(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "fired": self.fired,
            "earlier": self.earlier,
            "later": self.later,
            "missed": self.missed,
            "already_firing": self.already,
            "extra": self.extra,
            "median_lead_s": self.lead.total_seconds() if self.lead is not None else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """The comparison.

    because    why there is none, or ""
    extra      cases of which no alert told
    unwatched  alerts that fired for nothing that is watched
    services   by name
    watches    key → (alerts that it saw first, its anomalies of which no alert told)
    """

    because: str
    matched: tuple[Matched, ...] = ()
    extra: tuple[Story, ...] = ()
    unwatched: int = 0
    services: Mapping[str, Tally] = field(default_factory=dict[str, Tally])
    watches: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    remarks: tuple[str, ...] = ()

    @property
    def tally(self) -> Tally:
        """Over all services."""
        return Tally.of(self.matched, len(self.extra))

    def words(self) -> tuple[str, ...]:
        """What it comes to, for people."""
        if self.because:
            return (f"not compared with alerts: {self.because}", *self.remarks)
        tally = self.tally
        lead = f", by {_minutes(tally.lead)} in the median" if tally.lead is not None else ""
        said = (
            f"{counted(tally.fired, 'alert')} fired for what is watched: {tally.earlier} would have been seen earlier "
            f"and {tally.later} no earlier{lead}; {tally.missed} missed; {counted(tally.extra, 'case')} extra"
        )
        already = f"{counted(tally.already, 'alert')} fired before the stretch began, and would have been seen"
        elsewhere = f"{counted(self.unwatched, 'alert')} fired for what is not watched"
        return (said, *([already] if tally.already else []), *([elsewhere] if self.unwatched else []), *self.remarks)

    def document(self) -> dict[str, Any]:
        """What stands under `alerts`. Without a comparison there are no counts: nothing is not zero."""
        if self.because:
            return {"compared": False, "because": self.because, "says": list(self.words())}
        return {
            "compared": True,
            "because": "",
            **self.tally.document(),
            "unwatched": self.unwatched,
            "services": [{"service": name, **tally.document()} for name, tally in self.services.items()],
            "watches": [
                {"watch": key, "first_to_see": first, "extra_anomalies": extra}
                for key, (first, extra) in self.watches.items()
            ],
            "each": [_row(one) for one in self.matched[:MOST_SHOWN]],
            "extra_cases": [story.case.id for story in self.extra[:MOST_SHOWN]],
            "says": list(self.words()),
        }


def compare(
    alerts: Alerts, watches: Sequence[Watch], episodes: Iterable[Episode], stories: Sequence[Story]
) -> Compared:
    """Match the alerts that fired with what would have been seen of the same service at about the same time.

    A watch that is made of the alerts themselves takes no part. Nor does one whose source cannot say what fired.
    """
    if not alerts.told:
        because = "; ".join(alerts.silent) or "no source that is watched keeps alerts"
        return Compared(because=because, remarks=alerts.remarks)
    able = {w.signal.key: w.signal.service for w in watches if not w.because and w.signal.source in alerts.told}
    services = set(able.values())
    of: dict[str, list[Episode]] = {}
    for episode in sorted(episodes, key=lambda episode: episode.seen):
        if episode.anomaly.signal.key in able:
            of.setdefault(episode.anomaly.signal.service, []).append(episode)
    firings = [firing for firing in alerts.firings if firing.service in services]
    matched = [Matched(firing=one, episode=next(_near(one, of.get(one.service, ())), None)) for one in firings]
    extra = [story for story in stories if story.case.anomaly.signal.key in able and not _told(story.episodes, firings)]
    tallies = {
        service: Tally.of(
            [one for one in matched if one.firing.service == service],
            sum(story.case.service == service for story in extra),
        )
        for service in sorted(services)
    }
    alone = [e for mine in of.values() for e in mine if not _told([e], firings)]
    return Compared(
        because="",
        matched=tuple(matched),
        extra=tuple(extra),
        unwatched=len(alerts.firings) - len(firings),
        services=tallies,
        watches={
            key: (
                sum(one.episode is not None and one.episode.anomaly.signal.key == key for one in matched),
                sum(episode.anomaly.signal.key == key for episode in alone),
            )
            for key in sorted(able)
        },
        remarks=(*alerts.silent, *alerts.remarks),
    )


def _near(firing: Firing, episodes: Iterable[Episode]) -> Iterator[Episode]:
    return (e for e in episodes if e.seen <= firing.last + NEAR and e.end >= firing.first - NEAR)


def _told(episodes: Iterable[Episode], firings: Sequence[Firing]) -> bool:
    """Whether an alert of the service told of any of them."""
    return any(
        next(_near(firing, [episode]), None) is not None
        for episode in episodes
        for firing in firings
        if firing.service == episode.anomaly.signal.service
    )


def _row(one: Matched) -> dict[str, Any]:
    firing, episode, lead = one.firing, one.episode, one.lead
    return {
        "alert": firing.name,
        "service": firing.service,
        "severity": firing.severity,
        "source": firing.source,
        "start": iso(firing.first),
        "end": iso(firing.last),
        "already_firing": firing.before,
        "seen_at": iso(episode.seen) if episode else None,
        "watch": episode.anomaly.signal.key if episode else None,
        "lead_s": lead.total_seconds() if lead is not None else None,
    }


def _minutes(lead: timedelta) -> str:
    return f"{lead.total_seconds() / 60:.3g} min"
