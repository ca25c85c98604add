"""Language models behind the port `cases.ports.LanguageModel`. What is asked is quoted, what is spent is reserved.

    question → failover (which provider) → remembered → quoting (marks, cleaning, redaction)
             → anthropic | chat | scripted → answers (schema) → Answer
                       │
         metered_client: reserve → one attempt → settle → session (where it is recorded)

`remembered` stands before each provider, so that a step that was killed after its answer does not pay for it twice.
"""

from collections.abc import Callable, Sequence

from cases.errors import PermanentError
from cases.ports import Clock, LanguageModel
from cases.stores import Purse
from config.models import FailoverSettings, ModelSettings
from config.providers import chain
from remediation.model.wire import NETWORK, Wire

Remember = Callable[[LanguageModel], LanguageModel]


def _as_it_is(model: LanguageModel) -> LanguageModel:
    return model


def model_of(
    settings: ModelSettings, purse: Purse, clock: Clock, *, remember: Remember = _as_it_is
) -> LanguageModel | None:
    """The language model that the settings name, or None for `provider: none`. Loads no SDK and reads no key yet.

    `remember` gives each provider a memory. Raises PermanentError for a model without a name or a price, and for a
    script or a recorded session that cannot be read.
    """
    if settings.provider == "none":
        return None
    if settings.provider == "scripted":
        from remediation.model.scripted import ScriptedModel

        return remember(ScriptedModel.read(_script(settings), purse))
    if settings.provider == "replay":
        return _played(settings, purse, clock, remember)
    providers = chain(settings)
    wires = [NETWORK] * len(providers)
    if settings.record is not None:
        from remediation.model.session import Recorder

        recorder = Recorder(settings.record, settings)
        wires = [Wire(tape=recorder.tape(n), nonce=recorder.session.nonce) for n in range(len(providers))]
    return _together(providers, purse, clock, wires, remember)


def provider_of(
    settings: ModelSettings | FailoverSettings, purse: Purse, clock: Clock, wire: Wire = NETWORK
) -> LanguageModel:
    """The adapter of one provider alone. Raises as `model_of`."""
    if settings.provider == "anthropic":
        from remediation.model.anthropic import AnthropicModel

        return AnthropicModel(settings, purse, clock, wire)
    from remediation.model.chat import ChatModel

    return ChatModel(settings, purse, clock, wire)


def _together(
    providers: Sequence[ModelSettings | FailoverSettings],
    purse: Purse,
    clock: Clock,
    wires: Sequence[Wire],
    remember: Remember,
) -> LanguageModel:
    from remediation.model.failover import FailoverModel

    pairs = zip(providers, wires, strict=True)
    return FailoverModel([remember(provider_of(one, purse, clock, wire)) for one, wire in pairs], clock)


def _played(settings: ModelSettings, purse: Purse, clock: Clock, remember: Remember) -> LanguageModel:
    """The providers of a recorded session, with its words in place of the network."""
    from remediation.model.played import PlayedTransport
    from remediation.model.session import read

    path = _script(settings)
    try:
        recording = read(path)
    except OSError as error:
        why = f"cannot be read ({error.strerror}); name a recorded session"
        raise PermanentError(f"model.script: {path} {why}") from None
    recorded = recording.session.providers()
    nonce = recording.session.nonce
    providers = chain(recorded)
    wires = [Wire(transport=PlayedTransport(recording, n), nonce=nonce) for n in range(len(providers))]
    return _together(providers, purse, clock, wires, remember)


def _script(settings: ModelSettings) -> str:
    if settings.script is None:
        raise PermanentError(f"model.script is missing: provider: {settings.provider} answers from that file")
    return settings.script
