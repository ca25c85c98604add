"""The log: one line an event on standard error, UTC, no colour when it is not a terminal."""

import logging
import time


def log_to_stderr(*, verbose: bool = False, quiet: bool = False) -> None:
    """Set the root handler up. Libraries speak from warnings on only; `quiet` lets only errors through."""
    handler = logging.StreamHandler()
    form = logging.Formatter("%(asctime)sZ %(levelname)-7s %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler.setFormatter(form)
    logging.basicConfig(level=logging.ERROR if quiet else logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("trackwalker").setLevel(logging.DEBUG if verbose else logging.ERROR if quiet else logging.INFO)
