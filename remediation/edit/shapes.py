"""What an error's message may tell the edit step: words that the code has itself, and the shapes of quoted values.

The message is written by whoever sends requests. A shape (`'99,99'` for `'12,50'`) helps to write the test that fails
in the same way, and carries no instruction: no letter and no digit of it is left.
"""

import re
from collections.abc import Sequence

_QUOTED = re.compile(r"'([^']{0,200})'|\"([^\"]{0,200})\"")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w{2,40}")
MOST_SHAPES, LONGEST_SHAPE = 3, 24
MOST_WORDS = 8


def hints(messages: Sequence[str], code: Sequence[str]) -> tuple[str, ...]:
    """Sentences of our own about the messages, for a model that may not read them."""
    known = {word for text in code for word in _IDENTIFIER.findall(text)}
    spoken = dict.fromkeys(word for message in messages for word in _IDENTIFIER.findall(message) if word in known)
    shapes = dict.fromkeys(
        shape(one or other)
        for message in messages
        for one, other in _QUOTED.findall(message)
        if (one or other) not in known
    )
    told: list[str] = []
    if spoken:
        told.append(f"its message has these words of the code: {', '.join(list(spoken)[:MOST_WORDS])}")
    if shapes:
        listed = ", ".join(f"'{text}'" for text in list(shapes)[:MOST_SHAPES])
        told.append(f"it quotes values of these shapes (a for any letter, 9 for any digit): {listed}")
    return tuple(told)


def shape(value: str) -> str:
    """The value with every letter an `a` and every digit a `9`; other characters than simple punctuation are `?`."""
    kept = "".join(
        "9" if c.isdigit() else "a" if c.isalpha() else c if c in " .,:;+-_/%()" else "?" for c in value[:LONGEST_SHAPE]
    )
    return kept + ("…" if len(value) > LONGEST_SHAPE else "")
