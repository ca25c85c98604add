"""How often the culprit comes first, and whether anybody innocent is convicted, beside a scorer of metrics alone.

    python benchmarks/detection/ranking.py [--each 12] [--seed 7] [--ablate] [--json]

Incidents are made by `bundles.py`: 19 kinds over two systems, written to disk and read back as the command does.
Seeds 1 to 6 were looked at while the ranking was written; 7 and on are held out.

AC@k      the culprit (a commit or a flag) is among the first k suspects; incidents that nobody made are left out
rival     BARO's robust score (maximum after the alert; median and interquartile range before), as its paper has it. It
          ranks services; it finds a commit where that is the newest deploy or flag of its first service
service   the first suspect's service is the one where the fault is
false     convictions of somebody innocent; `operational` those among incidents that nobody made
forged    the same incidents with stack traces into what was changed, and lines and names copied from diffs, forged into
          the logs against one innocent change after the other, beside the true lines and instead of them: in how many
          somebody innocent was convicted, and of those that nobody made. `forged AC@1`: the culprit is first even then,
          where all of them are forged against at once
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from bundles import KINDS, OPERATIONAL, UNEXPLAINED, Incident, incident  # noqa: E402 - after the path

from cases.bundle import Bundle, Entry  # noqa: E402
from cases.moments import milliseconds  # noqa: E402
from daemon.rank.bundle import read_bundle  # noqa: E402
from detectors.hunks import hunks  # noqa: E402
from detectors.ranking.blame import Sources  # noqa: E402
from detectors.ranking.ranking import Ranking, rank_bundle  # noqa: E402
from detectors.ranking.verdict import Verdict  # noqa: E402

ABLATIONS = {
    "all": Sources(),
    "without metrics": Sources(metrics=False),
    "without onset order": Sources(onset=False),
    "without spans": Sources(calls=False),
    "without logs": Sources(logs=False),
    "without stacks": Sources(stacks=False),
    "without words": Sources(words=False),
    "without deploy times": Sources(deploys=False),
    "metrics and deploys alone": Sources(calls=False, logs=False, stacks=False, words=False),
}


@dataclass(slots=True)
class Tally:
    """Counts over incidents."""

    incidents: int = 0
    blamed: int = 0  # incidents with a culprit
    hits: dict[int, int] = field(default_factory=lambda: {1: 0, 3: 0, 5: 0})
    rival: int = 0
    service: int = 0
    rival_service: int = 0
    convicted: int = 0
    false: int = 0
    false_operational: int = 0
    forged: int = 0
    forged_operational: int = 0
    forged_first: int = 0
    operational: int = 0  # of a kind that is known
    recognised: int = 0
    called_operational: int = 0  # of incidents with a culprit
    rank_ms: list[float] = field(default_factory=list[float])
    read_ms: list[float] = field(default_factory=list[float])

    def document(self) -> dict[str, float]:
        """The rates."""
        operational = max(1, self.operational)
        blamed = max(1, self.blamed)
        return {
            "incidents": self.incidents,
            **{f"AC@{k}": round(hits / blamed, 4) for k, hits in self.hits.items()},
            "rival AC@1": round(self.rival / blamed, 4),
            "service AC@1": round(self.service / blamed, 4),
            "rival service AC@1": round(self.rival_service / blamed, 4),
            "convicted": round(self.convicted / blamed, 4),
            "false convictions": self.false,
            "false convictions, operational": self.false_operational,
            "forged AC@1": round(self.forged_first / blamed, 4),
            "false convictions, forged": self.forged,
            "false convictions, forged, operational": self.forged_operational,
            "operational recognised": round(self.recognised / operational, 4),
            "culprits called operational": self.called_operational,
            "rank ms, median": round(float(np.median(self.rank_ms)), 2),
            "rank ms, worst": round(max(self.rank_ms), 2),
            "read ms, median": round(float(np.median(self.read_ms)), 2),
        }


def robust(bundle: Bundle) -> list[str]:
    """Services by BARO's robust score."""
    fired = milliseconds(bundle.alert.fired)
    scores: dict[str, float] = defaultdict(float)
    for (service, _), readings in bundle.series.items():
        before, after = (readings.values[mask] for mask in (readings.times < fired, readings.times >= fired))
        if len(before) and len(after):
            low, high = np.quantile(before, [0.25, 0.75])
            away = np.abs(after - np.median(before)) / (high - low if high > low else 1.0)
            scores[service] = max(scores[service], float(np.max(away)))
    return sorted(scores, key=lambda service: -scores[service])


