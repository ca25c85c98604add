"""Judging series that somebody hands over, one or many: by the same code as the daemon's watch."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cases.errors import PermanentError
from cases.moments import from_milliseconds, iso
from cases.telemetry import Floats
from inference.interruption import Interruption, ItsReading, ItsSettings, Side, describe
from inference.its import first_ruling
from inference.kinds import KINDS, Kind

HOUR = 3_600_000.0
ACT_WITHIN = 48 * HOUR
FEWEST = 3  # readings after the warm-up; the daemon, whose readings are a minute apart, asks for more
MOST_READINGS = 1_000_000
_LATEST_S = 1e11  # the year 5138


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Asked:
    """One series around one deploy. Times are epoch ms; `anomaly` is its onset and its end (None: not over).

    unattended   how long such anomalies lasted that nobody touched, in ms
    others       other deploys that may have moved the series
    act_within   ms after the deploy in which harm is answered by itself; later a human is asked
    """

    times: Floats
    values: Floats
    deploy: float
    controls: Sequence[Floats] = ()
    anomaly: tuple[float, float | None] | None = None
    others: tuple[float, ...] = ()
    unattended: Sequence[float] = ()
    harm: Side = "up"
    kind: Kind = "gauge"
    margin: float | None = None
    alpha: float = 0.01
    act_within: float = ACT_WITHIN


def judged(asked: Asked) -> dict[str, Any]:
    """The verdict as the contract has it. Raises PermanentError, with a sentence, for what cannot be judged."""
    _check(asked)
    try:
        settings = ItsSettings(
            alpha=asked.alpha,
            kind=asked.kind,
            margin=asked.margin,
            min_samples=FEWEST,
            unattended=tuple(asked.unattended),
        )
        event = Interruption(
            deploy=asked.deploy, harm=asked.harm, anomaly=asked.anomaly, ended=True, others=asked.others
        )
        reading = first_ruling(asked.times, asked.values, event, settings, asked.controls)
    except ValueError as error:
        raise PermanentError(str(error)) from None
    if asked.anomaly is None and reading.ruling == "worked":
        raise PermanentError("a change cannot have worked where nothing was wrong: this is a bug")
    return _document(asked, settings, reading)


def _check(asked: Asked) -> None:
    first, last = float(asked.times[0]), float(asked.times[-1])
    if not first < asked.deploy <= last:
        raise PermanentError(
            f"the deploy at {iso(from_milliseconds(asked.deploy))} lies outside the series, which goes from "
            f"{iso(from_milliseconds(first))} to {iso(from_milliseconds(last))}"
        )
    if asked.anomaly is not None:
        onset, end = asked.anomaly
        if end is not None and end <= onset:
            raise PermanentError("the anomaly ends before it begins")
        if onset >= asked.deploy:
            raise PermanentError("the anomaly begins after the deploy: what the deploy mends was there before it")


def _document(asked: Asked, settings: ItsSettings, reading: ItsReading) -> dict[str, Any]:
    decided = reading.decided
    acts = reading.ruling == "harmful" and decided is not None and decided <= asked.deploy + asked.act_within
    return {
        "verdict": reading.ruling or "inconclusive",
        "effect": _number(reading.effect),
        "interval": None if reading.low is None else [_number(reading.low), _number(reading.high)],
        "confidence": reading.confidence,
        "evidence": _number(reading.evidence),
        "decided_at": _iso(decided),
        "first_action_at": _iso(decided if acts else None),
        "because": reading.because,
        "readings": reading.samples,
        "margin": _number(reading.margin),
        "settings": describe(settings, reading.method),
    }


def _iso(at: float | None) -> str | None:
    return None if at is None else iso(from_milliseconds(at))


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def verdicts(lines: Iterable[str], defaults: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One document for each line that is not empty; one that cannot be judged is inconclusive, with its `error`."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name: object = None
        try:
            told = _object(line)
            name = told.get("id")
            yield {"id": name, **judged(asked_of({**defaults, **told}))}
        except PermanentError as error:
            yield {
                "id": name, "verdict": "inconclusive", "effect": None, "interval": None, "evidence": None,
                "decided_at": None, "first_action_at": None, "because": str(error), "error": f"line {number}: {error}",
            }  # fmt: skip


def _object(line: str) -> Mapping[str, Any]:
    try:
        told: dict[str, Any] | list[Any] | str | float | None = json.loads(line)
    except (json.JSONDecodeError, RecursionError):
        raise PermanentError("this is not JSON: each line is one object") from None
    if not isinstance(told, dict):
        raise PermanentError(f"this is a {type(told).__name__}: each line is one object")
    return told


def asked_of(told: Mapping[str, Any]) -> Asked:
    """One line of `--jsonl`, in epoch seconds. Raises PermanentError that names the key."""
    times = 1000.0 * _column(told, "times")
    if not np.all(np.isfinite(times)) or np.any(np.abs(times) > 1000.0 * _LATEST_S):
        raise PermanentError("times: epoch seconds are needed, every one a finite number; are they milliseconds?")
    if np.any(np.diff(times) <= 0.0):
        raise PermanentError("times: they must ascend, and none may be there twice")
    values = _column(told, "values")
    columns = [_column({"controls": one}, "controls") for one in _listed(told, "controls")]
    if any(len(column) != len(times) for column in (values, *columns)):
        raise PermanentError(f"values and controls must have {len(times)} readings each, as times has")
    asked = Asked(
        times=times,
        values=values,
        controls=columns,
        deploy=_moment(told, "deploy"),
        anomaly=_anomaly(told),
        others=tuple(_moment({"others": one}, "others") for one in _listed(told, "others")),
        unattended=[1000.0 * _above(one, "unattended") for one in _listed(told, "unattended")],
        harm=_side(told.get("harm") or "up"),
        kind=_kind(told.get("kind") or "gauge"),
    )
    margin, alpha = told.get("margin"), told.get("alpha")
    if margin is not None:
        asked = replace(asked, margin=_above(margin, "margin"))
    return asked if alpha is None else replace(asked, alpha=_above(alpha, "alpha"))


def _column(told: Mapping[str, Any], key: str) -> Floats:
    """A list of numbers and nulls, as readings with NaN where there is none."""
    listed = _listed(told, key)
    if not listed:
        raise PermanentError(f"{key}: a list of numbers is needed")
    if len(listed) > MOST_READINGS:
        raise PermanentError(f"{key}: {len(listed)} readings, more than {MOST_READINGS}")
    wrong = f"{key}: each of its entries must be a number, or null where nothing was read"
    if any(isinstance(one, str | list | dict | bool) for one in listed):
        raise PermanentError(wrong)
    try:
        numbers: Floats = np.array(listed, dtype=np.float64)
    except (ValueError, TypeError, OverflowError):
        raise PermanentError(wrong) from None
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _listed(told: Mapping[str, Any], key: str) -> list[Any]:
    listed: object = told.get(key)
    if listed is None:
        return []
    if not isinstance(listed, list):
        raise PermanentError(f"{key}: a list is needed")
    found: list[Any] = listed  # pyright: ignore[reportUnknownVariableType] - what JSON holds is anything
    return found


def _moment(told: Mapping[str, Any], key: str) -> float:
    """Epoch ms, from epoch seconds."""
    value = told.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LATEST_S:
        raise PermanentError(f"{key}: epoch seconds are needed, got {value!r:.40}")
    return 1000.0 * value


def _above(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 < value < math.inf:
        raise PermanentError(f"{key}: a number above 0 is needed, got {value!r:.40}")
    return float(value)


def _anomaly(told: Mapping[str, Any]) -> tuple[float, float | None] | None:
    if told.get("anomaly") is None:
        return None
    pair = _listed(told, "anomaly")
    if len(pair) != 2:  # noqa: PLR2004 - a start and an end
        raise PermanentError("anomaly: null is needed, or its start and its end (null while it lasts)")
    start = _moment({"anomaly": pair[0]}, "anomaly")
    return start, None if pair[1] is None else _moment({"anomaly": pair[1]}, "anomaly")


def _side(value: object) -> Side:
    sides: tuple[Side, ...] = ("up", "down")
    if value not in sides:
        raise PermanentError(f"harm: up or down is needed, got {value!r:.40}")
    return sides[sides.index(value)]


def _kind(value: object) -> Kind:
    if value not in KINDS:
        raise PermanentError(f"kind: {', '.join(KINDS)} are known, got {value!r:.40}")
    return KINDS[KINDS.index(value)]
