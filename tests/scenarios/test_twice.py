"""The same fault twice: what the first time taught makes the second one cheaper, and no proof is weaker for it."""

from pathlib import Path

import pytest

from tests.parts.hub import TOKEN
from tests.scenarios.catalogue import scenario
from tests.scenarios.twice import played_twice


@pytest.mark.long
def test_code_that_is_broken_again_is_mended_for_an_eighth_of_the_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", TOKEN)
    one = scenario("bug", 3)
    assert one.truth.mending is not None
    it = played_twice(tmp_path, one, [one.truth.mending])
    assert (it.second is not None, it.after is not None, it.first.lesson is not None) == (True, True, True)
    assert it.before.asked == ("diagnose", "reproduce", "edit", "review")
    assert it.after is not None
    assert it.after.asked == ("review",)
    assert it.after.tokens * 7 < it.before.tokens
    assert it.first.lesson is not None
    assert it.second is not None
    assert it.second.diagnosis is not None
    assert it.first.lesson.id in it.second.diagnosis.cited
    assert it.first.lesson.id in it.text
    checks = [tuple((check.name, check.verdict) for check in case.trials[-1].checks) for case in (it.first, it.second)]
    assert checks[0] == checks[1]
