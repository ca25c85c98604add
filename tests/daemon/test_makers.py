"""What drafts is remembered: another model lowers what may be merged unasked, once, and the audit says why."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from daemon.clock import ManualClock
from daemon.ledger.ledger import Ledger, open_ledger
from daemon.makers import CHANGED, maker_of, noticed, renewals
from tests.parts.nouns import NOW
from tests.parts.settings import some_settings


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with open_ledger(f"sqlite:///{tmp_path}/l.db", clock=ManualClock(NOW)) as opened:
        yield opened


def asking(model: str, **more: Any) -> Any:  # noqa: ANN401 - keys of a configuration
    return some_settings(model={"provider": "anthropic", "api_key": "env:KEY", "diagnose": model, **more})


def test_another_model_is_noticed_once_and_told(ledger: Ledger) -> None:
    clock = ManualClock(NOW)
    first, second = asking("claude-sonnet-4-5"), asking("claude-sonnet-4-5", draft="claude-opus-4-5")
    assert maker_of(first) == "anthropic claude-sonnet-4-5 claude-sonnet-4-5; prompts 1"
    for _ in range(2):
        noticed(first, ledger, clock)
    noticed(some_settings(), ledger, clock)  # playbooks alone
    noticed(first, ledger, clock)
    assert renewals(ledger.checkpoints) == ()
    clock.advance(timedelta(days=1))
    for _ in range(2):
        noticed(second, ledger, clock)
        clock.advance(timedelta(days=1))
    (told,) = renewals(ledger.checkpoints)
    assert (told.at, "claude-opus-4-5; prompts 1 (before: " in told.because) == (NOW + timedelta(days=1), True)
    (line,) = [line for line in ledger.audit.listed() if line.action == CHANGED]
    assert line.detail["was"] == maker_of(first)
    assert line.detail["is"] == maker_of(second)
