"""Who decides what: each request is routed as it is written, and what is written nowhere goes to a human."""

import pytest

from cases.asking import REPOSITORY, Material, Question
from cases.roles import (
    AUTHORITY,
    CODE,
    GATE,
    HUMAN,
    SANDBOX,
    Act,
    Decides,
    HandsUp,
    Position,
    Role,
    Settled,
    out_of_sight,
    routed,
    settled,
)

A, D, R, X = Role.ANALYST, Role.DRAFTER, Role.REVIEWER, Role.EXPERIMENTER
SELF = "itself"
REQUESTS = (
    (A, Act.ORDER_SUSPECTS, SELF), (A, Act.NAME_A_PLACE, SELF), (A, Act.ASK_TO_SEE, SELF), (A, Act.LINK, SELF),
    (A, Act.CONVICT, SANDBOX), (A, Act.SUPPRESS, CODE), (A, Act.WRITE_EDIT, HUMAN), (A, Act.VETO, HUMAN),
    (A, Act.PROMOTE, HUMAN), (A, Act.OPEN, HUMAN), (A, Act.MERGE, HUMAN), (A, Act.SPEND, HUMAN), (A, Act.GRANT, HUMAN),
    (D, Act.WRITE_EDIT, SELF), (D, Act.WRITE_TEST, SELF), (D, Act.LOOK_AROUND, SELF), (D, Act.WIDEN_SCOPE, HUMAN),
    (D, Act.CHANGE_TEST, HUMAN), (D, Act.OPEN, GATE), (D, Act.SPEND, HUMAN), (D, Act.MERGE, HUMAN),
    (D, Act.PROMOTE, HUMAN), (D, Act.VETO, HUMAN), (D, Act.CONVICT, HUMAN), (D, Act.SUPPRESS, HUMAN),
    (D, Act.GRANT, HUMAN), (D, Act.ORDER_SUSPECTS, HUMAN), (D, Act.SCALE, HUMAN),
    (R, Act.VETO, SELF), (R, Act.AGREE, SELF), (R, Act.PROMOTE, SANDBOX), (R, Act.MERGE, HUMAN),
    (R, Act.WRITE_EDIT, HUMAN), (R, Act.OPEN, HUMAN), (R, Act.CONVICT, HUMAN), (R, Act.SPEND, HUMAN),
    (R, Act.GRANT, HUMAN), (R, Act.WIDEN_SCOPE, HUMAN), (R, Act.ASK_TO_SEE, HUMAN), (R, Act.SUPPRESS, HUMAN),
    (X, Act.PROPOSE_VARIANT, SELF), (X, Act.PLAN_SAMPLE, SELF), (X, Act.START, HUMAN), (X, Act.SCALE, CODE),
    (X, Act.MERGE, HUMAN), (X, Act.OPEN, HUMAN), (X, Act.WRITE_EDIT, HUMAN), (X, Act.SPEND, HUMAN),
    (X, Act.GRANT, HUMAN), (X, Act.PROMOTE, HUMAN), (X, Act.VETO, HUMAN), (X, Act.SUPPRESS, HUMAN),
)  # fmt: skip


def test_there_are_fifty_requests_and_every_listed_one_is_among_them() -> None:
    assert len(set(REQUESTS)) >= 50
    asked = {(role, act) for role, act, _ in REQUESTS}
    assert {(role, act) for role, listed in AUTHORITY.items() for act in listed} <= asked


@pytest.mark.parametrize(("role", "act", "to"), REQUESTS)
def test_a_request_is_routed_as_it_is_written(role: Role, act: Act, to: str) -> None:
    found = routed(role, act)
    assert (SELF if isinstance(found, Decides) else found.to) == to
    assert found.because


def test_nobody_may_grant_anything() -> None:
    assert {type(routed(role, act)) for role in Role for act in (Act.GRANT, Act.MERGE, Act.SPEND)} == {HandsUp}


def question(purpose: str, *sources: str) -> Question:
    material = tuple(Material(title="t", source=source, text="x") for source in sources)
    return Question(case="c", purpose=purpose, task="t", material=material, name="n", schema={})


def test_a_role_is_shown_what_it_may_see_and_no_more() -> None:
    assert out_of_sight(question("diagnose", "logs of shop", REPOSITORY, "a commit")) == ()
    assert out_of_sight(question("edit", REPOSITORY, "the sandbox", "a human")) == ()
    assert out_of_sight(question("hotspot", REPOSITORY, "evidence of the case")) == ()
    assert out_of_sight(question("improvement", REPOSITORY, "evidence of the case")) == ("evidence of the case",)
    assert out_of_sight(question("edit", REPOSITORY, "logs of shop", "logs of shop")) == ("logs of shop",)
    assert out_of_sight(question("review", "the change under review")) == ()
    assert out_of_sight(question("review", REPOSITORY, "the program")) == (REPOSITORY, "the program")
    assert out_of_sight(question("experiment", "what people declared", "lessons")) == ()
    assert out_of_sight(question("experiment", REPOSITORY, "logs of shop")) == (REPOSITORY, "logs of shop")
    assert "no role answers" in out_of_sight(question("gossip"))[0]


def draft(strength: int, lines: int) -> Position:
    return Position(role=D, says="an edit", strength=strength, cites=True, lines=lines)


def holds(one: Position, other: Position) -> Position | None:
    there, back = settled(one, other), settled(other, one)
    assert type(there) is type(back)
    if isinstance(there, HandsUp) or isinstance(back, HandsUp):
        return None
    assert isinstance(there, Settled)
    assert there.holds == back.holds
    return there.holds


def test_of_two_drafts_the_one_that_proves_more_holds_then_the_smaller_then_a_human() -> None:
    assert holds(draft(0, 9), draft(1, 2)) == draft(0, 9)
    assert holds(draft(0, 9), draft(0, 2)) == draft(0, 2)
    assert holds(draft(0, 2), draft(0, 2)) is None


def test_a_veto_holds_if_it_cites_a_line() -> None:
    veto = Position(role=R, says="veto", strength=3, cites=True)
    loose = Position(role=R, says="veto", strength=3, cites=False)
    assert holds(veto, draft(0, 2)) == veto
    assert holds(loose, draft(0, 2)) == draft(0, 2)


def test_where_no_rule_tells_a_human_does() -> None:
    says = Position(role=A, says="it is the cache", strength=1, cites=True)
    assert holds(says, Position(role=R, says="pass", strength=1, cites=True)) is None
    assert holds(says, Position(role=R, says="pass", strength=1, cites=False)) == says
