"""What logs say: lines, the errors in them, and the places in the code that stack traces name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from cases.redaction import redacted, redacted_labels
from cases.telemetry import LogLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One call of a stack trace, as it was printed: `file` may be an absolute path of the production machine.

    `text` is the line as the repository has it, where that was looked up; never what the log says of it.
    """

    file: str
    line: int
    function: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A stack trace. `frames` end with the call that raised. `message` is data from outside, capped.

    `fact` is the id of the evidence that speaks of it, where there is one.
    """

    exception: str
    message: str
    frames: tuple[Frame, ...]
    language: str
    fact: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Some lines, oldest first, and where to go on.

    cursor  nanoseconds since the epoch: everything before it has been read, nothing at or after it
    whole   whether the stretch that was asked for is read to its end
    """

    lines: tuple[LogLine, ...]
    cursor: int
    whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorSeen:
    """One kind of error of a service, over a stretch of time.

    signature  what makes two lines the same kind: exception and innermost frames, or the line without its variables
    first      when it was first seen at all, as far back as is remembered
    count      how often in the stretch; `before` how often in the equally remembered time before it
    sample     one line of it, capped, as data from outside
    news       why it matters, where it is no error but a line of a kind that the log never had
    """

    service: str
    signature: str
    first: datetime
    last: datetime
    count: int
    before: int
    sample: str
    trace: Trace | None = None
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    news: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        # From here on it gets into evidence, messages and the ledger: no secret goes further.
        object.__setattr__(self, "sample", redacted(self.sample))
        object.__setattr__(self, "labels", redacted_labels(self.labels))
        object.__setattr__(self, "news", tuple(redacted(reason) for reason in self.news))
        if self.trace is not None:
            object.__setattr__(self, "trace", replace(self.trace, message=redacted(self.trace.message)))
