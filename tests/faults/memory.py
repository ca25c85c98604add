"""What a block of work costs in memory, at its worst moment."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

MOST_GROWTH_MB = 40
"""What one answer may cost, however long it is: 8 MiB of it are kept, and what urllib3 holds of the rest."""


@contextmanager
def little_memory(most_mb: float = MOST_GROWTH_MB) -> Generator[None]:
    """Fails when this process needs more than `most_mb` more at any moment within the block."""
    Path("/proc/self/clear_refs").write_text("5")  # the high-water mark begins anew
    before = _kilobytes("VmRSS")
    yield
    assert (_kilobytes("VmHWM") - before) / 1024 < most_mb


def _kilobytes(what: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what))
