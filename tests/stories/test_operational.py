"""Nobody changed anything, or somebody did just then: the diagnosis names the operational cause, in place or beside."""

from datetime import timedelta
from pathlib import Path

from cases.case import Phase
from cases.diagnosis import Diagnosis, Finding
from cases.logs import ErrorSeen
from signals.recorded import RecordedLogs
from tests.parts.playhouse import House, house

ERRORS = {"name": "errors", "service": "shop", "query": "error_ratio", "harm": "up", "severity": "page"}
REQUESTS = {"name": "requests", "service": "shop", "query": "requests", "severity": "note"}


def diagnosed(it: House) -> Diagnosis:
    case = it.case()
    assert case is not None
    assert case.diagnosis is not None
    for cited in case.diagnosis.claim.rpartition("(")[2].strip(")").split(", "):
        assert cited in {fact.id for fact in case.diagnosis.facts} or not cited.startswith("E")
    return case.diagnosis


def expired(it: House) -> ErrorSeen:
    text = "handshake failed: x509: certificate has expired or is not yet valid"
    began = it.now - timedelta(minutes=19)
    return ErrorSeen(
        service="shop", signature=text, first=began, last=it.now + timedelta(days=1), count=60, before=0, sample=text
    )


def test_a_surge_with_nothing_deployed_is_named_to_the_human(tmp_path: Path) -> None:
    with house(tmp_path, watch=[ERRORS, REQUESTS]) as it:
        del it.deploys[1:]
        with it.alive():
            case = it.until(Phase.ESCALATED)
            found = diagnosed(it)
    assert found.finding is Finding.OPERATIONAL
    assert found.claim.startswith("traffic surge: requests of shop reads 0.")
    assert "(E" in found.claim
    assert "no change explains it: traffic surge: requests of shop" in case.escalation
    assert found.confidence > 0.5


def test_what_logs_alone_say_is_named_as_no_more_than_that(tmp_path: Path) -> None:
    with house(tmp_path) as it:
        del it.deploys[1:]
        it.logs = RecordedLogs(recorded=[expired(it)])
        with it.alive():
            it.until(Phase.ESCALATED)
            found = diagnosed(it)
    assert found.finding is Finding.OPERATIONAL
    assert found.claim.startswith("certificate expiry: 60 lines of the log say so (E")


def test_beside_a_suspect_it_is_an_alternative_and_takes_nothing_away(tmp_path: Path) -> None:
    with house(tmp_path, watch=[ERRORS, REQUESTS]) as it:
        it.logs = RecordedLogs(recorded=[expired(it)])
        with it.alive():
            it.until(Phase.PROPOSED)
            found = diagnosed(it)
            (pull,) = it.pull_requests()
    assert found.finding in {Finding.SUSPECT, Finding.SHORTLIST}
    assert found.alternatives[0].startswith("traffic surge: requests of shop reads")
    assert "certificate expiry: 60 lines of the log say so" in found.alternatives[1]
    assert "- considered: traffic surge: requests of shop" in pull["body"]
