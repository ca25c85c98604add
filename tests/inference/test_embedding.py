"""Texts as vectors: the same everywhere, of length 1, and near where letters are."""

import subprocess
import sys

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.embedding import WIDTH, alike, embed, rarity, stem, words_of

ASK = (
    "from inference.embedding import embed, words_of; import hashlib;"
    "print(hashlib.sha256(embed(words_of('The pool ran dry; größer, 日本')).tobytes()).hexdigest())"
)


def near(one: str, other: str) -> float:
    return float(embed(words_of(one)) @ embed(words_of(other)))


def test_words_lose_case_accents_and_punctuation() -> None:
    assert words_of("Größe/naïve_Café: RETRY-limit") == ["grosse", "naive", "cafe", "retry", "limit"]
    assert words_of("日本 пул") == ["日本", "пул"]
    assert words_of("…!\0") == []


def test_a_stem_is_what_inflections_share() -> None:
    assert {stem(word) for word in ("charges", "charged", "charging", "charger")} == {"charg"}
    assert {stem(word) for word in ("connections", "connection", "connected", "connecting")} == {"connect"}
    assert stem("used") == "used"


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=300))
def test_any_text_has_a_vector_of_length_one_or_none(said: str) -> None:
    words = words_of(said)
    vector = embed(words, rarity(words, [words]))
    assert (vector.shape, vector.dtype) == ((WIDTH,), np.float32)
    assert bool(np.isclose(np.linalg.norm(vector), 1.0 if words else 0.0, atol=1e-5))


def test_a_vector_is_the_same_in_another_process() -> None:
    """Python's own hash is not: a vector that a daemon stored is compared by all others."""
    asked = [
        subprocess.run(
            [sys.executable, "-c", ASK], env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}, check=True,
            capture_output=True, text=True,
        ).stdout
        for seed in ("1", "2")
    ]  # fmt: skip
    assert asked[0] == asked[1]


def test_spelling_compounds_and_inflections_are_near_and_other_words_are_not() -> None:
    for one, other in (
        ("catalogue", "catalogs"),
        ("normalisation", "normalization"),
        ("connectionpool", "connection pool"),
        ("certificate", "certificat"),
        ("exhausted", "exhaustion"),
    ):
        assert near(one, other) > 0.5, (one, other)
        assert alike(words_of(one), words_of(other))
    for one, other in (("zeppelin", "connection pool"), ("queue", "template"), ("x", "yz")):
        assert abs(near(one, other)) < 0.2, (one, other)
        assert not alike(words_of(one), words_of(other))


def test_a_rare_word_tells_more_than_one_that_every_text_has() -> None:
    texts = [words_of(f"errors went up {n}") for n in ("pool", "cache", "cents", "pools")]
    told = rarity(words_of("errors pool zeppelin"), texts)
    assert told["errors"] < told["pool"] < told["zeppelin"]
    assert rarity(["pool"], []) == {"pool": np.log1p(1.0)}
