"""The words of a hypothesis: taken apart, compared, and made an id of."""

import pytest

from cases.hypothesis import Turn, as_json, identity, normalised, stated

TURN = Turn(lever="button", flag="pay-button", control='"Pay"', treated='"Pay now"')


@pytest.mark.parametrize(
    ("statement", "parts"),
    [
        ("Build X for Y, and they do Z", ("Build X", "Y", "do Z")),
        ("build a shorter, clearer form for new visitors, they pay more often.",
         ("build a shorter, clearer form", "new visitors", "pay more often")),
        ("Write a guide for cards for visitors on phones, so they finish", ("Write a guide for cards",
         "visitors on phones", "finish")),
        ("Show “Ready for you” in place of “Pay” as button for everybody, and shop/left moves down by at least 0.02",
         ("Show “Ready for you” in place of “Pay” as button", "everybody", "shop/left moves down by at least 0.02")),
    ],
)  # fmt: skip
def test_a_statement_is_taken_apart(statement: str, parts: tuple[str, str, str]) -> None:
    found = stated(statement)
    assert found is not None
    assert (found.build, found.audience, found.behaviour) == parts


@pytest.mark.parametrize("text", ["", "Wallets are great.", "Build X for Y", "Build X, and they do Z", "X for Y, they"])
def test_another_sentence_is_none(text: str) -> None:
    assert stated(text) is None


def test_a_long_text_is_told_soon() -> None:
    assert stated("for , and they " * 2000) is None


def test_spaces_case_quotes_and_the_last_mark_make_no_other_statement() -> None:
    assert normalised(" Show “Pay”  for Y, and they do Z.") == normalised('show "pay" for y, and they do z')
    assert normalised("Build X") != normalised("Build Y")


def test_the_id_is_of_goal_statement_and_turn() -> None:
    one = identity("g", "Build X for Y.", TURN)
    assert one == identity("g", "build x for y", TURN)
    other = Turn(lever="button", flag="pay-button", control='"Pay"', treated='"Buy"')
    ids = {
        one,
        identity("h", "Build X for Y", TURN),
        identity("g", "Build Y", TURN),
        identity("g", "Build X for Y", other),
    }
    assert len(ids) == 4
    assert all(len(each) == 8 and int(each, 16) >= 0 for each in ids)


def test_one_value_has_one_json() -> None:
    assert as_json(1.0) == as_json(1) == "1"
    assert as_json({"b": 1, "a": [True]}) == '{"a": [true], "b": 1}'
    assert as_json("Zahlen ü") == '"Zahlen ü"'
