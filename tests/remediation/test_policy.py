"""The gate says every reason, and fails closed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cases.change import ChangeClass, FileEdit
from cases.diagnosis import AS_WELL
from cases.events import Approved, Diagnosed, Drafted
from cases.lifecycle import advance, opened
from cases.policy import Allow, AskFirst, Decision, Refuse, Wait
from cases.pull_request import OpenWork, PullRequest, PullRequestState
from cases.telemetry import Severity
from cases.verdict import Claim
from remediation.policy import AS_GOOD, Traffic, gate, refusals
from tests.parts.nouns import NOW, SHA, a_change, a_diagnosis, a_suspect, a_trial, an_entry, an_opened
from tests.parts.settings import some_settings as settings

QUIET = Traffic(open=(), opened=())


def a_pull_request(number: int, *labels: str) -> PullRequest:
    return PullRequest(
        repository="shop", number=number, url="", branch="trackwalker/x-1", head="", state=PullRequestState.OPEN,
        draft=False, title="", body="", labels=labels,
    )  # fmt: skip


CASE = opened(an_entry(an_opened()))


def test_a_proved_change_goes_on() -> None:
    assert gate(CASE, a_change(), a_trial(), settings(), QUIET, NOW) == Allow()


def test_what_is_only_correlated_is_a_draft() -> None:
    trial = replace(a_trial(), claim=Claim.CORRELATED)
    decision = gate(CASE, a_change(), trial, settings(), QUIET, NOW)
    assert decision == Allow(draft=True, because="the cause is correlated, not reproduced")


def test_time_alone_accuses_nobody() -> None:
    guess = replace(a_trial(), claim=Claim.CORRELATED)
    unlinked = replace(a_diagnosis(), suspects=(replace(a_suspect(), mechanism=""), a_suspect(SHA)))
    case = advance(CASE, an_entry(Diagnosed(diagnosis=unlinked)))
    decision = gate(case, a_change(), guess, settings(), QUIET, NOW)
    assert isinstance(decision, Refuse)
    assert "nothing but its time links c0ffee00c0 to the symptom" in decision.reasons[0]
    assert "it could as well be 0123456789" in decision.reasons[0]
    linked = advance(CASE, an_entry(Diagnosed(diagnosis=a_diagnosis())))
    assert isinstance(gate(linked, a_change(), guess, settings(), QUIET, NOW), Allow)
    assert gate(case, a_change(), a_trial(), settings(), QUIET, NOW) == Allow()


def test_what_was_not_reproduced_waits_for_a_human_where_something_else_explains_it_as_well() -> None:
    guess = replace(a_trial(), claim=Claim.CORRELATED)
    surge = replace(a_diagnosis(), alternatives=(f"traffic surge: requests reads 60 (E1) {AS_WELL}", "a remark"))
    rival = replace(a_suspect(SHA), score=a_suspect().score - AS_GOOD)
    two = replace(a_diagnosis(), suspects=(a_suspect(), rival))
    for diagnosis, said in ((surge, "traffic surge: requests reads 60"), (two, "0123456789 is linked as well")):
        case = advance(CASE, an_entry(Diagnosed(diagnosis=diagnosis)))
        decision = gate(case, a_change(), guess, settings(), QUIET, NOW)
        assert isinstance(decision, Refuse)
        assert f"c0ffee00c0 was not reproduced, and {said}" in decision.reasons[0]
        assert "a remark" not in decision.reasons[0]
        assert gate(case, a_change(), a_trial(), settings(), QUIET, NOW) == Allow()
    for weaker in (replace(rival, score=0.7), replace(rival, linked_by="words"), replace(rival, before_onset=False)):
        clear = replace(a_diagnosis(), suspects=(replace(a_suspect(), linked_by="trace"), weaker))
        case = advance(CASE, an_entry(Diagnosed(diagnosis=clear)))
        assert isinstance(gate(case, a_change(), guess, settings(), QUIET, NOW), Allow)


@pytest.mark.parametrize("authority", ["observe", "propose"])
def test_below_pull_request_a_human_is_asked_first(authority: str) -> None:
    decision = gate(CASE, a_change(), a_trial(), settings(authority), QUIET, NOW)
    assert isinstance(decision, AskFirst)
    assert "trackwalker approve deadbeef" in decision.reason


def test_a_yes_holds_for_the_change_it_was_given_to() -> None:
    history = (*CASE.history, an_entry(Drafted(change=a_change())), an_entry(Approved(because="yes")))
    approved = replace(CASE, history=history)
    assert gate(approved, a_change(), a_trial(), settings("observe"), QUIET, NOW) == Allow()
    another = replace(approved, history=(*history, an_entry(Drafted(change=a_change(number=2)))))
    assert isinstance(gate(another, a_change(number=2), a_trial(), settings("observe"), QUIET, NOW), AskFirst)


def test_limits_hold_new_work_back_and_never_a_rollback() -> None:
    full = Traffic(open=[a_pull_request(n) for n in range(3)], opened=())
    busy = Traffic(open=(), opened=(NOW - timedelta(minutes=59),))
    assert isinstance(gate(CASE, a_change(), a_trial(), settings(), full, NOW), Wait)
    assert isinstance(gate(CASE, a_change(), a_trial(), settings(), busy, NOW), Wait)
    assert (
        gate(CASE, a_change(), a_trial(), settings(), replace(busy, opened=(NOW - timedelta(hours=2),)), NOW) == Allow()
    )
    assert gate(CASE, a_change(number=2, rolls_back=1), a_trial(), settings(), full, NOW) == Allow()


def test_what_was_left_in_peace_holds_up_nothing_that_is_urgent() -> None:
    old = [a_pull_request(n) for n in range(3)]
    full = Traffic(open=old, opened=(), resting={old[0].branch})
    filed = replace(
        CASE, anomalies=(replace(CASE.anomaly, signal=replace(CASE.anomaly.signal, severity=Severity.TICKET)),)
    )
    assert gate(CASE, a_change(), a_trial(), settings(), full, NOW) == Allow()
    assert gate(CASE, a_change(), a_trial(), settings(), replace(full, resting=()), NOW) == Wait(
        reason="3 pull requests are open, and `budget.prs_open` is 3"
    )
    assert isinstance(gate(filed, a_change(), a_trial(), settings(), full, NOW), Wait)


def test_what_is_denied_is_refused_with_every_reason() -> None:
    change = a_change()
    edits = tuple(
        replace(edit, path=path)
        for edit, path in zip(change.lead.edits, (".github/workflows/ci.yml", "../out"), strict=True)
    )
    bad = replace(
        change,
        parts=(replace(change.lead, edits=edits),),
        blast_radius=replace(change.blast_radius, migrations="found: db/migrations/1.sql"),
    )
    decision = gate(CASE, bad, a_trial(), settings(), QUIET, NOW)
    assert isinstance(decision, Refuse)
    assert len(decision.reasons) == 3
    assert ".github" in decision.reasons[0]
    assert ".." in decision.reasons[1]
    assert "migration" in decision.reasons[2]


def test_an_exact_inverse_may_be_large_and_an_edit_may_not() -> None:
    large = replace(a_change(), blast_radius=replace(a_change().blast_radius, lines=500))
    assert gate(CASE, large, a_trial(), settings(), QUIET, NOW) == Allow()
    edit = replace(large, inverse_of=None)
    decision = gate(CASE, edit, a_trial(), settings(), QUIET, NOW)
    assert isinstance(decision, Refuse)
    assert "max_lines" in decision.reasons[0]


def of_diff(diff: str, *, exact: bool = True, paths: tuple[str, ...] = ("shop/pricing.py",)) -> str:
    """Every reason against a change with that diff."""
    change = a_change()
    edits = tuple(FileEdit(path=path, content=b"x") for path in paths)
    lead = replace(change.lead, diff=diff, edits=edits)
    kind = change.kind if exact else ChangeClass.CONFIGURATION
    changed = replace(change, parts=(lead,), kind=kind, inverse_of=change.inverse_of if exact else None)
    return "; ".join(refusals(CASE, changed, a_trial(), settings()))


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("old mode 100644\nnew mode 100755", "changes the permissions"),
        ("new file mode 120000", "executable, or none"),
        ("new file mode 160000", "executable, or none"),
        ("deleted file mode 160000", "removes a link or a submodule"),
        ("index 1234567..89abcde 120000", "changes a link or a submodule"),
        ("index 1234567..89abcde 160000", "changes a link or a submodule"),
        ("Binary files a/logo.png and b/logo.png differ", "binary"),
        ("GIT binary patch", "binary"),
    ],
)
@pytest.mark.parametrize("exact", [True, False])
def test_no_change_does_more_than_change_text(header: str, said: str, exact: bool) -> None:  # noqa: FBT001 - a parameter
    assert said in of_diff(f"diff --git a/x b/x\n{header}\n", exact=exact)
    looks = header.replace("\n", "\n+")
    assert of_diff(f"diff --git a/x b/x\n@@ -1 +1 @@\n+{looks}\n") == "", "lines that only look like headers"


def test_only_an_exact_inverse_brings_an_executable_file_back() -> None:
    assert of_diff("diff --git a/x b/x\nnew file mode 100755\n") == ""
    assert "executable" in of_diff("diff --git a/x b/x\nnew file mode 100755\n", exact=False)


@pytest.mark.parametrize("secret", ["AKIAABCDEFGHIJKLMNOP", "-----BEGIN RSA PRIVATE KEY-----", "ghp_" + "a1" * 18])
def test_no_change_adds_a_secret_not_even_an_exact_inverse(secret: str) -> None:
    said = of_diff(f"diff --git a/x b/x\n@@ -1 +1 @@\n-x\n+key = {secret!r}\n")
    assert "it looks as if it added" in said
    assert secret not in said
    assert of_diff(f"diff --git a/x b/x\n@@ -1 +1 @@\n-key = {secret!r}\n+x\n") == "", "taking one out is no crime"


def test_only_an_exact_inverse_touches_tests_and_generated_files() -> None:
    paths = ("tests/test_shop.py", "shop/api_pb2.py")
    assert of_diff("", paths=paths) == ""
    said = of_diff("", exact=False, paths=paths)
    assert "tests/test_shop.py: existing tests may not be changed" in said
    assert "shop/api_pb2.py: it is generated" in said


def test_the_size_is_counted_not_told() -> None:
    change = replace(a_change(), inverse_of=None)
    large = replace(change, parts=(replace(change.lead, added=61),))
    assert "max_lines" in "; ".join(refusals(CASE, large, a_trial(), settings()))


def test_what_was_tried_on_another_commit_is_not_proposed() -> None:
    elsewhere = replace(a_trial(), base="f" * 40)
    assert "tried on ffffffffff" in "; ".join(refusals(CASE, a_change(), elsewhere, settings()))


def test_one_open_pull_request_for_one_trouble() -> None:
    alike = replace(QUIET, alike=[replace(a_pull_request(12), url="http://127.0.0.1/12")])
    decision = gate(CASE, a_change(), a_trial(), settings(), alike, NOW)
    assert decision == Refuse(reasons=("the same trouble has an open pull request already: http://127.0.0.1/12",))
    assert gate(CASE, a_change(number=2, rolls_back=1), a_trial(), settings(), alike, NOW) == Allow()


def test_a_human_at_work_on_the_same_lines_is_left_alone() -> None:
    change = a_change()
    hunk = "@@ -3 +3 @@\n-    return price\n+    return round(price)"
    lead = replace(change.lead, diff=f"diff --git a/shop/pricing.py b/shop/pricing.py\n{hunk}\n")
    change = replace(change, parts=(lead,))

    def meeting(patch: str) -> Decision:
        work = OpenWork(number=57, url="", author="sre", path="shop/pricing.py", patch=patch)
        busy = replace(QUIET, others=[(lead, [work])])
        return gate(CASE, change, a_trial(), settings(), busy, NOW)

    there = meeting(hunk)
    assert isinstance(there, Refuse)
    assert "pull request 57 of sre touches the same lines" in there.reasons[0]
    assert meeting("@@ -30 +30 @@\n-x\n+y") == Allow()


def test_improvements_and_live_changes_take_no_place_from_each_other() -> None:
    better = replace(a_change(), kind=ChangeClass.IMPROVEMENT)
    waiting = [a_pull_request(number, "trackwalker:improvement") for number in range(5)]
    live = [a_pull_request(number, "trackwalker:revert") for number in range(5)]
    many = settings(budget={"prs_open": 3, "improvements_open": 1})
    assert gate(CASE, a_change(), a_trial(), many, Traffic(open=waiting, opened=()), NOW) == Allow()
    assert gate(CASE, better, a_trial(), many, Traffic(open=live, opened=[NOW] * 9), NOW) == Allow()
    held = gate(CASE, better, a_trial(), many, Traffic(open=waiting, opened=()), NOW)
    assert held == Wait(reason="5 improvements wait for review, and `budget.improvements_open` is 1")
    held = gate(CASE, a_change(), a_trial(), many, Traffic(open=[*waiting, *live], opened=()), NOW)
    assert held == Wait(reason="5 pull requests are open, and `budget.prs_open` is 3")


def test_an_improvement_is_proposed_on_nothing_less_than_a_proof() -> None:
    better, unshown = replace(a_change(), kind=ChangeClass.IMPROVEMENT), replace(a_trial(), claim=Claim.CORRELATED)
    decision = gate(CASE, better, unshown, settings(), QUIET, NOW)
    assert isinstance(decision, Refuse)
    assert "an improvement is only proposed when it is proved" in decision.reasons[0]


def test_the_words_of_an_exception_in_its_own_lines_are_no_other_cause() -> None:
    guess = replace(a_trial(), claim=Claim.CORRELATED)
    told = f"bad data: 5 lines of the log say so (E4, E5) {AS_WELL}"
    for raised, allowed in ((("E4", "E5"), True), (("E4",), False), ((), False)):
        suspect = replace(a_suspect(), linked_by="trace", raised=raised)
        diagnosis = replace(a_diagnosis(), alternatives=(told,), suspects=(suspect,))
        case = advance(CASE, an_entry(Diagnosed(diagnosis=diagnosis)))
        assert isinstance(gate(case, a_change(), guess, settings(), QUIET, NOW), Allow) is allowed


@pytest.mark.parametrize("shown", ["setting", "shape"])
def test_what_a_signal_shows_stands_against_what_a_log_says(shown: str) -> None:
    guess = replace(a_trial(), claim=Claim.CORRELATED)
    said, other = replace(a_suspect(), linked_by="trace"), replace(a_suspect(SHA), linked_by=shown, score=0.3)
    case = advance(CASE, an_entry(Diagnosed(diagnosis=replace(a_diagnosis(), suspects=(said, other)))))
    decision = gate(case, a_change(), guess, settings(), QUIET, NOW)
    assert isinstance(decision, Refuse)
    assert "0123456789 is linked as well" in decision.reasons[0]


def test_the_second_of_two_changes_on_the_same_lines_waits() -> None:
    said = "shop/pricing.py: trackwalker/x-1 of ours touches the same lines, and this waits for it"
    decision = gate(CASE, a_change(), a_trial(), settings(), replace(QUIET, ahead=(said,)), NOW)
    assert decision == Wait(reason=said)
    rollback = a_change(number=2, rolls_back=1)
    trial = replace(a_trial(), change=2)
    assert isinstance(gate(CASE, rollback, trial, settings(), replace(QUIET, ahead=(said,)), NOW), Allow)


def test_no_change_touches_the_file_of_grants_whatever_it_is_called() -> None:
    named = settings({"default": "pull_request", "file": "ops/grants.yaml"})
    edits = (FileEdit(path="ops/grants.yaml", content=b"grants: []\n"),)
    change = replace(a_change(), parts=(replace(a_change().lead, edits=edits),))
    decision = gate(CASE, change, a_trial(), named, QUIET, NOW)
    assert isinstance(decision, Refuse)
    assert decision.reasons == ("ops/grants.yaml: always denied: it decides over Trackwalker itself",)
    assert isinstance(gate(CASE, change, a_trial(), settings(), QUIET, NOW), Allow)
