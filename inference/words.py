"""Numbers and spans of time as people read them on a phone."""

import math

_SPANS = ((86_400_000.0, "d"), (3_600_000.0, "h"), (60_000.0, "min"), (1000.0, "s"))
_THOUSAND = 1000.0
_MILLION = 1e6
_EXACT_ENOUGH = 0.001
_TENS = 10.0
LARGEST_RATIO = 1e9


def figure(value: float) -> str:
    """Three significant digits: 0.305, 12.4, 1,204, 3.1e-05, 2.5e+07; "no number" for NaN."""
    if math.isnan(value):
        return "no number"
    size = abs(value)
    if _THOUSAND <= size < _MILLION:
        return f"{value:,.0f}"
    if size < _EXACT_ENOUGH or size >= _MILLION:
        return f"{value:.2g}"
    return f"{value:.3g}"


def signed(value: float) -> str:
    """The same with its sign: +0.295, -18, 0."""
    return figure(value) if value <= 0 or math.isnan(value) else f"+{figure(value)}"


def span(milliseconds: float) -> str:
    """A span of time in its largest fitting unit: 45 s, 34 min, 5.8 h, 2 d."""
    for size, unit in _SPANS:
        if milliseconds >= size:
            count = milliseconds / size
            return f"{count:.0f} {unit}" if count >= _TENS or count == int(count) else f"{count:.1f} {unit}"
    return f"{milliseconds / 1000:.1g} s"


def odds(evidence: float) -> str:
    """An e-value as a bet: 120:1; never more than "over 1,000,000,000:1"."""
    if evidence >= LARGEST_RATIO:
        return f"over {LARGEST_RATIO:,.0f}:1"
    return f"{evidence:,.0f}:1" if evidence >= _TENS else f"{evidence:.2g}:1"
