"""The reproduction that is written first: a test that fails on base as production does, before any edit is asked for.

Where the repository has a `reproduce` command of its own, that is the reproduction, and none is written. A test that
was seen to fail so is fixed: no edit may touch it.
"""

from dataclasses import dataclass
from typing import TypeAlias

from cases.asking import Answer, Material
from cases.case import Case
from cases.errors import PermanentError
from cases.ports import LanguageModel
from cases.trying import CommandReport
from remediation.drafting import CannotDraft, NotAllowed
from remediation.edit import asking
from remediation.edit.brief import Brief
from remediation.edit.code import text_of
from remediation.edit.conversation import test_content
from remediation.edit.proposed import proposal
from remediation.edit.rules import refusals
from remediation.edit.shapes import known_exception
from remediation.failure import Failure, in_production
from remediation.failures import failure_of, failures, outcomes_of
from remediation.neutral import neutral
from remediation.orders import own_commands, tried_on
from remediation.ports import Ports

TRIES = 2  # tests that are asked for: the second is told how the first one ended


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstTest:
    """A test that is fixed, and the run of all tests on base with it."""

    path: str
    content: bytes
    report: CommandReport
    answers: tuple[Answer, ...] = ()

    @property
    def material(self) -> Material:
        """The test as a model is shown it."""
        return Material(
            title=f"{self.path} (the regression test, which fails)", source="the program", text=self.content.decode()
        )


Fixed: TypeAlias = FirstTest | CannotDraft | None


def first_test(case: Case, ports: Ports, model: LanguageModel, brief: Brief) -> Fixed:
    """Ask for the test, and run it on base. None where the repository has a command for it.

    Raises PermanentError and TemporaryError as model and sandbox do.
    """
    lines = {one.name: one for one in own_commands(case, ports, brief.repository)}
    if "reproduce" in lines:
        return None
    production = in_production(case.diagnosis)
    if production is None:
        return CannotDraft(
            reason="no stack trace names the exception and its file, and the repository has no `reproduce` command, so "
            "no edit could be proved"
        )
    texts = [text_of(code) or "" for code in brief.shown.values()]
    called = known_exception(production.exception, texts) or "an exception of another name"
    answers: list[Answer] = []
    told: tuple[Material, ...] = ()
    because = ""
    for number in range(1, TRIES + 1):
        try:
            said, answer = asking.ask(
                model,
                asking.ReproductionAnswer,
                case=case.id,
                purpose="reproduce",
                task=asking.REPRODUCE,
                material=(*brief.evidence, *told),
            )
        except PermanentError as error:
            return CannotDraft(reason=asking.reason(error))
        answers.append(answer)
        if said.test is None:
            why = f": {neutral(said.cannot, 200)}" if said.cannot else ""
            return NotAllowed(reason=f"the model wrote no test that shows the fault{why}", answers=tuple(answers))
        content = test_content(brief, said.test)
        proposed = proposal(ports, brief, {said.test.path: content}, (said.test.path,))
        if isinstance(proposed, CannotDraft):
            return NotAllowed(reason=proposed.reason, answers=tuple(answers))
        refused = refusals(proposed, ports.settings.scope, test_alone=True)
        if refused:
            said_no = f"the model's test is not allowed: {'; '.join(refused)}"
            return NotAllowed(reason=said_no, answers=tuple(answers))
        at, edits = (brief.repository, brief.head), proposed.part.edits
        report = tried_on(case, ports, at, edits, (lines["test"],), f"first{number}").commands[0]
        because = otherwise(report, said.test.path, production, content, called=called)
        if not because:
            return FirstTest(path=said.test.path, content=content, report=report, answers=tuple(answers))
        told = (
            Material(
                title="Your test was run on the code as it is, and does not show the fault",
                source="the program",
                text=f"{because}\n\n{said.test.path}:\n{said.test.content}",
            ),
        )
    return CannotDraft(
        reason=f"the model wrote no test that fails as production does, in {len(answers)} answers: {because}"
    )


def otherwise(report: CommandReport, path: str, production: Failure, content: bytes = b"", *, called: str = "") -> str:
    """How the test ended, where it did not fail as production does; "" where it did. `content` is the test's file.

    The model is told so: `called` is what production's exception is called then, for anybody may make one up.
    """
    if report.ended != "exited":
        return "the tests could not be run to their end"
    if not report.tests:
        return "the test command leaves no report a test, so the new one cannot be told"
    outcomes = outcomes_of(report, path, content)
    if not outcomes:
        return "it was not run: its file cannot be collected, or test runners do not look there"
    failing = [test for test, outcome in outcomes.items() if outcome == "failed"]
    if not failing:
        return "it passes as the code is now"
    known = failures(report)
    wanted = (production.exception.rpartition(".")[2], production.path)
    shown = {(found.exception, found.path) for test in failing if (found := failure_of(test, known)) is not None}
    if wanted in shown:
        return ""
    words = ", ".join(f"{neutral(name, 60)} in {neutral(file, 60) or 'no file of its own'}" for name, file in shown)
    own = words or "nothing that can be read"
    return f"it fails with {own}, and production with {called or wanted[0]} in {wanted[1]}"
