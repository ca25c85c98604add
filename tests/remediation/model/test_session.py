"""What was recorded plays again byte by byte, and whatever differs is said."""

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from cases.asking import Answer, Question
from cases.errors import OverBudget, PermanentError, TrackwalkerError
from cases.ports import LanguageModel
from config.models import FailoverSettings, ModelSettings, PriceSettings
from daemon.clock import ManualClock
from daemon.replay.loop import free_of_charge
from remediation.model import model_of
from remediation.model.pocket import PocketPurse
from remediation.model.session import read
from tests.parts.chat_api import LOCAL, chat_api
from tests.parts.messages_api import messages_api, refusal
from tests.parts.model_server import KEY, drops, says
from tests.parts.nouns import NOW
from tests.parts.questions import BAD, GOOD, a_question, model_settings

QUESTIONS = (a_question("it is slow"), a_question("e-mail: ann@acme.example"), a_question("x", purpose="edit"))


def made(settings: ModelSettings, purse: PocketPurse) -> LanguageModel:
    model = model_of(settings, purse, ManualClock(NOW))
    assert model is not None
    return model


def told(model: LanguageModel, questions: tuple[Question, ...] = QUESTIONS) -> list[Answer | str]:
    """What each question came to, in order: an answer, or the error's text."""
    came: list[Answer | str] = []
    for question in questions:
        try:
            came.append(model.ask(question))
        except TrackwalkerError as error:
            came.append(f"{type(error).__name__}: {error}")
    return came


def played(file: Path) -> ModelSettings:
    return ModelSettings(provider="replay", script=str(file))


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return tmp_path / "session.ndjson"


def recorded(session: Path, folder: Path, *, long: bool = False) -> tuple[list[Answer | str], float]:
    """Ask a server and record it: a second try, a refusal to serve, an odd byte, an answer."""
    purse = PocketPurse(10)
    with messages_api() as server:
        server.will(
            *[server.answers(BAD), server.answers(GOOD)],
            *[says(200, b'\xff{"half": '), refusal(529, "overloaded_error", retry_after="9")],
            server.answers({**GOOD, "cause": "line\u2028separator"}),
        )
        most = 32_000 if long else 4096
        settings = model_settings(server.url, folder, record=str(session), max_output_tokens=most)
        came = told(made(settings, purse))
    return came, purse.spent


@pytest.mark.parametrize("long", [False, True])
def test_a_session_plays_again_without_its_server_and_costs_the_same(
    session: Path, tmp_path: Path, *, long: bool
) -> None:
    came, spent = recorded(session, tmp_path, long=long)
    assert [type(one) for one in came] == [Answer, str, Answer]
    purse = PocketPurse(10)
    assert told(made(played(session), purse)) == came
    assert purse.spent == pytest.approx(spent)
    assert told(made(played(session), PocketPurse(10))) == came, "and again"


def test_a_file_holds_no_key_and_nobody_else_may_read_it(session: Path, tmp_path: Path) -> None:
    recorded(session, tmp_path)
    text = session.read_text()
    assert KEY not in text
    assert "ann@acme" not in text, "what the provider is not shown is not recorded"
    assert stat.S_IMODE(session.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["status"] for line in lines[1:]] == [200, 200, 200, 529, 200]
    assert lines[3]["answer"] == {"base64": "/3siaGFsZiI6IA=="}


def test_another_question_is_refused_and_says_where_it_differs(session: Path, tmp_path: Path) -> None:
    recorded(session, tmp_path)
    model = made(played(session), PocketPurse(10))
    with pytest.raises(PermanentError, match=r"the request is not the recorded one: from byte \d+ on it says .*quick"):
        model.ask(a_question("it is quick"))
    assert isinstance(model.ask(QUESTIONS[0]), Answer), "a wrong question uses nothing up"


def test_one_byte_in_the_file_is_a_difference(session: Path, tmp_path: Path) -> None:
    recorded(session, tmp_path)
    session.write_text(session.read_text().replace("Name the cause.", "Name the Cause."))
    with pytest.raises(PermanentError, match=r"….*Name the cause.*and ….*Name the Cause.* was recorded"):
        made(played(session), PocketPurse(10)).ask(QUESTIONS[0])


def test_a_question_more_than_was_recorded_is_said(session: Path, tmp_path: Path) -> None:
    recorded(session, tmp_path)
    model = made(played(session), PocketPurse(10))
    told(model)
    with pytest.raises(PermanentError, match="the recorded session is over, and one more question is asked"):
        model.ask(QUESTIONS[0])


def test_a_recording_is_gone_on_with_by_the_next_life(session: Path, tmp_path: Path) -> None:
    with messages_api() as server:
        settings = model_settings(server.url, tmp_path, record=str(session))
        for question in QUESTIONS:
            server.will(server.answers(GOOD))
            made(settings, PocketPurse(10)).ask(question)
        other = settings.model_copy(update={"max_output_tokens": 512})
        with pytest.raises(PermanentError, match="holds a session of other providers"):
            made(other, PocketPurse(10))
    assert len(read(session).left) == 3
    assert all(isinstance(one, Answer) for one in told(made(played(session), PocketPurse(10))))


def test_the_words_of_every_provider_are_played_in_their_place(session: Path, tmp_path: Path) -> None:
    free = {LOCAL: PriceSettings(input=0, output=0)}
    with messages_api() as first, chat_api("ollama") as second:
        first.will(drops)
        second.will(second.answers(GOOD))
        other = FailoverSettings(provider="ollama", base_url=second.url, diagnose=LOCAL, prices=free)
        settings = model_settings(
            first.url, tmp_path, record=str(session), failover=(other,), timeout=timedelta(seconds=2)
        )
        came = told(made(settings, PocketPurse(10)), (QUESTIONS[0],) * 2)
    assert isinstance(came[1], Answer)
    assert told(made(played(session), PocketPurse(10)), (QUESTIONS[0],) * 2) == came


@pytest.mark.parametrize("text", ["", "{}", "no", '{"form": "trackwalker model session 1"}', '{"form": "another"}\n'])
def test_a_file_that_is_no_session_is_refused(session: Path, text: str) -> None:
    session.write_text(text)
    with pytest.raises(PermanentError, match=r"is no recorded session|is a session of another form"):
        made(played(session), PocketPurse(1))


def test_a_file_that_is_not_there_or_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="cannot be read"):
        made(played(tmp_path / "none"), PocketPurse(1))
    with pytest.raises(PermanentError, match="cannot be written"):
        made(model_settings("http://127.0.0.1:9", tmp_path, record=str(tmp_path / "no" / "where")), PocketPurse(1))


def test_a_look_at_the_past_asks_a_recording_and_nobody_else(session: Path, tmp_path: Path) -> None:
    recording, live = played(session), model_settings("http://127.0.0.1:9", tmp_path)
    assert free_of_charge(recording) == recording
    assert free_of_charge(live).provider == "none"


def test_the_cap_holds_in_a_replay_too(session: Path, tmp_path: Path) -> None:
    recorded(session, tmp_path)
    with pytest.raises(OverBudget):
        made(played(session), PocketPurse(0.001)).ask(QUESTIONS[0])
