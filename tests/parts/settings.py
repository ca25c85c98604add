"""Settings for tests, read from a file as an operator's are."""

import json
import tempfile
from pathlib import Path
from typing import Any

from config.load import load
from config.settings import Settings


def a_document(authority: str | dict[str, Any] = "pull_request", **more: Any) -> dict[str, Any]:  # noqa: ANN401 - keys of a configuration
    """The least that a file needs, and what a test adds."""
    return {
        "signals": {"prometheus": [{"name": "main", "url": "http://127.0.0.1:9"}]},
        "watch": [{"name": "errors", "service": "shop", "query": "errors", "harm": "up"}],
        "repositories": [{"name": "shop", "url": "http://127.0.0.1:9/acme/shop.git", "full_name": "acme/shop"}],
        "forge": {"api_url": "http://127.0.0.1:9/api/v3", "token": "env:TOKEN"},
        "authority": {"default": authority} if isinstance(authority, str) else authority,
        **more,
    }


def some_settings(authority: str | dict[str, Any] = "pull_request", **more: Any) -> Settings:  # noqa: ANN401 - the same
    """The same, loaded."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trackwalker.yaml"
        path.write_text(json.dumps(a_document(authority, **more)))
        return load(path)
