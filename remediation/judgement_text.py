"""What the watch writes under a pull request: one comment, short enough for a phone, every number from the reading."""

from collections.abc import Sequence
from datetime import timedelta

from cases.change import Change
from cases.moments import iso
from cases.telemetry import Deploy
from inference.interruption import ItsReading, describe
from inference.words import figure, signed, span
from remediation.neutral import neutral
from remediation.seen import Seen


def comment(
    decisive: Seen,
    others: Sequence[Seen],
    deploy: Deploy,
    since: timedelta,
    change: Change,
    follows: str,
    plot: str = "",
) -> str:
    """The judgement in words. `follows` says why harm goes to a human and not to a rollback; else it is empty.

    `plot` is where a browser finds the picture, or "".
    """
    reading, its = decisive.reading, decisive.its
    seen_after = span(since.total_seconds() * 1000.0)
    lines = [
        f"**{_headline(decisive, seen_after, change, follows)}**",
        "",
        *_figures(decisive),
        f"- {reading.because[:1].upper()}{reading.because[1:]}.",
        f"- Seen {seen_after} after `{deploy.commit[:10]}` began to run ({iso(deploy.started)}).",
        f"- {span(its.warm_up)} warm-up excluded; {reading.samples} readings after it.",
    ]
    if reading.ruling == "harmful":
        often = 1.0 / (its.alpha * (1 + len(others)))
        lines.append(
            f"- If this change had done nothing, fewer than 1 deploy in {often:,.0f} would ever show this, "
            "however often we look."
        )
    lines += [f"- Also watched for harm: {_short(other)}." for other in others]
    lines.append(f"- Next: {_next(reading, follows)}.")
    if plot:
        lines += ["", f"![The metric, and the effect with its interval at each look]({plot})"]
    lines += ["", f"Settings: {describe(its, reading.method)}."]
    return "\n".join(lines)


def _headline(seen: Seen, since: str, change: Change, follows: str) -> str:
    """The judgement in one line."""
    name = f"{neutral(seen.signal.name, 60)} of {neutral(seen.signal.service, 60)}"
    what = f"change {change.number}" if change.rolls_back is None else f"the rollback of change {change.rolls_back}"
    if seen.reading.contested:
        return f"Contested, for a human to decide: {name} got worse after {what} and another deploy."
    match seen.reading.ruling:
        case "worked":
            return f"Worked: {name} came back after {what}."
        case "harmful" if follows:
            return f"Harmful, for a human to decide: {name} got worse after {what}."
        case "harmful":
            return f"Harmful: {name} got worse after {what}."
        case "unchanged":
            return f"Unchanged: {what} did not move {name}."
        case _:
            return f"Inconclusive: no verdict on {what} after {since}."


def _figures(seen: Seen) -> list[str]:
    """Effect and levels, as far as they are known."""
    reading, lines = seen.reading, list[str]()
    if reading.effect is not None and reading.low is not None and reading.high is not None:
        against = "the anomaly" if reading.anomalous is not None else "normal"
        lines.append(
            f"- Effect against {against}: **{signed(reading.effect)} (always-valid {100 * reading.confidence:.3g}% "
            f"interval {signed(reading.low)} to {signed(reading.high)})**"
            + (f"; harm counts from {figure(reading.margin)} on" if reading.margin is not None else "")
        )
    levels = (("normal", reading.normal), ("anomalous", reading.anomalous), ("after", reading.after))
    known = " · ".join(f"{name} {figure(value)}" for name, value in levels if value is not None)
    return [*lines, f"- Levels: {known}"] if known else lines


def _short(seen: Seen) -> str:
    """Another signal in a few words."""
    reading, name = seen.reading, neutral(seen.signal.name, 60)
    if reading.effect is None or reading.low is None or reading.high is None:
        return f"{name}, {reading.because}"
    return f"{name} {signed(reading.effect)} ({signed(reading.low)} to {signed(reading.high)})"


def _next(reading: ItsReading, follows: str) -> str:
    """What the daemon does now, or a human has to."""
    if reading.contested:
        return f"{follows}; the case is with a human"
    match reading.ruling:
        case "worked":
            return "the lesson is kept and the case closed"
        case "harmful" if follows:
            return f"{follows}; the case is with a human"
        case "harmful":
            return "a rollback is drafted and tried; a human merges it"
        case _:
            return "nothing by itself; keep the change or revert it"
