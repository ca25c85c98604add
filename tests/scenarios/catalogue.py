"""All scenarios, by kind and seed."""

from collections.abc import Mapping

from tests.scenarios.code_faults import bug, leak, n_plus_one, retry_storm
from tests.scenarios.making import Kind, Making
from tests.scenarios.nobody import no_cause, poisoned
from tests.scenarios.scenario import KINDS, SEEDS, Scenario
from tests.scenarios.value_faults import bad_bump, bad_flag, cache_ttl, config, small_pool, tight_timeout

MAKERS: Mapping[str, Kind] = {
    "bug": bug,
    "config": config,
    "leak": leak,
    "n-plus-one": n_plus_one,
    "retry-storm": retry_storm,
    "bad-flag": bad_flag,
    "small-pool": small_pool,
    "tight-timeout": tight_timeout,
    "bad-bump": bad_bump,
    "cache-ttl": cache_ttl,
    "no-cause": no_cause,
    "poisoned": poisoned,
}


def scenario(kind: str, seed: int) -> Scenario:
    """One scenario. The same kind and seed always make the same one.

    Seeds beyond `SEEDS` are held out: nothing was written with them in sight. Their faults are those of the first ones,
    in other repositories, formats and packages, deployed by other plans, among other work and noise.
    """
    again, fault = divmod(seed, len(SEEDS))
    number = (again * len(KINDS) + KINDS.index(kind)) * len(SEEDS) + fault
    return MAKERS[kind](Making(kind, seed, number))


def every() -> list[Scenario]:
    """All 48."""
    return [scenario(kind, seed) for kind in KINDS for seed in SEEDS]
