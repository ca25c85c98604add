"""Keys, held against an expression that says the same in one line."""

import re
from random import Random

from detectors.templates.keys import keys_of

WORD = rb"[A-Za-z_\-.@%+#$*~\x80-\xff]"
NUMBERED = re.compile(rb"(?:%b|[0-9])*[0-9](?:%b|[0-9])*" % (WORD, WORD))


def test_a_word_with_a_digit_is_blotted_out_and_nothing_else() -> None:
    random = Random(3)  # noqa: S311 - it only has to vary
    for _ in range(2_000):
        block = bytes(random.choice(b"ab0 1-\n:\xff\x00") for _ in range(random.randrange(120)))
        assert keys_of(block) == [NUMBERED.sub(b"0", line) for line in block.split(b"\n")]


def test_values_make_no_difference_and_words_do() -> None:
    one, two, three = keys_of(
        b"vm 4f3a-b1 at 10.0.0.7:80 up\nvm 77e0-c9 at 10.0.0.9:81 up\nvm 77e0-c9 at 10.0.0.9:81 down"
    )
    assert one == two == b"vm 0 at 0:0 up"
    assert three != one


def test_nothing_has_one_empty_line() -> None:
    assert keys_of(b"") == [b""]
