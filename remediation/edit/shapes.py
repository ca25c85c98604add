"""What an error may tell the edit step: a name that is known, words that the code has itself, shapes of quoted values.

The message is written by whoever sends requests, and a name may be made up by whoever writes log lines. A shape
(`'99,99'` for `'12,50'`) helps to write the test that fails in the same way, and carries no instruction: no letter and
no digit of it is left.
"""

import builtins
import re
from collections.abc import Sequence

_QUOTED = re.compile(r"'([^']{0,200})'|\"([^\"]{0,200})\"")
_IDENTIFIER = re.compile(r"[A-Za-z_]\w{2,40}")
MOST_SHAPES, LONGEST_SHAPE = 3, 24
MOST_WORDS = 8

_BUILT_IN = frozenset(
    name for name, it in vars(builtins).items() if isinstance(it, type) and issubclass(it, BaseException)
)
_WELL_KNOWN = frozenset(
    {
        "AddressError", "ArrayIndexOutOfBoundsException", "BadRequest", "BadZipFile", "BrokenPipeError",
        "CancelledError", "ClassCastException", "ClientError", "ClosedChannelException", "CompileError",
        "ConcurrentModificationException", "ConnectError", "ConnectTimeout", "ConnectTimeoutError", "ConnectionClosed",
        "ConnectionDoesNotExistError", "ConnectionException", "ConnectionFailure", "DataError", "DatabaseError",
        "DateTimeParseException", "DecodeError", "DetachedInstanceError", "DoesNotExist", "DuplicateKeyError",
        "DuplicateKeyException", "Empty", "EndpointConnectionError", "EvalError", "FileNotFoundException", "Full",
        "FormatException", "HTTPError", "HTTPStatusError", "IOException", "IllegalArgumentException",
        "IllegalStateException", "IncompleteRead", "IndexOutOfBoundsException", "IndexOutOfRangeException",
        "IntegrityError", "InterfaceError", "InternalError", "InvalidCastException", "InvalidOperation",
        "InvalidOperationException", "InvalidSchema", "InvalidToken", "InvalidURL", "JSONDecodeError",
        "JsonProcessingException", "KeyNotFoundException", "MaxRetryError", "MultiValueDictKeyError",
        "MultipleResultsFound", "NewConnectionError", "NoResultFound", "NoSuchElementException", "NoSuchKey",
        "NotFound", "NotNullViolation", "NullPointerException", "NullReferenceException", "NumberFormatException",
        "ObjectDoesNotExist", "OperationalError", "OutOfMemoryError", "PendingRollbackError", "PoolTimeout",
        "ProgrammingError", "ProtocolError", "RangeError", "ReadTimeout", "ReadTimeoutError", "ReferenceError",
        "RemoteDisconnected", "RequestException", "ResponseError", "RuntimeException", "SQLException", "SSLError",
        "ServerDisconnectedError", "SocketException", "SocketTimeoutException", "StackOverflowError", "StaleDataError",
        "StringIndexOutOfBoundsException", "TemplateNotFound", "TimeoutException", "TooManyRedirects",
        "UndefinedColumn", "UndefinedError", "UndefinedTable", "UniqueViolation", "UnsupportedOperationException",
        "ValidationError", "WriteTimeout", "gaierror", "herror", "timeout",
    }
)  # fmt: skip
"""Names of the standard libraries, and of libraries that many programs use."""


def known_exception(name: str, code: Sequence[str]) -> str:
    """An exception's own name without its module, where it is a known one or stands in the code; else ""."""
    last = re.split(r"[.:$]", name)[-1]
    if last in _BUILT_IN or last in _WELL_KNOWN:
        return last
    stands = any(re.search(rf"(?<!\w){re.escape(last)}(?!\w)", text) for text in code)
    return last if last and stands else ""


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
        words = sorted(list(spoken)[:MOST_WORDS])  # not in the order of whoever wrote the message
        told.append(f"its message has these words of the code: {', '.join(words)}")
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
