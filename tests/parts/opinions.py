"""What a test asks a model about: a case with two suspects, an error with a trace, and ports that stand still."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cases.case import Case
from cases.diagnosis import Commit, Suspect
from cases.lifecycle import opened
from cases.logs import ErrorSeen
from cases.ports import SignalSource
from cases.telemetry import Deploy
from remediation.consult import Matter
from remediation.edit.places import Place
from remediation.evidence import Pack, pack
from remediation.follow_up import FollowUp
from remediation.ports import Ports
from sandbox.scripted import ScriptedSandbox
from signals.recorded import RecordedLogs, RecordedMarkers
from tests.parts.nouns import CULPRIT, NOW, SHA, a_commit, a_lesson, a_suspect, an_entry, an_opened
from tests.parts.ports import StillForge, some_ports
from tests.parts.settings import some_settings

PRICING = b"def amount(text):\n    return float(text)\n"
OTHER = "beefbeefbeefbeefbeefbeefbeefbeefbeefbeef"
LATE = "1a7e1a7e1a7e1a7e1a7e1a7e1a7e1a7e1a7e1a7e"


class Shelf(StillForge):
    """A forge with one file."""

    def read(self, repository: str, sha: str, path: str) -> bytes | None:
        del repository, sha
        return PRICING if path == "shop/pricing.py" else None


def a_case() -> Case:
    return opened(an_entry(an_opened()))


def suspects() -> tuple[Suspect, ...]:
    """Two that ran before the onset, and one that did not."""
    late = replace(a_suspect(LATE, 0.1), deployed=NOW, before_onset=False, mechanism="", evidence=())
    first = replace(a_suspect(CULPRIT, 0.6), mechanism="", evidence=())
    second = replace(a_suspect(OTHER, 0.5), mechanism="", evidence=())
    return first, second, late


def logs() -> RecordedLogs:
    seen = ErrorSeen(
        service="shop", signature="pool", first=NOW - timedelta(minutes=4), last=NOW, count=40, before=0,
        sample="pool is empty; write to pool@corp.example, password=hunter2-not-a-word-9",
    )  # fmt: skip
    return RecordedLogs(recorded=[seen])


@contextmanager
def asked_about(sources: Mapping[str, SignalSource] | None = None) -> Generator[Matter]:
    """A matter with its facts, on a ledger of its own."""
    case, found = a_case(), suspects()
    settings = some_settings(
        services=[{"name": "shop", "repository": "shop"}, {"name": "web", "repository": "shop", "depends": ["shop"]}]
    )
    with some_ports(settings=settings, sandbox=ScriptedSandbox({}), head=SHA, forge=Shelf(SHA), logs=logs()) as ports:
        told = (Deploy(service="web", commit=OTHER, started=NOW - timedelta(minutes=9), source="build_info"),)
        ready: Ports = replace(ports, signals=sources or {}, changes=RecordedMarkers(recorded=told))
        facts = Pack()
        _, named = pack(case, found, (), (a_lesson(),), NOW, facts)
        onset = min(anomaly.onset for anomaly in case.anomalies)
        commits: Sequence[Commit] = [*(suspect.commit for suspect in found), a_commit("feed" * 10)]
        follow_up = FollowUp(case=case, ports=ready, commits=commits, repository="shop", onset=onset, pack=facts)
        yield Matter(
            case=case.id,
            suspects=named,
            places=(Place(path="shop/pricing.py", line=2, function="amount"),),
            read=lambda path: PRICING if path == "shop/pricing.py" else None,
            words=("checkout", "shop"),
            follow_up=follow_up,
        )


def said(verdict: str = "hypotheses", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of an answer
    """An answer."""
    return {"verdict": verdict, **more}


def change(commit: str = CULPRIT, **more: Any) -> dict[str, Any]:  # noqa: ANN401 - fields of a hypothesis
    """A hypothesis about a commit."""
    return {"kind": "change", "statement": "it rounds", "evidence": ["E3"], "commit": commit, "confidence": 0.9, **more}
