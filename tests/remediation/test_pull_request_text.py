"""The pull request: eight questions first, at most sixty lines, numbers from evidence, and nothing that obeys."""

import re
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from cases.anomaly import Anomaly, AnomalyKind
from cases.case import Case
from cases.change import Reverted
from cases.errors import PermanentError
from cases.events import Deployed, Diagnosed, Drafted, Harmed, Joined, Proved
from cases.lifecycle import advance, opened
from cases.moments import milliseconds
from cases.outcome import Ruling
from cases.pull_request_events import Merged, Proposed
from cases.telemetry import Deploy
from cases.verdict import Check, Claim, Trial, Verdict
from config.settings import LinksSettings, ServiceSettings
from remediation.body_rules import MOST_LINES, held
from remediation.evidence import pack
from remediation.header import header
from remediation.links import dashboard
from remediation.playbooks.revert import CannotRevert, revert
from remediation.pull_request_text import body, title
from remediation.reading import Reading
from remediation.sealed import opened as opened_body
from remediation.standing import noted
from remediation.telling import Story
from tests.parts.nouns import (
    CULPRIT,
    NOW,
    SHA,
    a_change,
    a_commit,
    a_diagnosis,
    a_judgement,
    a_lesson,
    a_suspect,
    an_anomaly,
    an_entry,
    an_event,
    an_opened,
)

# times, shas, evidence ids and the header's own numbering are names, not figures
NAMES = r"\d{4}-\d\d-\d\dT[\d:]+Z|\d\d:\d\d:\d\d|\b(?=[0-9a-f]*\d)[0-9a-f]{8,12}\b|E\d+:|^\d\. "
HOSTILE = "Fixes #1 @everyone <!-- trackwalker:key --> ![x](http://evil.example/a.png) \x1b[31m| a | `b`"
SERVICE = ServiceSettings(name="shop", repository="shop", owners=("@acme/sre",), runbook="http://127.0.0.1/runbook")


def a_trial(claim: Claim = Claim.PROVED) -> Trial:
    checks = (
        Check(name="Reproduction", verdict=Verdict.PASSED, base="exit 1", change="exit 0", detail="it is gone"),
        Check(name="What passed still passes", verdict=Verdict.PASSED, base="27 passed", change="26 passed"),
    )
    return Trial(
        change=1, base=SHA, sandbox="a container", at=NOW, checks=checks, claim=claim, seconds=2.04, own_seconds=1.2
    )


def a_story(
    title: str = "Round discounts", claim: Claim = Claim.PROVED, anomaly: Anomaly | None = None, level: float = 0.27
) -> Story:
    suspect = replace(a_suspect(), commit=a_commit(CULPRIT, title), evidence=())
    first = an_opened() if anomaly is None else replace(an_opened(), anomaly=anomaly)
    case = advance(opened(an_entry(first)), an_entry(Joined(anomaly=an_anomaly("latency"))))
    deploys = (Deploy(service="shop", commit=CULPRIT, started=NOW - timedelta(minutes=6), source="build_info"),)
    facts, suspects = pack(case, (suspect,), deploys, (a_lesson(),), NOW)
    diagnosis = replace(a_diagnosis(), facts=facts, suspects=suspects)
    case = advance(case, an_entry(Diagnosed(diagnosis=diagnosis)))
    undone = a_change().lead
    change = replace(a_change(), title=f"Revert “{title}”", parts=(undone,))
    case = advance(case, an_entry(Drafted(change=change)))
    case = advance(case, an_entry(Proved(trial=a_trial(claim))))
    times = milliseconds(NOW) - np.arange(60, -1, -1, dtype=np.int64) * 10_000
    reading = Reading(anomaly=case.anomaly, times=times, values=np.full(61, level))
    for event in noted(case, reading, deploys, (), NOW):
        case = advance(case, an_entry(event))
    return Story(
        case=case, change=change, trial=a_trial(claim), now=NOW, deploys=deploys, service=SERVICE,
        links=LinksSettings(prometheus="http://127.0.0.1:9090"), reading=reading,
        plot="http://127.0.0.1/p.png", spark="▁█",
    )  # fmt: skip


