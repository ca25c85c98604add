"""Whether users were shared out as planned: the first question of each look, and without a yes no other is asked.

An e-process over the counts of the arms: a mixture of Dirichlet distributions around the planned shares, narrow to
wide, against the plan itself. It may be looked at after every user.
Source: Lindon and Malek (2022), "Anytime-valid inference for multinomial count data", NeurIPS 35.
"""

import math
from collections.abc import Sequence

ALPHA = 0.001
"""The chance that a sound experiment is ever called mismatched."""
NARROW_TO_WIDE = (100_000.0, 10_000.0, 1_000.0, 10.0)
"""How many users' worth of certainty each part of the mixture has around the plan: small faults and gross ones."""


def mismatch(counts: Sequence[int], shares: Sequence[float]) -> float:
    """The natural logarithm of the evidence against the planned shares; act at ln(1/ALPHA).

    counts  users of each arm so far, which only grow
    shares  planned for each, above zero; they sum to one
    Raises ValueError otherwise.
    """
    if len(counts) != len(shares) or len(counts) < 2:  # noqa: PLR2004 - one arm is always as planned
        raise ValueError("each arm has a count and a share, and there are two arms at least")
    if min(counts) < 0 or min(shares) <= 0 or not math.isclose(sum(shares), 1, abs_tol=1e-9):
        raise ValueError(f"counts are not below zero and shares sum to one, got {list(counts)} and {list(shares)}")
    planned = sum(count * math.log(share) for count, share in zip(counts, shares, strict=True))
    parts = [_spread(counts, shares, certain) - planned for certain in NARROW_TO_WIDE]
    most = max(parts)
    return most + math.log(sum(math.exp(part - most) for part in parts) / len(parts))


def is_mismatch(counts: Sequence[int], shares: Sequence[float]) -> bool:
    """Whether the counts are not what the plan gives, with a chance of ALPHA to say so of any that are."""
    return mismatch(counts, shares) >= -math.log(ALPHA)


def _spread(counts: Sequence[int], shares: Sequence[float], certain: float) -> float:
    """The logarithm of the chance of the counts, in their order, where shares lie around the plan."""
    total = math.lgamma(certain) - math.lgamma(certain + sum(counts))
    return total + sum(
        math.lgamma(certain * share + count) - math.lgamma(certain * share)
        for count, share in zip(counts, shares, strict=True)
    )
