"""Questions for language models, and settings that reach a server of the test's own."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cases.asking import Material, Question
from config.models import ModelSettings
from config.secret import Secret
from tests.parts.chat_api import MODEL as CHAT_MODEL
from tests.parts.messages_api import MODEL
from tests.parts.model_server import KEY

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "cause": {"type": "string", "minLength": 1, "maxLength": 80},
        "confidence": {"type": "number", "minimum": 0, "maximum": 1},
        "evidence": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 3},
    },
    "required": ["cause", "confidence", "evidence"],
    "additionalProperties": False,
}
GOOD: dict[str, Any] = {"cause": "the pool is too small", "confidence": 0.7, "evidence": ["e1"]}
BAD: dict[str, Any] = {"cause": "", "confidence": 7, "evidence": []}


def a_question(*texts: str, **more: Any) -> Question:  # noqa: ANN401 - fields of a question
    """A question with a piece of material for each text."""
    question = Question(
        case="c1",
        purpose="diagnose",
        task="Name the cause.",
        material=tuple(Material(title="log", source="main", text=text) for text in texts),
        name="diagnosis",
        schema=SCHEMA,
    )
    return replace(question, **more)


def model_settings(url: str, folder: Path, **more: Any) -> ModelSettings:  # noqa: ANN401 - keys of the section
    """Settings whose key is the server's."""
    key = folder / "key"
    key.write_text(KEY)
    given = {"base_url": url, "api_key": Secret("file", str(key)), "diagnose": MODEL, "timeout": timedelta(seconds=5)}
    return ModelSettings.model_validate({"provider": "anthropic", **given, "max_output_tokens": 4096, **more})


def chat_settings(url: str, folder: Path, provider: str = "openai", **more: Any) -> ModelSettings:  # noqa: ANN401 - keys of the section
    """Settings that reach a server of the chat completions API."""
    return model_settings(url, folder, **{"provider": provider, "diagnose": CHAT_MODEL, **more})
