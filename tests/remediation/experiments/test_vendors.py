"""Unleash and LaunchDarkly: what they answer, what goes wrong, and that no secret gets out."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cases.errors import PermanentError, TemporaryError
from cases.flagging import Flags
from cases.flags import FlagNow, FlagPlace
from config.experiments import LaunchDarklySettings, UnleashSettings
from remediation.experiments.launchdarkly import LaunchDarklyFlags
from remediation.experiments.unleash import UnleashFlags
from tests.parts import launchdarkly, unleash
from tests.parts.flags import KEY
from tests.parts.launchdarkly import LaunchDarkly, a_launchdarkly
from tests.parts.unleash import Unleash, a_strategy, an_unleash
from tests.parts.web import Answer, says, serving

PLACE = FlagPlace(service="shop", key=KEY)
WHY = "the guardrail checkout errors was violated"


def unleash_at(url: str, folder: Path, token: str = unleash.TOKEN) -> UnleashFlags:
    (folder / "token").write_text(token)
    return UnleashFlags(UnleashSettings.model_validate({"url": url, "token": f"file:{folder}/token"}))


def launchdarkly_at(url: str, folder: Path, token: str = launchdarkly.TOKEN) -> LaunchDarklyFlags:
    (folder / "token").write_text(token)
    return LaunchDarklyFlags(LaunchDarklySettings.model_validate({"url": url, "token": f"file:{folder}/token"}))


VENDORS = [(an_unleash, unleash_at), (a_launchdarkly, launchdarkly_at)]


@pytest.fixture(params=VENDORS, ids=["unleash", "launchdarkly"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Any, Callable[..., Flags]]]:
    served: Callable[[], AbstractContextManager[Unleash | LaunchDarkly]] = request.param[0]
    with served() as there:
        yield there, request.param[1]


def now_of(flags: Flags) -> FlagNow:
    now = flags.now(PLACE)
    assert now is not None
    return now


def test_a_token_that_is_not_taken_names_its_secret(pair: tuple[Any, Callable[..., Flags]], tmp_path: Path) -> None:
    there, made = pair
    flags = made(there.url, tmp_path, "a-wrong-token-7741")
    for ask in (lambda: flags.now(PLACE), lambda: flags.off(PLACE, "kill-1", WHY)):
        with pytest.raises(PermanentError, match=f"does not take the token: renew what file:{tmp_path}/token") as told:
            ask()
        assert "7741" not in str(told.value)


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (403, PermanentError, "forbids it .* the token in file:.* needs "),
        (405, PermanentError, "refuses it with 405"),
        (302, PermanentError, "leads elsewhere"),
        (429, TemporaryError, "answers 429 now"),
        (409, TemporaryError, "answers 409 now"),
        (500, TemporaryError, "answers 500 now"),
        (503, TemporaryError, "answers 503 now"),
    ],
)
def test_what_a_status_means(
    pair: tuple[Any, Callable[..., Flags]], tmp_path: Path, status: int, kind: type[Exception], said: str
) -> None:
    there, made = pair
    flags = made(there.url, tmp_path)
    for before in ([], [0]):
        there.fails = [*before, status]
        with pytest.raises(kind, match=said) as told:
            flags.off(PLACE, "kill-1", WHY)
        assert (tmp_path / "token").read_text() not in str(told.value)
        if isinstance(told.value, TemporaryError):
            assert timedelta(seconds=7 if status == 429 else 5) == told.value.retry_after
    assert now_of(flags).on
    assert not flags.off(PLACE, "kill-1", WHY).adopted


GARBAGE: dict[str, tuple[Answer, type[Exception], str]] = {
    "a page": (says(200, "<html>", "text/html"), PermanentError, "answers no JSON"),
    "a list": (says(200, "[]"), PermanentError, "is not as it says"),
    "something else": (says(200, '{"status": "up"}'), PermanentError, "is not as it says"),
    "half of it": (says(200, '{"enabled": tr'), PermanentError, "answers no JSON"),
    "a flood": (says(200, b"x" * (5 * 2**20)), PermanentError, "more than 4 MiB"),
    "nothing there": (says(502, "Bad Gateway", "text/plain"), TemporaryError, "answers 502 now: Bad Gateway"),
}


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("made", [unleash_at, launchdarkly_at])
def test_garbage_is_no_flag(made: Callable[..., Flags], garbage: str, tmp_path: Path) -> None:
    answer, kind, said = GARBAGE[garbage]
    with serving(answer) as url, pytest.raises(kind, match=said):
        made(url, tmp_path).now(PLACE)


@pytest.mark.parametrize("made", [unleash_at, launchdarkly_at])
def test_where_nobody_answers_it_is_tried_later(made: Callable[..., Flags], tmp_path: Path) -> None:
    with serving(says(200, "")) as url:
        pass
    with pytest.raises(TemporaryError, match="cannot be reached"):
        made(url, tmp_path).now(PLACE)


def test_a_key_leads_nowhere_else(tmp_path: Path) -> None:
    with an_unleash() as there:
        flags = unleash_at(there.url, tmp_path)
        assert flags.now(FlagPlace(service="shop", key="../../x?y#z")) is None
        assert there.requests[-1].endswith("/features/..%2F..%2Fx%3Fy%23z/environments/production")
        with pytest.raises(PermanentError, match="names nothing"):
            flags.now(FlagPlace(service="shop", key=".."))


def test_launchdarkly_is_told_why(tmp_path: Path) -> None:
    with a_launchdarkly() as there:
        launchdarkly_at(there.url, tmp_path).off(PLACE, "case-1/kill", f"{WHY}, ask @someone")
        assert len(there.comments) == 1
        assert there.comments[0].startswith(WHY)
        assert there.comments[0].endswith("(case-1/kill)")
        assert "@someone" not in there.comments[0]


RULES: list[tuple[dict[str, Any], list[dict[str, Any]], bool, dict[str, float]]] = [
    ({"variation": 1}, [], False, {"control": 1.0}),
    ({"variation": 0}, [], True, {"short": 1.0}),
    ({"variation": 1}, [{"clauses": [], "variation": 0}], True, {"control": 1.0}),
    (
        {"rollout": {"variations": [{"variation": 0, "weight": 50000}, {"variation": 1, "weight": 50000}]}},
        [],
        True,
        {"short": 0.5, "control": 0.5},
    ),
]


@pytest.mark.parametrize(("fallthrough", "rules", "on", "shares"), RULES)
def test_what_launchdarkly_shows(
    fallthrough: dict[str, Any],
    rules: list[dict[str, Any]],
    on: bool,  # noqa: FBT001 - a case of the table
    shares: dict[str, float],
    tmp_path: Path,
) -> None:
    with a_launchdarkly() as there:
        there.fallthrough, there.rules = fallthrough, rules
        now = now_of(launchdarkly_at(there.url, tmp_path))
    assert (now.on, now.control, now.shares) == (on, "control", shares)
    assert now.values == {"short": '"Buy"', "control": '"Buy now"'}


STRATEGIES: list[tuple[list[dict[str, Any]], dict[str, float]]] = [
    ([], {"disabled": 0.0, "enabled": 1.0}),
    ([a_strategy("40")], {"disabled": 0.6, "enabled": 0.4}),
    ([a_strategy("10"), a_strategy("40"), a_strategy("90", disabled=True)], {"disabled": 0.6, "enabled": 0.4}),
    ([{"name": "default", "parameters": {}}], {"disabled": 0.0, "enabled": 1.0}),
    (
        [a_strategy("50", variants=[{"name": "a", "weight": 500}, {"name": "b", "weight": 500}])],
        {"disabled": 0.5, "a": 0.25, "b": 0.25},
    ),
]


@pytest.mark.parametrize(("strategies", "shares"), STRATEGIES)
def test_what_unleash_shows(strategies: list[dict[str, Any]], shares: dict[str, float], tmp_path: Path) -> None:
    with an_unleash() as there:
        there.strategies = strategies
        now = now_of(unleash_at(there.url, tmp_path))
    assert (now.on, now.control) == (True, "disabled")
    assert now.shares == pytest.approx(shares)


def test_what_a_variant_of_unleash_brings(tmp_path: Path) -> None:
    payloads = [
        {"type": "json", "value": '{"a": 1}'},
        {"type": "number", "value": "2"},
        {"type": "string", "value": "c"},
    ]
    variants = [{"name": str(at), "weight": 1, "payload": payload} for at, payload in enumerate(payloads)]
    with an_unleash() as there:
        there.strategies = [a_strategy("100", variants=variants)]
        values = now_of(unleash_at(there.url, tmp_path)).values
        there.strategies = [a_strategy("half")]
        with pytest.raises(PermanentError, match="a share or a payload that is none"):
            unleash_at(there.url, tmp_path).now(PLACE)
    assert values == {"disabled": "false", "0": '{"a": 1}', "1": "2", "2": '"c"'}
