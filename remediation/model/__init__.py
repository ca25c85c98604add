"""Language models behind the port `cases.ports.LanguageModel`. What is asked is quoted, what is spent is reserved.

    question → quoting (marks, cleaning, redaction) → anthropic | scripted → answers (schema) → Answer
                                                          │
                                            metered_client: reserve → one attempt → settle

`remembered` stands before any of them, so that a step that was killed after its answer does not pay for it twice.
"""

from cases.errors import PermanentError
from cases.ports import Clock, LanguageModel, Purse
from config.remedies import ModelSettings


def model_of(settings: ModelSettings, purse: Purse, clock: Clock) -> LanguageModel | None:
    """The language model that the settings name, or None for `provider: none`. Loads no SDK and reads no key yet.

    Raises PermanentError for a model without a name or a price, or a script that cannot be read.
    """
    if settings.provider == "none":
        return None
    if settings.provider == "scripted":
        from remediation.model.scripted import ScriptedModel

        if settings.script is None:
            raise PermanentError("model.script is missing: provider: scripted answers from that file")
        return ScriptedModel.read(settings.script, purse)
    from remediation.model.anthropic import AnthropicModel

    return AnthropicModel(settings, purse, clock)