def newest(bundle: Bundle, service: str) -> str:
    """What changed last in a service before the alert."""
    changes = [(d.started, d.commit) for d in bundle.deploys if d.service == service]
    changes += [(f.at, f.flag) for f in bundle.flips if f.service == service]
    return max((c for c in changes if c[0] <= bundle.alert.fired), default=(None, ""))[1]


def innocents(bundle: Bundle, culprit: str | None) -> list[tuple[str, str]]:
    """(id, service) of every change that did nothing."""
    found = [(d.commit, d.service) for d in bundle.deploys] + [(f.flag, f.service) for f in bundle.flips]
    return [each for each in dict.fromkeys(found) if each[0] != culprit]


def lies(bundle: Bundle, innocent: str, service: str) -> list[Entry]:
    """What somebody writes into the logs who writes any line they like and wants one change convicted."""
    fired, commit = milliseconds(bundle.alert.fired), {c.sha: c for c in bundle.commits}.get(innocent)
    texts, trace = [f"flag {innocent} broke this request"], ""
    for hunk in hunks(commit.patch)[:1] if commit is not None else ():
        function = re.search(r"def (\w+)", hunk.function)
        line = next(iter(hunk.added))
        texts = [text.strip() for text in hunk.added.values()]
        trace = f'Traceback (most recent call last):\n  File "/app/{hunk.path}", line {line}, in '
        trace += f"{function[1] if function else 'main'}\n    x\nKeyError: boom\n"
    found: list[Entry] = []
    for number in range(80):
        at = fired - 100_000 + number * 1000
        error = Entry(at=at, service=service, severity="ERROR", message=f"unhandled {number}", error="KeyError")
        found.append(replace(error, stack=trace))
        found += [replace(error, message=f"{text} {number}", error="") for text in texts]
    return found


def forged(bundle: Bundle, targets: Sequence[tuple[str, str]], *, alone: bool) -> Bundle:
    """The bundle with lies against the targets; `alone`: and without any true line."""
    lines = [line for target in targets for line in lies(bundle, *target)]
    true = () if alone else bundle.entries
    return replace(bundle, entries=tuple(sorted((*true, *lines), key=lambda entry: entry.at)))


def framed(bundle: Bundle, culprit: str | None, use: Sources) -> bool:
    """Whether lies have anybody innocent convicted."""
    for target in innocents(bundle, culprit):
        for alone in (False, True):
            ranking = rank_bundle(forged(bundle, [target], alone=alone), use)
            if ranking.verdict is Verdict.CONVICTED and ranking.suspects[0].id != culprit:
                return True
    return False


def judge(tally: Tally, made: Incident, bundle: Bundle, ranking: Ranking) -> None:
    tally.incidents += 1
    first = ranking.suspects[0] if ranking.suspects else None
    if ranking.verdict is Verdict.CONVICTED and first is not None:
        tally.convicted += first.id == made.culprit
        tally.false += first.id != made.culprit
        tally.false_operational += made.culprit is None
    if made.culprit is None:
        if made.kind not in UNEXPLAINED:
            tally.operational += 1
            tally.recognised += ranking.verdict is Verdict.OPERATIONAL
        return
    tally.blamed += 1
    tally.called_operational += ranking.verdict is Verdict.OPERATIONAL
    named = [suspect.id for suspect in ranking.suspects]
    for k in tally.hits:
        tally.hits[k] += made.culprit in named[:k]
    services = robust(bundle)
    tally.service += first is not None and first.service == made.service
    tally.rival_service += bool(services) and services[0] == made.service
    tally.rival += bool(services) and newest(bundle, services[0]) == made.culprit


