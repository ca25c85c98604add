"""Text from outside, made harmless before a forge or a chat shows it.

Label values, commit titles and test names are written by whoever writes logs and commits. They are shown, never obeyed:
no mention pings anybody, no `fixes #1` closes an issue, no hidden comment or remote image gets through.
"""

import re
import unicodedata

_MENTION = re.compile(r"@(?=[\w-])")
_REFERENCE = re.compile(r"(#|\bGH-)(?=\d)", re.IGNORECASE)  # also behind a name: `acme/shop#1` is one
_ENTITY = re.compile(r"&(?=#|[A-Za-z])")  # `&#64;` is an @ once it is shown, and pings as one
_BARE_HOST = re.compile(r"\bwww(?=\.)", re.IGNORECASE)  # made a link without any scheme
_MARKUP = str.maketrans(
    {
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        "`": "'",
        "|": "\N{BROKEN BAR}",
        "[": "(",
        "]": ")",
    }
)
_WORD_JOINER = "\N{WORD JOINER}"
_LOOKED_AT = 50  # times as many characters as may be shown: hidden ones do not count


def neutral(text: str, limit: int = 200) -> str:
    """One line of at most `limit` characters that no forge, chat or terminal reads as markup or as an address."""
    seen = text[: limit * _LOOKED_AT]  # a line of megabytes is not looked through for the few that are shown
    visible = "".join(" " if character.isspace() else character for character in seen if _shows(character))
    line = " ".join(visible.split())
    if len(line) > limit or len(text) > len(seen):
        line = line[: limit - 1] + "…"
    line = line.translate(_MARKUP)
    line = _ENTITY.sub(f"&{_WORD_JOINER}", line)
    line = _MENTION.sub(f"@{_WORD_JOINER}", line)
    line = _BARE_HOST.sub(rf"\g<0>{_WORD_JOINER}", line)
    return _REFERENCE.sub(rf"\1{_WORD_JOINER}", line).replace("://", f":{_WORD_JOINER}//")


def fenced(text: str, language: str = "", limit: int = 6000) -> str:
    """A code block whose fence is longer than any run of backticks inside; control characters are dropped."""
    kept = "".join(c for c in text[:limit] if c in "\n\t" or _shows(c))
    if len(text) > limit:
        kept += f"\n… {len(text) - limit} more characters"
    longest = max((len(run) for run in re.findall(r"`+", kept)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{kept}\n{fence}"


def _shows(character: str) -> bool:
    """Whether it is a character that a reader sees: no control, format (bidi, zero width) or surrogate characters."""
    return character.isspace() or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn"}
