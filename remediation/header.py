"""The first eight lines of every pull request: what somebody woken at three in the morning asks, in the same order.

A line each, readable as plain text, from stored evidence alone. They are written anew when what they tell has changed.
"""

from cases.anomaly import Anomaly
from cases.change import ChangeClass
from cases.symptom import OWN_WORDS, symptom
from remediation.claims import claim, tidies, what_merging_does
from remediation.figures import figure, roughly
from remediation.impact import impact_headline
from remediation.links import dashboard, live
from remediation.neutral import neutral
from remediation.reach import burn_headline, reach_headline
from remediation.standing import DELAY, DEPLOYS, EXHAUSTED, LASTED, OUT, VALUE, newest
from remediation.telling import Story

LINES = 8
NEVER_LEFT_OUT = (
    " of ",
    "**",
    "Merging",
    "Reaching production",
    "Faster mitigation",
    "would be wrong if",
    "nothing is done",
    "owner",
)
"""What each line is known by."""


def header(story: Story) -> tuple[str, ...]:
    """The eight lines, numbered."""
    lines = (
        alert(story),
        claim(story),
        _merging(story),
        _how_it_reaches_production(story),
        _faster(story),
        _disproof(story),
        _if_nothing_is_done(story),
        _runbook(story),
    )
    return tuple(f"{number}. {line}" for number, line in enumerate(lines, start=1))


def alert(story: Story) -> str:
    """What is wrong, whether it still is, and what it read last."""
    anomaly = story.case.anomaly
    name, link = f"**{neutral(anomaly.signal.name, 60)}**", live(story.links, anomaly)
    what = f"{f'[{name}]({link})' if link else name} of {neutral(anomaly.signal.service, 60)}{where(anomaly)}"
    if anomaly.kind in OWN_WORDS:
        back = " It is back by itself." if story.case.recovered is not None else ""
        return f"{what} {symptom(anomaly)}.{back}"
    return f"{what}: {_stands(story)} (expected {band(anomaly)})."


def _stands(story: Story) -> str:
    seen = newest(story.facts, LASTED)
    if seen is None or VALUE not in seen.numbers:
        return "no sample now"
    stands = "still firing" if seen.numbers[OUT] else "back in its band"
    return f"{stands}, {figure(seen.numbers[VALUE])} at {seen.at:%H:%M:%S} UTC"


def _merging(story: Story) -> str:
    return f"{story.overtaken} {what_merging_does(story)}" if story.overtaken else what_merging_does(story)


def _how_it_reaches_production(story: Story) -> str:
    seen = newest(story.facts, DELAY)
    if seen is None:
        return "**Reaching production:** not known from markers; the watch starts when one shows the merge running."
    many = f"{seen.numbers[DEPLOYS]:.0f}"
    typical = f"about {roughly(seen.numbers[DELAY])} after a merge (median of {many}, {seen.source})"
    return f"**Reaching production:** {typical}; whether by hand or by itself, no marker says. The watch starts there."


def _faster(story: Story) -> str:
    """What helps sooner than a merge: to run again what ran before the suspect, if a marker knows it."""
    change = story.change
    if story.case.hypothesis is not None:
        return "**Faster mitigation:** none is needed: nothing is broken."
    if change.kind in {ChangeClass.FLAG, ChangeClass.CONFIGURATION} or change.lead.runs is not None:
        return "**Faster mitigation:** none known; this one needs no new build."
    suspect = story.suspect
    if suspect is None or suspect.deployed is None:
        return "**Faster mitigation:** none known."
    since = suspect.deployed
    earlier = [d for d in story.deploys if d.started < since and not d.runs(suspect.commit.sha)]
    if not earlier:
        return "**Faster mitigation:** none known: no marker says what ran before."
    last = max(earlier, key=lambda deploy: deploy.started)
    seen = f"{last.commit[:10]}, which ran until {since:%H:%M:%S} UTC ({neutral(last.source, 60)})"
    return f"**Faster mitigation:** deploy the version before again, {seen}."


def _disproof(story: Story) -> str:
    disproof = story.case.diagnosis.disproof if story.case.diagnosis else ""
    link = dashboard(story.links, story.case.anomaly, story.now)
    if tidies(story):
        disproof = "code that is not in this repository asks for the flag, or shows what it guards"
    said = disproof or "the signals come back before it runs"
    return f"**It would be wrong if** {said}." + (f" [Dashboard, this window]({link})" if link else "")


def _if_nothing_is_done(story: Story) -> str:
    if tidies(story):
        return "**If nothing is done:** what an experiment left behind stays; nobody is shown anything else by it."
    anomaly, seen = story.case.anomaly, newest(story.facts, LASTED)
    value = seen.numbers.get(VALUE, anomaly.value) if seen else anomaly.value
    lasted = f", as it has for {roughly(seen.numbers[LASTED])}" if seen else ""
    in_band = anomaly.kind not in OWN_WORDS and seen is not None and seen.numbers.get(OUT) == 0
    goes_on = f"{figure(value)} instead of {figure(anomaly.expected)} goes on{lasted}"
    if (story.case.recovered is not None or in_band) and story.overtaken:
        goes_on = "nothing, as it looks now: it is within its band, and what was blamed does not run"
    elif story.case.recovered is not None or in_band:
        goes_on = "it may come back: it is within its band now, and what is blamed still runs"
    elif anomaly.kind in OWN_WORDS:
        goes_on = f"it stays as it is: {neutral(anomaly.signal.name, 60)} {symptom(anomaly)}"
    beside = "; ".join(filter(None, (impact_headline(story.case, story.facts), reach_headline(story.facts))))
    return f"**If nothing is done:** {goes_on}{f' ({beside})' if beside else ''}. {_budget(story)}."


def _budget(story: Story) -> str:
    burning, gone = burn_headline(story.facts), newest(story.facts, EXHAUSTED)
    if not burning:
        return "No SLO is configured for it"
    return f"{burning}, or {roughly(gone.numbers[EXHAUSTED])} for a whole one ({gone.id})" if gone else burning


def _runbook(story: Story) -> str:
    owners = ", ".join(neutral(owner, 40) for owner in story.service.owners) or "no owner configured"
    runbook = f"[runbook]({story.service.runbook})" if story.service.runbook else "no runbook configured"
    page = f" [All evidence]({story.page})" if story.page else ""
    return f"**Runbook and owner:** {runbook}; {owners}.{page}"


def where(anomaly: Anomaly) -> str:
    """The labels of a series that tell it from others, in brackets; "" for none."""
    hidden = {"__name__", "service"}
    shown = [
        f"{neutral(key, 40)}={neutral(value, 40)}" for key, value in sorted(anomaly.labels.items()) if key not in hidden
    ]
    return f" ({', '.join(shown)})" if shown else ""


def band(anomaly: Anomaly) -> str:
    """What was expected: from, to."""
    return f"{figure(anomaly.low)} to {figure(anomaly.high)}"