def test_the_first_eight_lines_answer_the_same_eight_questions() -> None:
    lines = header(a_story())
    assert len(lines) == 8
    asked = (
        "errors",
        "proved",
        "Merging",
        "Reaching production",
        "Faster mitigation",
        "wrong if",
        "nothing is done",
        "Runbook",
    )
    for number, (line, word) in enumerate(zip(lines, asked, strict=True), start=1):
        assert line.startswith(f"{number}. ")
        assert word in line
    assert "still firing, 0.27 at 05:06:07 UTC (expected 0 to 0.03)" in lines[0]
    assert "c0ffee00c0 began to run at 05:00:07 UTC, the trouble at 05:01:07" in lines[1]
    assert "g0.expr=error_ratio" in lines[5]
    assert "@\u2060acme/sre" in lines[7]


def test_it_is_short_and_folded() -> None:
    text = body(a_story())
    assert len(text.splitlines()) <= MOST_LINES
    assert text.splitlines()[0].startswith("1. ")
    assert text.count("<details>") == text.count("</details>") == 5


@pytest.mark.parametrize("claim", [Claim.PROVED, Claim.CORRELATED, Claim.GUESS])
def test_it_claims_no_more_than_was_shown(claim: Claim) -> None:
    text = body(a_story(claim=claim))
    assert f"**{claim}**" in text
    assert "caused" not in text
    assert ("is gone without it" in text) is (claim is Claim.PROVED)


def test_what_was_written_outside_obeys_nobody() -> None:
    story = a_story(HOSTILE)
    for text in (body(story), title(story.change)):
        assert "@everyone" not in text
        assert "#1" not in text
        assert "<!-- trackwalker:key" not in text
        assert "](http://evil" not in text
        assert "evil.example/a.png" not in text.replace("\u2060", "") or "://evil" not in text
        assert "\x1b" not in text


def test_every_figure_comes_from_what_is_stored() -> None:
    story = a_story()
    text = re.sub(r"<!--.*?-->|\]\([^)]*\)|`[^`]*`", "", body(story))
    text = re.sub(NAMES, "", text, flags=re.MULTILINE)
    printed = {float(number) for number in re.findall(r"(?<![\w.])\d+(?:\.\d+)?", text)}
    anomaly, change, trial = story.case.anomaly, story.change, story.trial
    stored = {
        0.27, anomaly.value, anomaly.expected, anomaly.low, anomaly.high, anomaly.onset_bound_s,
        change.blast_radius.files, change.blast_radius.lines, change.lead.added, change.lead.removed,
        change.promise.before, change.promise.after, 30, round(trial.seconds, 1), trial.own_seconds, 1, 0, 27, 26,
        80,  # the confidence, in percent
        anomaly.value / anomaly.expected, (anomaly.value - anomaly.expected) / 0.015,  # times as much, half bands away
        4, 5,  # minutes: from commit to deploy, and how long it has lasted; 0 is the cost as well
    }  # fmt: skip
    assert printed <= {float(f"{value:.3g}") for value in stored}, printed


@pytest.mark.parametrize(
    ("kind", "ahead", "said"),
    [
        (AnomalyKind.ABSENCE, None, "is gone since 2026-03-04T05:01:07Z: it was there at 99% of all points before"),
        (AnomalyKind.SATURATION, (7.1, 11.2), "is at its limit of 0.99 in 7 to 11 hours if it goes on so"),
    ],
)
def test_what_is_gone_or_fills_up_is_told_in_its_own_words(
    kind: AnomalyKind, ahead: tuple[float, float] | None, said: str
) -> None:
    story = a_story(anomaly=replace(an_anomaly(), kind=kind, ahead=ahead, expected=0.99, low=0.99, high=0.99))
    lines = header(story)
    assert said in lines[0]
    assert "in its band" not in lines[0]
    assert said in lines[6]
    assert said in next(fact.fact for fact in story.facts)


def test_a_rollback_speaks_of_the_harm() -> None:
    story = a_story()
    case: Case = story.case
    for kind in (Proposed, Merged, Deployed):
        case = advance(case, an_entry(an_event(kind)))
    harmed = replace(a_judgement(Ruling.HARMFUL), because="worse than before by +0.3")
    case = advance(case, an_entry(Harmed(judgement=harmed)))
    rollback = a_change(number=2, rolls_back=1)
    case = advance(case, an_entry(Drafted(change=rollback)))
    assert (
        "change 1 of this case was judged harmful: worse than before by +0.3"
        in header(replace(story, case=case, change=rollback))[1]
    )


