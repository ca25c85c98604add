"""Image: a container image as configuration files name it: a bare tag, or name:tag@digest."""

import re
from dataclasses import dataclass, replace

from remediation.values.nodes import Kind, Scalar
from remediation.values.place import Place
from remediation.values.refused import NotEditable

_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_REFERENCE = re.compile(
    r"(?P<name>(?:[^\s/@]+/)*[^\s/:@]+)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>\S+))?"
)
_COMMIT = re.compile(r"(?:sha-|git-)?([0-9a-f]{7,40})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a value says of an image. `name` is "" for a bare tag, `digest` "" where nothing pins it."""

    tag: str
    name: str = ""
    digest: str = ""

    def __str__(self) -> str:
        named = f"{self.name}:{self.tag}" if self.name else self.tag
        return f"{named}@{self.digest}" if self.digest else named

    @property
    def commit(self) -> str:
        """The (abbreviated) commit that the tag is, as in 1a2b3c4 or sha-1a2b3c4; "" when it is none."""
        found = _COMMIT.fullmatch(self.tag)
        return found[1] if found else ""

    def at(self, earlier: "Image") -> "Image":
        """This image at an earlier one's version. Raises NotEditable where more than the version would change."""
        if self.name != earlier.name:
            raise NotEditable(f"the image was {earlier.name or 'a bare tag'} then and is {self.name or 'one'} now")
        if self.digest and not earlier.digest:
            raise NotEditable(
                f"the image is pinned by its digest, and {earlier.tag} had none: which bytes that was is not known"
            )
        return replace(self, tag=earlier.tag, digest=earlier.digest)


def image_of(scalar: Scalar, place: Place) -> Image:
    """The image that a value names. Raises NotEditable when it has no tag."""
    text = str(scalar.value) if scalar.kind is Kind.STRING else scalar.source
    bare = not any(mark in text for mark in "/:@") and str(place.keys[-1]).lower() != "image"
    if bare and _TAG.fullmatch(text):
        return Image(tag=text)
    found = None if bare else _REFERENCE.fullmatch(text)
    if found is None or not found["tag"]:
        pinned = "has a digest and no tag" if found and found["digest"] else "has no tag of an image"
        raise NotEditable(f"{place.shown} {pinned}")
    return Image(tag=found["tag"], name=found["name"], digest=found["digest"] or "")
