"""Which suspects are linked to the symptom, where a stack trace says which code is concerned."""

from dataclasses import replace
from datetime import timedelta

from cases.diagnosis import Commit, Suspect
from cases.incident import Incident, telling_values
from cases.logs import Frame, Trace
from cases.telemetry import Deploy
from detectors.suspects import rank
from tests.parts.nouns import NOW, an_anomaly

TRACE = Trace(
    exception="KeyError",
    message="'percent'",
    frames=(
        Frame(file="shop/checkout.py", line=12, function="place"),
        Frame(file="shop/pricing.py", line=21, function="reduced"),
    ),
    language="python",
)


def commit(number: int, path: str, *lines: str, heading: str = "", first: int = 1) -> Commit:
    body = "\n".join(lines)
    patch = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -{first},3 +{first},3 @@ {heading}\n{body}\n"
    at = NOW - timedelta(minutes=60 - number)
    return Commit(
        sha=f"{number:040x}", at=at, author="dev", title="Work", parents=("f" * 40,), files=(path,), patch=patch
    )


def ranked(*commits: Commit, raised: tuple[Trace, ...] = (TRACE,)) -> dict[int, Suspect]:
    """By number. All came with one deploy, ten minutes before the onset."""
    newest = tuple(sorted(commits, key=lambda one: one.at, reverse=True))
    deploy = Deploy(service="shop", commit=newest[0].sha, started=NOW - timedelta(minutes=15), source="build_info")
    incident = Incident(
        service="shop", anomalies=(an_anomaly(),), onset=NOW - timedelta(minutes=5),
        words=("pricing", "reduced", "checkout", "place", "KeyError", "/checkout"), raised=raised,
    )  # fmt: skip
    return {int(suspect.commit.sha, 16): suspect for suspect in rank(incident, "shop", newest, (deploy,))}


CULPRIT = commit(1, "shop/pricing.py", "-    return 1", "+    return 2", first=21)
SAME_FILE = commit(2, "shop/pricing.py", "-    tax = 1", "+    tax = 2", heading="def tax(net):", first=80)
FLAG = commit(3, "flags.json", '-  "reduced-prices": false', '+  "reduced-prices": true')
NEW = commit(4, "shop/checkout.py", "+def thanks(name):", "+    return name", first=90)


def test_where_a_trace_leads_other_code_of_the_same_file_is_no_link() -> None:
    found = ranked(CULPRIT, SAME_FILE, FLAG, NEW)
    links = {number: suspect.linked_by for number, suspect in found.items()}
    assert links == {1: "trace", 2: "", 3: "words", 4: ""}
    assert next(iter(found)) == 1
    assert found[2].mechanism == ""


def test_without_a_trace_words_link_code_that_runs() -> None:
    found = ranked(CULPRIT, SAME_FILE, FLAG, NEW, raised=())
    links = {number: suspect.linked_by for number, suspect in found.items()}
    assert links == {1: "words", 2: "words", 3: "words", 4: ""}
    assert min(found, key=lambda number: found[number].score) == 4


def test_a_line_is_known_by_its_text_wherever_it_stands_now() -> None:
    raised = Frame(file="shop/pricing.py", line=88, function="reduced", text="return net * factor[kind]")
    wrote = commit(1, "shop/pricing.py", "-    return net", "+    return net * factor[kind]", first=21)
    near = commit(2, "shop/pricing.py", "-    kind = 1", "+    kind = 2", heading="def reduced(net):", first=86)
    found = ranked(wrote, near, raised=(replace(TRACE, frames=(raised,), fact="E3"),))
    assert [(suspect.linked_by, suspect.raised) for suspect in found.values()] == [("trace", ("E3",)), ("trace", ())]
    assert next(iter(found)) == 1


def test_values_of_a_label_that_has_trouble_everywhere_say_nothing() -> None:
    routes = [replace(an_anomaly(), labels={"route": name, "zone": "a"}) for name in ("/cart", "/search", "/orders")]
    assert telling_values(routes) == ["a"] * 3
    assert telling_values(routes[:2]) == ["/cart", "a", "/search", "a"]