@dataclass(slots=True)
class Tallies:
    """Of all incidents, and of each kind."""

    whole: Tally = field(default_factory=Tally)
    by_kind: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))


def run(wanted: argparse.Namespace, *, large: bool) -> dict[str, Tallies]:
    """By which evidence is used; every incident is made once."""
    uses = ABLATIONS if wanted.ablate else {"all": Sources()}
    found = {which: Tallies() for which in uses}
    with tempfile.TemporaryDirectory(prefix="bundles-") as name:
        for kind in wanted.kinds:
            for number in range(wanted.each):
                made = incident(wanted.seed * 1000 + number, kind, large=large)
                folder = made.write(Path(name) / made.name)
                began = time.process_time()
                bundle = read_bundle(folder)
                read_ms = (time.process_time() - began) * 1000
                for which, use in uses.items():
                    tallies = found[which]
                    for tally in (tallies.whole, tallies.by_kind[kind]):
                        tally.read_ms.append(read_ms)
                    _rank(made, bundle, use, (tallies.whole, tallies.by_kind[kind]), wanted)
    return found


def _rank(made: Incident, bundle: Bundle, use: Sources, tallies: Sequence[Tally], wanted: argparse.Namespace) -> None:
    began = time.process_time()
    ranking = rank_bundle(bundle, use)
    spent = (time.process_time() - began) * 1000
    whole = use == Sources()
    wrong = whole and framed(bundle, made.culprit, use)
    ahead = rank_bundle(forged(bundle, innocents(bundle, made.culprit), alone=False), use) if whole else ranking
    held = bool(ahead.suspects) and ahead.suspects[0].id == made.culprit
    for tally in tallies:
        judge(tally, made, bundle, ranking)
        tally.rank_ms.append(spent)
        tally.forged += wrong
        tally.forged_first += held
        tally.forged_operational += wrong and made.culprit is None
    if wanted.show and whole:
        _show(made, ranking)


def _show(made: Incident, ranking: Ranking) -> None:
    place = next((n for n, s in enumerate(ranking.suspects, start=1) if s.id == made.culprit), None)
    wrong = made.culprit is not None and place != 1
    missed = made.culprit is None and made.kind not in UNEXPLAINED and ranking.verdict is not Verdict.OPERATIONAL
    if wrong or missed:
        first = ranking.suspects[0] if ranking.suspects else None
        truth = next((s for s in ranking.suspects if s.id == made.culprit), None)
        print(f"{made.name} ({made.service}) place {place}, {ranking.verdict}: {ranking.why[:200]}")
        for each in (first, truth):
            if each is not None:
                print(f"    {each.score} {each.id[:10]} {each.kind} {each.service} sure={each.sure} {each.evidence}")


def _tell(name: str, whole: Tally, by_kind: dict[str, Tally]) -> None:
    told = whole.document()
    if not by_kind:
        recognised = told["operational recognised"]
        print(f"{name}: AC@1 {told['AC@1']}, false convictions {whole.false}, operational recognised {recognised}")
        return
    print(name)
    for key, value in told.items():
        print(f"    {key:40} {value}")
    for kind, tally in by_kind.items():
        first = f"first {tally.hits[1]}, rival {tally.rival}"
        how = f"recognised {tally.recognised}" if kind in OPERATIONAL else first if tally.blamed else "nobody's"
        ends = f"convicted {tally.convicted}, false {tally.false}, forged {tally.forged}"
        print(f"    {kind:28} {tally.incidents:3} incidents: {how}, {ends}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=12, help="incidents of each kind and system")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--ablate", action="store_true", help="also leave each kind of evidence out")
    parser.add_argument("--show", action="store_true", help="tell of each incident that went wrong")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--kinds", nargs="*", default=KINDS)
    wanted = parser.parse_args()
    document: dict[str, object] = {}
    for large in (False, True):
        name = "40 services" if large else "10 services"
        for which, tallies in run(wanted, large=large).items():
            document[f"{name}, {which}"] = tallies.whole.document()
            if not wanted.json:
                _tell(f"{name}, {which}", tallies.whole, tallies.by_kind if which == "all" else {})
    if wanted.json:
        print(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
