"""An edit and its regression test in a real container, judged by what a real pytest left behind."""

import io
import os
import tarfile
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest

from cases.case import Case
from cases.change import ChangeClass, FileEdit, Part
from cases.diagnosis import Finding, Hypothesis
from cases.events import Diagnosed, Disproved, Drafted, Event, Proved
from cases.lifecycle import advance, opened
from cases.verdict import Claim, Verdict
from remediation.prove import prove
from sandbox.docker import DockerSandbox
from tests.parts.dockerd import base_image, containers
from tests.parts.nouns import SHA, a_change, a_diagnosis, an_entry, an_opened
from tests.parts.ports import StillForge, some_ports
from tests.parts.settings import some_settings

OWNER = f"prove-{os.getpid()}"
PRICING = """\
def amount(text):
    return float(text)


def total(cart):
    return sum(amount(item) for item in cart)
"""
FILES = {
    "shop/__init__.py": "",
    "shop/pricing.py": PRICING,
    "tests/test_pricing.py": "from shop.pricing import total\ndef test_adds():\n    assert total(['1', '2']) == 3\n",
}
TEST = "from shop.pricing import total\n\n\ndef test_comma():\n    assert total(['1,50']) == 1.5\n"
MENDED = PRICING.replace("float(text)", "float(text.replace(',', '.'))")
NAME = "tests/test_comma.py"


class Tree(StillForge):
    """A repository whose trees are made here. `run-number` in each says how many were made before it."""

    made = 0

    def tree(self, repository: str, base: str, edits: Sequence[FileEdit]) -> bytes:
        del repository, base
        files = {path: text.encode() for path, text in FILES.items()} | {e.path: e.content or b"" for e in edits}
        files["run-number"] = str(self.made).encode()
        self.made += 1
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for path, text in files.items():
                info = tarfile.TarInfo(path)
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text))
        return buffer.getvalue()


def a_case(pricing: str, test: str) -> Case:
    hypothesis = Hypothesis(
        statement="ValueError is raised in shop/pricing.py:2 amount()", path="shop/pricing.py", line=2,
        function="amount", evidence=("E1",), confidence=0.5, origin="stack trace", exception="ValueError",
    )  # fmt: skip
    diagnosis = replace(a_diagnosis(), finding=Finding.HYPOTHESIS, suspects=(), hypotheses=(hypothesis,))
    edits = (FileEdit(path="shop/pricing.py", content=pricing.encode()), FileEdit(path=NAME, content=test.encode()))
    part = Part(repository="shop", base=SHA, edits=edits, diff="", added=6, removed=1)
    change = replace(
        a_change(), kind=ChangeClass.EDIT, origin="model:talker", parts=(part,), inverse_of=None, tests=(NAME,)
    )
    case = advance(opened(an_entry(an_opened())), an_entry(Diagnosed(diagnosis=diagnosis)))
    return advance(case, an_entry(Drafted(change=change)))


def proved(pricing: str, test: str = TEST) -> Event:
    return tried(a_case(pricing, test))


def tried(case: Case, reproduce: str | None = None) -> Event:
    settings = some_settings(
        repositories=[
            {
                "name": "shop", "url": "http://127.0.0.1:9/acme/shop.git", "full_name": "acme/shop",
                "sandbox": {"image": base_image(), "timeout": "1m"}, "reproduce": reproduce,
            }
        ]
    )  # fmt: skip
    sandbox = DockerSandbox(owner=OWNER)
    with some_ports(settings=settings, sandbox=sandbox, head=SHA, forge=Tree(SHA)) as ports:
        (event,) = prove(case, ports).events
    sandbox.close()
    return event


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    assert containers(f"trackwalker.owner={OWNER}") == set()


def test_a_right_edit_is_proved() -> None:
    event = proved(MENDED)
    assert isinstance(event, Proved)
    assert event.trial.claim is Claim.PROVED, event.trial.checks
    reproduction, new, still = event.trial.checks
    assert (reproduction.base, reproduction.change) == ("ValueError in shop/pricing.py", "passes")
    assert (new.base, new.change) == ("1 failed", "1 passed")
    assert "tests.test_comma::test_comma: ValueError once the rest is out" in new.detail
    assert (still.base, still.change) == ("1 passed, 1 failed", "2 passed")


@pytest.mark.parametrize(
    ("pricing", "test", "check", "said"),
    [
        (PRICING.replace("float(text)", "1.5 * (',' in text)"), TEST, "What passed still passes", "1 pass no longer"),
        (PRICING + "\n", TEST, "New test fails without the change", "it fails with the change as well"),
        (MENDED + "\n\nVAT = 0.2\n", "from shop.pricing import VAT\n\n\ndef test_vat():\n    assert VAT\n",
         "New test fails without the change", "cannot even be collected"),
        (MENDED + "\n\nVAT = 0.2\n", "def test_vat():\n    from shop.pricing import VAT\n\n    assert VAT\n",
         "New test fails without the change", "an error of its own (ImportError)"),
    ],
    ids=["breaks a test", "mends nothing", "test cannot be collected", "test imports what is new"],
)  # fmt: skip
def test_a_wrong_edit_is_disproved(pricing: str, test: str, check: str, said: str) -> None:
    event = proved(pricing, test)
    assert isinstance(event, Disproved), event
    (failed,) = [found for found in event.trial.checks if found.name == check]
    assert failed.verdict is Verdict.FAILED
    assert said in failed.detail


EVERY_OTHER_TIME = "n=$(cat run-number); echo $((n + 1)) > run-number; exit $((1 - n % 2))"


def test_a_reproduction_that_fails_every_other_time_is_never_proved() -> None:
    """It fails on base and passes with the change, by chance; so it does not when both are run again."""
    case = advance(opened(an_entry(an_opened())), an_entry(Diagnosed(diagnosis=a_diagnosis())))
    case = advance(case, an_entry(Drafted(change=a_change())))
    event = tried(case, reproduce=EVERY_OTHER_TIME)
    assert isinstance(event, Proved)
    reproduction, still = event.trial.checks
    assert (reproduction.base, reproduction.change) == ("exit 1", "exit 0")
    assert "came and went: 2 of 3 runs agree" in reproduction.detail
    assert (event.trial.claim, reproduction.verdict) == (Claim.CORRELATED, Verdict.INCONCLUSIVE)
    assert still.verdict is Verdict.PASSED
