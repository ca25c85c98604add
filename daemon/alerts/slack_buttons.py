"""Buttons on a message in Slack, for what asks for something. What is pressed comes back at /webhooks/slack."""

from typing import Any

from cases.steps import Notice
from daemon.alerts.kinds import AGAIN, BUG, ESCALATED, EXPIRED, IMPACT, REMINDER, kind_of
from daemon.alerts.slack import message

PREFIX = "trackwalker."
"""How the name of each of our buttons begins; the verdict follows (`daemon.decisions.Verdict`)."""
_ASKS = frozenset({ESCALATED, BUG, REMINDER, EXPIRED, AGAIN, IMPACT})


def with_buttons(notice: Notice) -> dict[str, Any]:
    """The notice as a message, with the buttons that answer it; the same as without where it asks for nothing."""
    whole = message(notice)
    buttons = _buttons(notice)
    if buttons:
        whole["blocks"].append({"type": "actions", "elements": buttons})
    return whole


def _buttons(notice: Notice) -> list[dict[str, Any]]:
    if notice.gate:
        return [
            _button("approve", "Approve", notice.gate, "primary"),
            _button("reject", "Reject", notice.gate, "danger"),
            _button("acknowledge", "I have seen it", notice.gate),
        ]
    if notice.case and kind_of(notice) in _ASKS:
        return [_button("acknowledge", "I have seen it", notice.case)]
    return []


def _button(verdict: str, label: str, value: str, style: str = "") -> dict[str, Any]:
    button: dict[str, Any] = {
        "type": "button",
        "action_id": f"{PREFIX}{verdict}",
        "text": {"type": "plain_text", "text": label},
        "value": value,
    }
    if style:
        button["style"] = style
        button["confirm"] = {
            "title": {"type": "plain_text", "text": f"{label}?"},
            "text": {"type": "plain_text", "text": f"{label} gate {value}. It is kept in your name."[:300]},
            "confirm": {"type": "plain_text", "text": label},
            "deny": {"type": "plain_text", "text": "Not now"},
        }
    return button
