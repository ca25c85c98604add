"""Logs of eighteen made-up systems, each line with the template that wrote it. Seeded; no line is taken from anywhere.

A system is the head of its lines and its messages, with a name in braces for each value. Some messages are frequent and
some rare, as in life: the n-th is written in proportion to 1/n.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from uuid import UUID

NAMES = [
    "root",
    "admin",
    "guest",
    "alice",
    "bob",
    "carol",
    "dave",
    "erin",
    "frank",
    "grace",
    "heidi",
    "ivan",
    "judy",
    "mallory",
    "niaj",
    "olivia",
    "peggy",
    "rupert",
    "sybil",
]
HOSTS = ["web", "db", "cache", "queue", "edge", "mail", "build", "proxy", "node", "store"]
ITEMS = [
    "orders",
    "payments",
    "invoices",
    "carts",
    "sessions",
    "profiles",
    "refunds",
    "coupons",
    "ledgers",
    "receipts",
    "tariffs",
]
CLASSES = [
    "OrderService",
    "PaymentGateway",
    "CartRepository",
    "UserStore",
    "InvoiceMailer",
    "RefundWorker",
    "LedgerSink",
]
AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Safari/537.36",
    "curl/8.5.0",
    "kube-probe/1.29",
)

Value = Callable[[Random], str]
VALUES: Mapping[str, Value] = {
    "int": lambda r: str(r.randrange(1, 10 ** r.randrange(1, 7))),
    "float": lambda r: f"{r.random() * 10 ** r.randrange(0, 4):.{r.randrange(1, 4)}f}",
    "ms": lambda r: f"{r.randrange(1, 9000)}ms",
    "size": lambda r: f"{r.random() * 900:.1f} {r.choice(['KB', 'MB', 'GB'])}",
    "ip": lambda r: ".".join(str(r.randrange(256)) for _ in range(4)),
    "port": lambda r: str(r.randrange(1024, 65536)),
    "hex": lambda r: f"0x{r.getrandbits(48):012x}",
    "id": lambda r: f"{r.getrandbits(128):032x}",
    "short": lambda r: f"{r.getrandbits(28):07x}",
    "uuid": lambda r: str(UUID(int=r.getrandbits(128), version=4)),
    "mac": lambda r: ":".join(f"{r.randrange(256):02x}" for _ in range(6)),
    "user": lambda r: r.choice(NAMES),
    "host": lambda r: f"{r.choice(HOSTS)}-{r.randrange(40)}.prod.internal",
    "item": lambda r: r.choice(ITEMS),
    "class": lambda r: f"io.acme.{r.choice(ITEMS)}.{r.choice(CLASSES)}",
    "path": lambda r: f"/var/lib/{r.choice(ITEMS)}/{r.choice(HOSTS)}-{r.randrange(900)}.{r.choice(['log', 'db'])}",
    "url": lambda r: f"https://api.acme.dev/v1/{r.choice(ITEMS)}/{r.randrange(99999)}?page={r.randrange(9)}",
    "route": lambda r: f"/api/{r.choice(ITEMS)}/{r.randrange(9999)}",
    "agent": lambda r: r.choice(AGENTS),
    "blk": lambda r: f"blk_{r.randrange(-(10**18), 10**18)}",
    "pct": lambda r: f"{r.randrange(101)}%",
    "bool": lambda r: r.choice(["true", "false"]),
    "mail": lambda r: f"{r.choice(NAMES)}{r.randrange(99)}@mail.acme.dev",
    "clock": lambda r: f"{r.randrange(24):02d}:{r.randrange(60):02d}:{r.randrange(60):02d}",
    "milli": lambda r: f"{r.randrange(1000):03d}",
    "day": lambda r: f"{r.randrange(1, 29):02d}",
    "status": lambda r: str(r.choice([200, 200, 200, 201, 204, 301, 404, 500, 502])),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What a system says, and the lines that follow it, as a trace does."""

    text: str
    below: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """`head` goes before each message."""

    name: str
    head: str
    messages: Sequence[Message]


def read(file: Path) -> Iterator[System]:
    """The systems of a file: `== name`, `head …`, `says …` for each message, `then …` for a line below it."""
    for part in file.read_text("utf-8").split("== ")[1:]:
        name, head, *rest = part.rstrip("\n").split("\n")
        messages: list[Message] = []
        for line in rest:
            if line.startswith("then "):
                messages[-1] = replace(messages[-1], below=(*messages[-1].below, line[5:]))
            else:
                messages.append(Message(text=line[5:]))
        yield System(name=name, head=head[5:], messages=messages)


SYSTEMS: Sequence[System] = tuple(read(Path(__file__).with_suffix(".txt")))


def lines_of(system: System, count: int, seed: int = 7, *, heads: bool = True) -> list[tuple[str, str]]:
    """`count` entries as (line, template), with or without their heads. The lines of a trace have its entry's."""
    random = Random(f"{system.name} {seed}")  # noqa: S311 - it only has to vary
    weights = [1 / (n + 1) for n in range(len(system.messages))]
    found: list[tuple[str, str]] = []
    for _ in range(count):
        place = random.choices(range(len(system.messages)), weights)[0]
        message, template = system.messages[place], f"{system.name} {place}"
        found.append((_filled((system.head if heads else "") + message.text, random), template))
        found += [(_filled(line, random), template) for line in message.below]
    return found


def _filled(text: str, random: Random) -> str:
    parts = text.split("«")
    filled = [parts[0]]
    for part in parts[1:]:
        name, _, rest = part.partition("»")
        filled += [VALUES[name](random), rest]
    return "".join(filled)


def accuracy(truth: Sequence[str], ids: Sequence[int]) -> float:
    """Grouping accuracy: the share of lines whose group holds all the lines of their template, and no other."""
    by_truth: dict[str, set[int]] = {}
    by_id: dict[int, set[str]] = {}
    for template, number in zip(truth, ids, strict=True):
        by_truth.setdefault(template, set()).add(number)
        by_id.setdefault(number, set()).add(template)
    right = sum(
        len(by_truth[template]) == 1 and len(by_id[number]) == 1 for template, number in zip(truth, ids, strict=True)
    )
    return right / len(truth)
