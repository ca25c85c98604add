"""One small example of every noun, for tests that need any."""

from datetime import UTC, datetime, timedelta

from cases.anomaly import Anomaly, AnomalyKind
from cases.change import BlastRadius, ChangeClass, FileEdit, Part, Patch, Promise
from cases.diagnosis import Commit, Diagnosis, Evidence, Finding, Suspect
from cases.events import (
    Acknowledged,
    Approved,
    Closed,
    Deployed,
    Diagnosed,
    Disproved,
    Drafted,
    Echoed,
    Entry,
    Escalated,
    Event,
    Extended,
    Frozen,
    Gated,
    Guided,
    Harmed,
    Heard,
    Joined,
    Judged,
    Killed,
    Looked,
    Noted,
    Opened,
    Overridden,
    Override,
    Proved,
    Recovered,
    Redrafted,
    Rejected,
    Retried,
    Thawed,
    Traced,
)
from cases.measure import SegmentEffect, Segments
from cases.outcome import Ending, Judgement, Lesson, Outcome, Refusal, Ruling
from cases.pull_request_events import (
    Adopted,
    ChecksFailed,
    ClosedUnmerged,
    Explained,
    MergeAnnounced,
    Merged,
    MergeWithheld,
    Proposed,
    Refreshed,
    Remarked,
    RemarkKind,
    Shown,
    TakenOver,
)
from cases.telemetry import Deploy, Direction, Severity, Signal
from cases.verdict import Check, Claim, Trial, Verdict

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SHA = "0123456789abcdef0123456789abcdef01234567"
CULPRIT = "c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00"


def a_signal(name: str = "errors", harm: Direction | None = Direction.UP) -> Signal:
    return Signal(name=name, service="shop", source="main", query="error_ratio", harm=harm, severity=Severity.PAGE)


def an_anomaly(name: str = "errors", direction: Direction = Direction.UP) -> Anomaly:
    return Anomaly(
        signal=a_signal(name),
        labels={"service": "shop", "route": "/checkout"},
        detector="seasonal",
        kind=AnomalyKind.LEVEL,
        direction=direction,
        onset=NOW - timedelta(minutes=5),
        onset_bound_s=5,
        detected=NOW - timedelta(minutes=4),
        value=0.31,
        expected=0.01,
        low=0.0,
        high=0.03,
        score=0.98,
    )


def a_commit(sha: str = CULPRIT, title: str = "Round discounts", minutes_ago: float = 10) -> Commit:
    return Commit(
        sha=sha,
        at=NOW - timedelta(minutes=minutes_ago),
        author="shop developer",
        title=title,
        parents=(SHA,),
        files=("shop/pricing.py",),
        patch="-    return price\n+    return round(price)\n",
        pull_request=12,
    )


def a_suspect(sha: str = CULPRIT, score: float = 0.8, *, before_onset: bool = True) -> Suspect:
    return Suspect(
        commit=a_commit(sha),
        repository="shop",
        score=score,
        deployed=NOW - timedelta(minutes=6) if before_onset else None,
        before_onset=before_onset,
        mechanism="it changes /checkout",
        evidence=("E3",),
    )


def a_diagnosis() -> Diagnosis:
    fact = Evidence(id="E1", fact="errors read 0.31", source="main: error_ratio", at=NOW, numbers={"value": 0.31})
    return Diagnosis(
        finding=Finding.SUSPECT,
        claim="c0ffee00c0 was deployed before the onset",
        facts=(fact,),
        suspects=(a_suspect(),),
        confidence=0.8,
        disproof="errors stay up",
    )


def a_change(number: int = 1, rolls_back: int | None = None) -> Patch:
    edits = (
        FileEdit(path="shop/pricing.py", content=b"x = 1\n\xff", executable=True),
        FileEdit(path="gone", content=None),
    )
    return Patch(
        number=number,
        kind=ChangeClass.REVERT,
        origin="playbook:revert-the-culprit",
        title="Revert “Round discounts”",
        summary="Undoes it.",
        parts=(Part(repository="shop", base=SHA, edits=edits, diff="-a\n+b\n", added=1, removed=1),),
        promise=Promise(
            signal="shop/errors", direction=Direction.DOWN, before=0.31, after=0.01, horizon=timedelta(minutes=30)
        ),
        blast_radius=BlastRadius(files=2, lines=2, services=("shop",), owners=("@sre",)),
        inverse_of=CULPRIT,
        rolls_back=rolls_back,
    )


def a_trial(verdict: Verdict = Verdict.PASSED) -> Trial:
    check = Check(name="Reproduction", verdict=verdict, base="exit 1", change="exit 0", seconds=0.5)
    return Trial(
        change=1,
        base=SHA,
        sandbox="scripted",
        at=NOW,
        checks=(check,),
        claim=Claim.PROVED,
        seconds=1.0,
        own_seconds=0.5,
    )


