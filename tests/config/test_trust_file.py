"""The file of grants: the word that says most counts, and a file with a mistake counts for nothing."""

from datetime import UTC, datetime

import pytest

from cases.policy import Authority
from cases.trust import Area, Risk
from config.errors import ConfigError
from config.trust_file import TrustFile, read

NOW = datetime(2026, 3, 4, tzinfo=UTC)
GIVEN = 'granted: "2026-03-01T09:00:00Z", because: so'
KNOWN = ("shop", "cart", "ops")


def area(repository: str = "shop", kind: str = "revert", risk: Risk = Risk.LOW) -> Area:
    return Area(repository=repository, service="shop", kind=kind, risk=risk)


def grants(*lines: str, pools: str = "{}") -> TrustFile:
    text = f"pools: {pools}\ngrants:\n" + "".join(f"  - {{{line}, {GIVEN}}}\n" for line in lines)
    return read(text, "trust.yaml", NOW, KNOWN)


def test_the_grant_that_says_most_counts() -> None:
    found = grants(
        "level: propose",
        "repository: shop, level: pull_request",
        "repository: shop, service: shop, class: revert, risk: low, level: auto_merge",
    )

    def level(of: Area) -> Authority:
        grant = found.grant(of)
        assert grant is not None
        return grant.authority

    assert level(area()) is Authority.AUTO_MERGE
    assert level(area(risk=Risk.HIGH)) is Authority.PULL_REQUEST
    assert level(area("cart")) is Authority.PROPOSE
    assert TrustFile().grant(area()) is None


def test_the_outcomes_of_a_pool_count_together() -> None:
    found = grants("pool: web, class: revert, level: pull_request", pools="{web: [shop, cart]}")
    assert found.pool_of(area("cart")) == ("shop", "cart")
    assert found.pool_of(area("cart", kind="edit")) == ("cart",)
    assert found.grant(area("ops")) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("grants: [{level: all}]", "trust.yaml:1: grants[0].level"),
        ("grants: [{level: propose}]", "grants[0].granted: Field required"),
        ("grants:\n  - {levle: propose}", "trust.yaml:2: grants[0].levle"),
        ("grants: [", "this is not YAML"),
        ("pools: {web: [shop, gone]}", "there is no repository named gone"),
        (
            'grants: [{level: propose, granted: "2026-03-05T00:00:00Z", because: so}]',
            "it must not outlast a demotion",
        ),
        (f"grants: [{{level: auto_merge, {GIVEN}}}]", "auto_merge is for low risk alone"),
        (f"grants: [{{pool: web, level: propose, {GIVEN}}}]", "there is no pool named web"),
        (
            f"grants:\n  - {{repository: shop, level: propose, {GIVEN}}}\n  - {{class: edit, level: observe, {GIVEN}}}",
            "trust.yaml:3: grants[1]: it is about the same as grants[0], and says no more; keep one of the two",
        ),
    ],
)
def test_a_mistake_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(text, "trust.yaml", NOW, KNOWN)
    assert said in str(refused.value)


def test_areas_that_never_meet_may_have_grants_that_say_as_much() -> None:
    found = grants("repository: shop, level: propose", "repository: cart, level: observe", "risk: low, class: pin, "
                   "level: propose")  # fmt: skip
    assert len(found.grants) == 3
