"""Import what a pull request will need while its change is still being tried.

The heavy libraries stay out of an idle daemon (they weigh some 50 MB), and out of the seconds before a pull request.
"""

import importlib

NEEDED = ("git", "github", "matplotlib.backends.backend_agg", "matplotlib.dates", "PIL.Image")


def warm() -> None:
    """Import them; the second time costs nothing."""
    for name in NEEDED:
        importlib.import_module(name)