def a_judgement(ruling: Ruling = Ruling.WORKED) -> Judgement:
    return Judgement(
        change=1, ruling=ruling, at=NOW, because="it fell", signal="shop/errors", effect=-0.3, low=-0.32, high=-0.28,
        confidence=0.95, normal=0.01, anomalous=0.31, after=0.01, evidence=1e6, samples=30, settings="alpha 1%",
    )  # fmt: skip


def a_lesson() -> Lesson:
    return Lesson(
        id="abcd1234", at=NOW, fingerprint="f" * 12, service="shop", signal="shop/errors",
        strategy="playbook:revert-the-culprit", ending=Ending.WORKED, subject="c0ffee00c0 Round discounts",
        paths=("shop/pricing.py",), text="reverting worked", case="deadbeef", pull_request="http://127.0.0.1/1",
    )  # fmt: skip


def an_outcome() -> Outcome:
    return Outcome(ending=Ending.WORKED, change=1, because="it fell", at=NOW, judgement=a_judgement())


def an_opened() -> Opened:
    anomaly = an_anomaly()
    reasons = ("severity page: the watch errors says so",)
    return Opened(case_id="deadbeef", service="shop", fingerprint=anomaly.fingerprint, anomaly=anomaly, reasons=reasons)


def an_entry(event: Event, minutes: float = 0) -> Entry:
    return Entry(at=NOW + timedelta(minutes=minutes), actor="daemon", event=event)


EXAMPLES: tuple[Event, ...] = (
    an_opened(),
    Joined(anomaly=an_anomaly("latency")),
    Echoed(anomaly=an_anomaly("latency"), because="web depends on shop"),
    Traced(anomaly=an_anomaly("pool"), because="shop depends on it"),
    Recovered(because="it fell"),
    Diagnosed(diagnosis=a_diagnosis()),
    Drafted(change=a_change()),
    Redrafted(change=a_change(), because="base moved"),
    Proved(trial=a_trial()),
    Disproved(trial=a_trial(Verdict.FAILED)),
    Proposed(change=1, repository="shop", branch="trackwalker/deadbeef-1"),
    Merged(change=1, repository="shop", pull_request=7, url="http://127.0.0.1/7", sha=SHA, merged_at=NOW, by="sre"),
    Adopted(change=a_change(), sha=SHA, by="sre"),
    ClosedUnmerged(change=1, url="http://127.0.0.1/7", by="sre", because="no"),
    TakenOver(branch="trackwalker/deadbeef-1", sha=CULPRIT),
    Deployed(change=1, deploy=Deploy(service="shop", commit=SHA, started=NOW, source="build_info")),
    Noted(facts=(Evidence(id="E9", fact="impact: orders -12% since the onset", source="books", at=NOW),)),
    Extended(until=NOW, because="little traffic"),
    Judged(judgement=a_judgement()),
    Looked(
        change=1,
        users=(900, 910),
        crossed=2,
        because="the bar lies inside the interval",
        control=0.34,
        treated=0.31,
        lift=0.03,
        low=-0.01,
        high=0.07,
        hope=0.6,
        safety={"shop/p95": "open"},
        rails={"shop/p95": (0.2, 0.21)},
        segments=Segments(
            by="country",
            most=8,
            effects=(
                SegmentEffect(segment="de", users=(500, 510), lift=0.05, low=0.01, high=0.09),
                SegmentEffect(segment="at", users=(40, 42), because="fewer than 100 users in an arm"),
            ),
        ),
    ),
    Harmed(judgement=a_judgement(Ruling.HARMFUL)),
    Killed(because="guardrail", judgement=a_judgement(Ruling.HARMFUL)),
    Escalated(reason="nothing fits"),
    Gated(reason="observe"),
    Approved(because="yes"),
    Rejected(because="no"),
    Acknowledged(ask="deadbeef-e1", because="I look"),
    Frozen(reason="a bug"),
    Thawed(because="mended"),
    Guided(text="look at the cache"),
    Retried(because="again"),
    Heard(comment=4711, by="sre", word="pause", answer="paused"),
    Overridden(how=Override.FORCE, text="the limit is for quiet days"),
    Closed(outcome=an_outcome(), lesson=a_lesson()),
    Refreshed(change=1, standing="back", because="the signals are back"),
    MergeAnnounced(change=1, sha=SHA, until=NOW + timedelta(minutes=30), because="it is low risk"),
    MergeWithheld(change=1, because="checks failed"),
    Remarked(change=1, comment=-12, by="sre", kind=RemarkKind.QUESTION, text="why?", answer="E1: it rose"),
    Explained(why=Refusal.WRONG_CAUSE, by="sre", comment=4712, lesson=a_lesson()),
    Shown(change=1, because="its checks are green"),
    ChecksFailed(change=1, sha=SHA, failed=("build",), because="it is drafted again", output="build: exit 1"),
)


def an_event(kind: type[Event]) -> Event:
    """The example of that kind of event."""
    return next(event for event in EXAMPLES if type(event) is kind)