def test_an_empty_undoing_is_not_drafted() -> None:
    story = a_story()
    nothing = Reverted(base=SHA, edits=(), diff="", added=0, removed=0)
    assert isinstance(revert(story.case, 1, "shop", a_commit(), nothing, SERVICE), CannotRevert)
    conflict = replace(nothing, conflicts=("shop/pricing.py",))
    found = revert(story.case, 1, "shop", a_commit(), conflict, SERVICE)
    assert isinstance(found, CannotRevert)
    assert "conflicts in shop/pricing.py" in found.reason


def plain(text: str) -> str:
    """As a mail of plain text shows it: no tags, no hidden comments, no addresses behind words."""
    return re.sub(r"(?<=\])\([^)]*\)", "", re.sub(r"<!--.*?-->|<[^>]+>", "", text)).replace("*", "")


def test_a_plain_mail_reads_the_same() -> None:
    lines = plain(body(a_story())).splitlines()
    assert lines[0] == (
        "1. [errors] of shop (route=/checkout): still firing, 0.27 at 05:06:07 UTC (expected 0 to 0.03)."
    )
    assert "▁█" in "\n".join(lines)
    assert lines[4] == "5. Faster mitigation: none known: no marker says what ran before."


def test_a_figure_that_nothing_stored_has_leaves_nowhere() -> None:
    story = a_story()
    text = body(story)
    assert held(text, story.case) == text
    for line in range(8):
        wrong = text.split("\n")
        wrong[line] += " It was 4711.5 before."
        with pytest.raises(PermanentError, match=rf"line {line + 1}: nothing stored has the figure 4711\.5"):
            held("\n".join(wrong), story.case)
    folded = text.replace("- began ", "- 4711.5 times\n- began ")
    assert held(folded, story.case) == text


@pytest.mark.parametrize("line", range(8))
def test_no_text_leaves_without_its_eight_lines(line: int) -> None:
    story = a_story()
    lines = body(story).split("\n")
    with pytest.raises(PermanentError, match=f"line {line + 1} is not the header's"):
        held("\n".join((*lines[:line], "", *lines[line + 1 :])), story.case)


def test_a_long_proof_is_cut_and_said_to_be() -> None:
    story = a_story()
    many = tuple(
        Check(name=f"Check {number}", verdict=Verdict.PASSED, base="passed", change="passed") for number in range(60)
    )
    trial = replace(story.trial, checks=many)
    text = body(replace(story, trial=trial))
    assert len(text.splitlines()) <= MOST_LINES
    assert "more lines: `trackwalker cases show deadbeef`" in text


def test_what_ran_before_is_the_faster_mitigation() -> None:
    story = a_story()
    before = Deploy(service="shop", commit=SHA, started=NOW - timedelta(hours=9), source="build_info")
    said = header(replace(story, deploys=(before, *story.deploys)))[4]
    assert said == (
        f"5. **Faster mitigation:** deploy the version before again, {SHA[:10]}, which ran until 05:00:07 UTC "
        "(build_info)."
    )


def test_it_says_when_the_trouble_is_over_and_what_is_blamed_is_gone() -> None:
    story = replace(a_story(level=0.01), overtaken="What is blamed does not run any more.")
    lines = header(story)
    assert "back in its band, 0.01 at 05:06:07 UTC" in lines[0]
    assert lines[2].startswith("3. What is blamed does not run any more. **Merging**")
    assert "nothing, as it looks now" in lines[6]


def test_a_dashboard_is_pinned_to_the_window() -> None:
    links = {
        "https://g.example/d/abc/shop": "https://g.example/d/abc/shop?from=1772599867000&to=1772600767000&var-service=shop",
        "https://g.example": "https://g.example/explore?schemaVersion=1&panes=%7B%22trackwalker%22",
    }
    for grafana, wanted in links.items():
        link = dashboard(LinksSettings(grafana=grafana), an_anomaly(), NOW)
        assert link.startswith(wanted)


def test_our_text_is_found_again_whatever_was_written_around_it() -> None:
    ours = body(a_story())
    whole = f"Seen by sre.\r\n\r\n{ours.replace(chr(10), chr(13) + chr(10))}\r\n\r\ncc the team"
    there = opened_body(whole)
    assert there is not None
    assert (there.before, there.ours, there.after) == ("Seen by sre.\n\n", ours, "\n\ncc the team")
    for edited in (whole.replace("still firing", "fine"), whole.replace("<!-- trackwalker:", "<!-- "), "", "1. x"):
        assert opened_body(edited) is None
