"""Keys: a line with each word that holds a digit blotted out, for a whole block of bytes at once.

Lines of one key are taken for the same template, so that only the first of them is ever looked at closely. Numbers,
addresses, times, and identifiers in hexadecimal nearly all hold a digit: `vm 4f3a-b1 at 10.0.0.7:80` and
`vm 77e0-c9 at 10.0.0.9:81` have the key `vm 0 at 0:0`.
"""

from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from cases.telemetry import Mask

_BETWEEN, _WORD, _DIGIT = 0, 1, 2
_ORDERS: Final[tuple[Literal["little", "big"], ...]] = ("little", "big")
_NOT_ASCII = 0x80
_JOINING = b"_-.@%+#$*~"  # these hold a word together, as in 2026-11-22, 10.0.0.7, req-77


def _classes() -> bytes:
    classes = bytearray(256)
    for byte in range(256):
        if byte >= _NOT_ASCII or bytes((byte,)).isalpha() or byte in _JOINING:
            classes[byte] = _WORD
        elif bytes((byte,)).isdigit():
            classes[byte] = _DIGIT
    return bytes(classes)


_CLASSES = _classes()


def keys_of(block: bytes) -> list[bytes]:
    """The key of each line of the block, in order. `block` is lines that newlines part, with none at its end."""
    if not block:
        return [b""]
    classes = np.frombuffer(block.translate(_CLASSES), dtype=np.uint8)
    blotted = _with_their_words(classes == _DIGIT, classes != _BETWEEN)
    keep = ~blotted
    first = blotted.copy()
    first[1:] &= keep[:-1]
    keep |= first
    letters: npt.NDArray[np.uint8] = np.frombuffer(block, dtype=np.uint8).copy()
    np.putmask(letters, first, ord("0"))
    return letters[keep].tobytes().split(b"\n")


def _with_their_words(digits: Mask, words: Mask) -> Mask:
    """The words that hold a digit, whole. `words` are runs, one bit a byte; `digits` lie in them.

    As one long number, words + digits carries from the first digit of a run to its end, so that a single addition
    finds all that follows a digit in its word; the same with the bits in the other order finds what goes before.
    """
    both = np.zeros(digits.size, dtype=np.bool_)
    for order in _ORDERS:
        run = int.from_bytes(np.packbits(words, bitorder=order).tobytes(), order)
        digit = int.from_bytes(np.packbits(digits, bitorder=order).tobytes(), order)
        reached = (run ^ (run & (run + digit))) | digit
        packed = np.frombuffer(reached.to_bytes(digits.size // 8 + 1, order), dtype=np.uint8)
        whole = packed[1 - (digits.size % 8 != 0) :] if order == "big" else packed
        both |= np.unpackbits(whole, count=digits.size, bitorder=order).view(np.bool_)
    return both
