"""Place: where a value is in a configuration file, in the words of the settings (`config.fields.KeyPath`)."""

import re
from dataclasses import dataclass
from typing import TypeAlias

from remediation.values.refused import NotEditable

Keys: TypeAlias = tuple[str | int, ...]
"""Names of keys and positions in lists (from 0), from the top of a document."""

_DOCUMENT = re.compile(r"([^/:\s]+/[^/:\s]*/[^/:\s]+):")
_STEP = re.compile(r'\."([^"]+)"|\.([^.\[\]\s"][^.\[\]\s]*)|\[([0-9]{1,9})\]')
_PLAIN_KEY = re.compile(r'[^.\[\]\s"][^.\[\]\s]*')


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A document and the keys below it.

    `document` is kind/namespace/name as Kubernetes has them (the namespace may be empty), or "" for the only document
    of a file. `str` gives what `parse` reads.
    """

    keys: Keys
    document: str = ""

    @classmethod
    def parse(cls, text: str) -> "Place":
        """Read `.image.tag`, `.a."b.c"[0]` or `Deployment/prod/shop:.spec.replicas`. Raises NotEditable."""
        named = _DOCUMENT.match(text)
        at = named.end() if named else 0
        keys: list[str | int] = []
        while at < len(text):
            step = _STEP.match(text, at)
            if step is None:
                raise NotEditable(f"{text!r} is not a place in a file: write it as in .image.tag or .env[0].value")
            keys.append(int(step[3]) if step[3] is not None else step[1] or step[2])
            at = step.end()
        if not keys:
            raise NotEditable(f"{text!r} names no key: write it as in .image.tag or .env[0].value")
        return cls(keys=tuple(keys), document=named[1] if named else "")

    def below(self, key: str | int) -> "Place":
        """The place one step further down."""
        return Place(keys=(*self.keys, key), document=self.document)

    @property
    def shown(self) -> str:
        """For people: as in `pool.size`."""
        return str(self).removeprefix(".") or "the whole document"

    def __str__(self) -> str:
        steps = "".join(f"[{key}]" if isinstance(key, int) else _named(key) for key in self.keys)
        return f"{self.document}:{steps}" if self.document else steps


def _named(key: str) -> str:
    return f".{key}" if _PLAIN_KEY.fullmatch(key) else f'."{key}"'
