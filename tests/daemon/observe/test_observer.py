"""One block around a step, as the page, the log and a trace tell of it."""

import logging

import pytest

from cases.errors import Fenced
from cases.lifecycle import opened
from daemon.clock import ManualClock
from daemon.observe.logs import log_to_stderr
from daemon.observe.metrics import Metrics
from daemon.observe.observer import Observer
from tests.parts.nouns import NOW, an_entry, an_opened


def test_a_step_is_counted_and_its_lines_say_what_they_are_about(capsys: pytest.CaptureFixture[str]) -> None:
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    level = root.level
    metrics = Metrics(ManualClock(NOW))
    observer, case = Observer(metrics=metrics), opened(an_entry(an_opened()))
    try:
        log_to_stderr()
        with observer.step(case) as stage:
            logging.getLogger("trackwalker.worker").warning("slow")
            stage.ending = "waiting"
        with observer.effect(case, "PushBranch", "k") as stage:
            stage.after = "adopted"
        with pytest.raises(Fenced), observer.step(case):
            raise Fenced("another holds it")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
        logging.getLogger("trackwalker").setLevel(logging.NOTSET)
    assert capsys.readouterr().err.endswith(f" slow case={case.id} phase=open\n")

    def count(stage: str, ending: str) -> float | None:
        return metrics.registry.get_sample_value("trackwalker_stage_total", {"stage": stage, "ending": ending})

    assert (count("diagnose", "waiting"), count("diagnose", "fenced"), count("effect", "done")) == (1, 1, 1)
