"""Flags through OpenFeature, with flagd's provider on a file."""

import logging
from pathlib import Path

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider
from openfeature.contrib.provider.flagd.config import ResolverType
from openfeature.evaluation_context import EvaluationContext
from openfeature.flag_evaluation import Reason

from shop.flags import Ask, Shown

LOOK_MS = 500
"""Between two looks at the file."""


def asking(file: Path) -> Ask:
    """Ask for flags of the file. Users outside an experiment have another reason than that its targeting met them."""
    logging.getLogger("openfeature").setLevel(logging.CRITICAL)  # a flag that is not there is the code's own text
    api.set_provider_and_wait(
        FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=str(file), deadline_ms=LOOK_MS)
    )
    client = api.get_client()

    def ask(flag: str, text: str, user: str) -> Shown:
        found = client.get_string_details(flag, text, EvaluationContext(user))
        return Shown(found.value, found.variant or "", found.reason == Reason.TARGETING_MATCH)

    return ask
