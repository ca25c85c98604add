"""The evidence pack of a bundle: what a language model would be shown of an incident that lies on disk."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from cases.bundle import Bundle
from cases.diagnosis import EvidenceKind, Suspect
from cases.moments import from_milliseconds, iso
from detectors.ranking.blame import Sources
from detectors.ranking.ranked import Ranked
from detectors.ranking.ranking import Ranking, rank_bundle
from detectors.ranking.shifts import CLEAR
from detectors.ranking.view import View, view_of
from remediation.evidence import DEPLOYS_SHOWN, Pack
from remediation.neutral import neutral
from remediation.packing import LIMIT, SUSPECTS, Packed, diffs_of, packed

MOST_SERIES, MOST_KINDS, MOST_OPERATIONS, MOST_CAUSES = 8, 5, 4, 3
MORE_SUSPECTS = 5
"""Suspects behind the best ones that have a line without a diff."""
_DOUBT = 0.35  # how much of the trouble must arise in an operation to be told of
_NAME = 80
_CHANGES = frozenset({"commit", "flag"})


def pack_of(bundle: Bundle, ranking: Ranking | None = None, limit: int = LIMIT) -> Packed:
    """Rank the incident, unless that was done, and pack what is known of it."""
    ranking = ranking or rank_bundle(bundle)
    made = _Making(bundle=bundle, view=view_of(bundle, Sources()), now=bundle.alert.fired)
    made.symptoms()
    made.causes([each for each in ranking.suspects if each.kind == "operational"])
    made.errors()
    made.operations()
    suspects = made.suspects([each for each in ranking.suspects if each.kind in _CHANGES])
    made.changes()
    return packed(made.pack.facts, diffs_of(suspects), words=made.words, limit=limit)


@dataclass(slots=True, kw_only=True)
class _Making:
    """A pack in the making. All text goes through `neutral`: none of it is ours."""

    bundle: Bundle
    view: View
    now: datetime
    pack: Pack = field(default_factory=Pack)

    @property
    def words(self) -> tuple[str, ...]:
        """What names the symptom, for the hunks of a diff."""
        alert, said = self.bundle.alert, self.view.said.new[:MOST_KINDS]
        frames = [name for trace in self.view.said.traces[:3] for f in trace.frames for name in (f.file, f.function)]
        operations = [each.name for each in self.view.spans.operations if each.strength >= _DOUBT]
        return (alert.summary, alert.metric, *operations, *frames, *(f"{each.error} {each.sample}" for each in said))

    def symptoms(self) -> None:
        """The alert, the onset, and what moved, the farthest first."""
        alert, view = self.bundle.alert, self.view
        text = f"{neutral(alert.metric, _NAME)} of {neutral(alert.service, _NAME)} alerts since {iso(alert.fired)}"
        self._add(f"{text}: “{neutral(alert.summary, 160)}”", "the alert", EvidenceKind.SYMPTOM)
        bound = view.slack / 1000
        dated = "as the logs alone say" if view.told else "by the series"
        began = f"it began at {iso(from_milliseconds(view.onset))}, give or take {bound:.0f} s ({dated})"
        self._add(began, "series.csv", EvidenceKind.SYMPTOM, onset_bound_s=bound)
        for each in [shift for shift in view.moved if shift.score >= CLEAR][:MOST_SERIES]:
            moved = f"{neutral(each.metric, _NAME)} of {neutral(each.service, _NAME)} went"
            since = f" at {iso(from_milliseconds(each.onset))}" if each.onset is not None else ""
            far = f"{each.score:.3g} deviations"
            text = f"{moved} from {each.before:.4g} to {each.after:.4g}{since}, {far}"
            self._add(text, "series.csv", EvidenceKind.SYMPTOM, before=each.before, after=each.after, score=each.score)

    def causes(self, found: Sequence[Ranked]) -> None:
        """What nobody changed, and what speaks for it."""
        for each in found[:MOST_CAUSES]:
            told = "; ".join(neutral(text, 160) for text in each.evidence[:2])
            text = f"{each.id} in {neutral(each.service, _NAME)} would explain it: {told}"
            self._add(text, "ranking", EvidenceKind.CAUSE, strength=each.score)

    def errors(self) -> None:
        """Kinds of line that are new or burst, a sample of each."""
        for each in self.view.said.new[:MOST_KINDS]:
            kind = "new" if each.fresh else f"far more frequent (before: {each.before})"
            what = neutral(each.error, _NAME) or ("an error" if each.bad else "a line")
            at = f"{each.count} times, first {iso(from_milliseconds(each.first))}"
            innermost = each.trace.frames[-1] if each.trace is not None and each.trace.frames else None
            where = (
                f" in {neutral(innermost.file, 120)}:{innermost.line} {neutral(innermost.function, _NAME)}()"
                if innermost is not None
                else ""
            )
            text = f"{kind} in the log of {neutral(each.service, _NAME)}: {what}{where}, {at}"
            said = f"; it says “{neutral(each.sample, 120)}”"
            self._add(text + said, "logs.ndjson", EvidenceKind.ERROR, count=float(each.count))

    def operations(self) -> None:
        """Where in the calls the trouble arises."""
        found = sorted(self.view.spans.operations, key=lambda each: -each.strength)[:MOST_OPERATIONS]
        for each in [operation for operation in found if operation.strength >= _DOUBT]:
            slow = f"{each.before_ms:.3g} → {each.after_ms:.3g} ms by itself"
            failed = f"{each.before_failed:.0%} → {each.after_failed:.0%} of its spans fail by themselves"
            text = f"{neutral(each.name, _NAME)} of {neutral(each.service, _NAME)}: {slow}, {failed}"
            self._add(text, "spans.ndjson", EvidenceKind.SPAN, before_ms=each.before_ms, after_ms=each.after_ms)
        for service, strength in sorted(self.view.spans.silent.items(), key=lambda pair: -pair[1])[:MOST_OPERATIONS]:
            self._add(f"{neutral(service, _NAME)} is called no more", "spans.ndjson", EvidenceKind.SPAN, share=strength)

    def suspects(self, ranked: Sequence[Ranked]) -> tuple[Suspect, ...]:
        """The best with their diffs, a flag as well as a commit; the next ones have a line."""
        commits = {commit.sha: commit for commit in self.bundle.commits}
        found: list[Suspect] = []
        for number, each in enumerate(ranked[: SUSPECTS + MORE_SUSPECTS]):
            commit = commits.get(each.id) if each.kind == "commit" else None
            title = f" “{neutral(commit.title, _NAME)}”" if commit is not None else ""
            told = "; ".join(neutral(text, 200) for text in each.evidence[: 3 if number < SUSPECTS else 1])
            identity = neutral(each.id, _NAME) if commit is None else commit.short
            name = f"{each.kind} {identity}{title} of {neutral(each.service, _NAME)}"
            text = f"suspect {number + 1}: {name}: {told}"
            evidence = self._add(text, "changes.json", EvidenceKind.SUSPECT, score=each.score)
            if commit is not None and number < SUSPECTS:
                suspect = Suspect(
                    commit=commit,
                    repository=each.service,
                    score=each.score,
                    deployed=None,
                    before_onset=each.able,
                    evidence=(evidence,),
                )
                found.append(suspect)
        return tuple(found)

    def changes(self) -> None:
        """The last deploys and flags up to the onset, over all services."""
        onset = from_milliseconds(self.view.onset + self.view.slack)
        deploys = sorted((each for each in self.bundle.deploys if each.started <= onset), key=lambda d: d.started)
        for deploy in deploys[-DEPLOYS_SHOWN:]:
            self.pack.deploy(deploy, self.now, deploy.service)
        flips = sorted((each for each in self.bundle.flips if each.at <= onset), key=lambda flip: flip.at)
        for flip in flips[-DEPLOYS_SHOWN:]:
            name = f"flag {neutral(flip.flag, _NAME)} of {neutral(flip.service, _NAME)}"
            text = f"{name} was set at {iso(flip.at)}: {neutral(flip.change, _NAME)}"
            self._add(text, "changes.json", EvidenceKind.FLAG)

    def _add(self, text: str, source: str, kind: EvidenceKind, **numbers: float) -> str:
        return self.pack.add(text, source, self.now, numbers, kind)
