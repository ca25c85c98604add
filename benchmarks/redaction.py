"""How many secrets the redaction of telemetry finds, how many innocent lines it changes, and how fast it is.

    python -m benchmarks.redaction [OF EACH KIND] [BENIGN LINES]

The corpus is made here, seeded and labelled: every kind of secret in every kind of line, and lines that look like one
and hold none. Forms are those that issuers document. What is not in it: secrets with no form and no word beside them.
"""

import base64
import hashlib
import json
import sys
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random

from cases.redaction import redacted

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
UPPER = LETTERS[:26] + LETTERS[-10:]
HEX = "0123456789abcdef"
DIGITS = LETTERS[-10:]

Maker = Callable[[Random], str]


def of(prefix: str, length: int, alphabet: str = LETTERS, suffix: str = "") -> Maker:
    """A secret of that form."""
    return lambda random: prefix + "".join(random.choices(alphabet, k=length)) + suffix


def _jwt(random: Random) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": str(random.randrange(10**9)), "iat": 1_700_000_000})
    head = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().strip("=") for part in parts)
    return ".".join([*head, "".join(random.choices(LETTERS, k=43))])


def _card(random: Random) -> str:
    digits = [4, *(random.randrange(10) for _ in range(14))]
    total = sum(sum(divmod(2 * d, 10)) if n % 2 == 0 else d for n, d in enumerate(digits))
    text = "".join(map(str, [*digits, -total % 10]))
    return random.choice((text, " ".join(text[n : n + 4] for n in range(0, 16, 4)), text[:4] + "-" + text[4:8] + "-"
                          + text[8:12] + "-" + text[12:]))  # fmt: skip


def _iban(random: Random) -> str:
    account = "".join(random.choices(DIGITS, k=18))
    check = 98 - int(account + "131400") % 97  # DE00
    return f"DE{check:02d}{account}"


def _mail(random: Random) -> str:
    name = random.choice(("jane.doe", "j_doe+shop", "müller".encode("ascii", "ignore").decode(), "ops-team"))
    return f"{name}{random.randrange(999)}@mail{random.randrange(9)}.acme.{random.choice(('io', 'co.uk', 'museum'))}"


ANYWHERE: Mapping[str, Maker] = {
    "AWS access key": of("AKIA", 16, UPPER),
    "AWS session key": of("ASIA", 16, UPPER),
    "GitHub token": of("ghp_", 36),
    "GitHub app token": of("ghs_", 36),
    "GitHub fine-grained token": of("github_pat_", 82, LETTERS + "_"),
    "GitLab token": of("glpat-", 20),
    "Slack token": lambda random: "-".join(("xoxb", of("", 12, DIGITS)(random), of("", 24)(random))),
    "Slack hook": of("hooks.slack.com/services/T0123456/B0123456/", 24),
    "Stripe key": of("sk_live_", 24),
    "Anthropic key": of("sk-ant-api03-", 90, LETTERS + "_-"),
    "OpenAI key": of("sk-proj-", 64, LETTERS + "_-"),
    "Google key": of("AIza", 35, LETTERS + "_-"),
    "Google OAuth token": of("ya29.", 80, LETTERS + "_-"),
    "npm token": of("npm_", 36),
    "PyPI token": of("pypi-", 120, LETTERS + "_-"),
    "Docker token": of("dckr_pat_", 27, LETTERS + "_-"),
    "Hugging Face token": of("hf_", 34),
    "DigitalOcean token": of("dop_v1_", 64, HEX),
    "Shopify token": of("shpat_", 32, HEX),
    "Vault token": of("hvs.", 90),
    "Databricks token": of("dapi", 32, HEX),
    "Grafana token": lambda random: f"glsa_{of('', 32)(random)}_{of('', 8, HEX)(random)}",
    "SendGrid key": lambda random: f"SG.{of('', 22)(random)}.{of('', 43)(random)}",
    "Telegram token": lambda random: f"{of('', 9, DIGITS[1:])(random)}:AA{of('', 33)(random)}",
    "New Relic key": of("NRAK-", 27, UPPER),
    "Terraform token": lambda random: f"{of('', 14)(random)}.atlasv1.{of('', 67)(random)}",
    "web token": _jwt,
    "private key": lambda random: (
        f"-----BEGIN {random.choice(('RSA ', 'EC ', 'OPENSSH ', ''))}PRIVATE KEY-----\n{of('', 128)(random)}"
    ),
    "e-mail": _mail,
    "payment card": _card,
    "account number": _iban,
}
"""Kinds that are known by their form, in whatever line they stand."""

ANNOUNCED: Mapping[str, tuple[tuple[str, ...], Maker]] = {
    "password": (("password={}", "password: {}", '"db_password": "{}"', "PASSWD = '{}'"), of("p", 9, LETTERS + "!%+")),
    "secret": (("client_secret={}", "aws_secret_access_key = {}", '{{"secret":"{}"}}'), of("", 40, LETTERS + "/+")),
    "API key": (("x-api-key: {}", "api_key={}", "app --api-key={} -v", "apikey: '{}'"), of("k7", 30)),
    "bearer token": (("Authorization: Bearer {}", "authorization=bearer {}", "curl -H 'Bearer {}'"), of("", 40)),
    "basic login": (("Authorization: Basic {}", "proxy-authorization: Basic {}"), of("", 28, LETTERS, "==")),
    "cookie": (("Cookie: sid={}", "set-cookie: session={}; HttpOnly"), of("", 32)),
    "login in an address": (
        ("postgresql://shop:{}@db:5432/shop", "redis://:{}@cache:6379/0", "https://bot:{}@git.acme.io/x.git"),
        of("s3", 12),
    ),
    "connection string": (("AccountName=x;AccountKey={};EndpointSuffix=y",), of("", 86, LETTERS + "/+", "==")),
    "session": (("session_id={}", "sessionid: {}"), of("a1", 30, HEX)),
}
"""Kinds that only a word beside them gives away."""

FRAMES = (
    "{}",
    "12:00:01 ERROR before {} after",
    '{{"level":"error","msg":"call with {} failed","n":1}}',
    "level=error msg=refused value={} trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
    "GET /v1/x?q={}&n=1 HTTP/1.1 403",
    "  File app.py, line 3: ('{}',)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was found. `missed` and `changed` are examples; no secret of anybody is in them."""

    secrets: int
    missed: tuple[str, ...]
    by_kind: Mapping[str, float]
    benign: int
    changed: tuple[str, ...]
    megabytes_a_second: float

    @property
    def recall(self) -> float:
        """The share of secrets of which no eight characters stay."""
        return 1 - len(self.missed) / self.secrets


def secrets(of_each: int, seed: int) -> list[tuple[str, str, str]]:
    """(kind, line, secret)."""
    random = Random(seed)  # noqa: S311 - made-up secrets, the same in every run
    made: list[tuple[str, str, str]] = []
    for number in range(of_each):
        for kind, maker in ANYWHERE.items():
            secret = maker(random)
            made.append((kind, FRAMES[number % len(FRAMES)].format(secret), secret))
        for kind, (lines, maker) in ANNOUNCED.items():
            secret = maker(random)
            made.append((kind, f"12:00:01 INFO {lines[number % len(lines)].format(secret)}", secret))
    return made


def benign(count: int, seed: int) -> list[str]:
    """Lines that hold no secret, and much that looks like one: ids, digests, addresses, code about passwords."""
    random = Random(seed)  # noqa: S311 - the same
    lines: list[str] = []
    while len(lines) < count:
        n, trace = random.randrange(10**6), f"{random.getrandbits(128):032x}"
        sha, name = hashlib.sha256(trace.encode()).hexdigest(), str(uuid.UUID(int=random.getrandbits(128)))
        lines += [
            f'level=error trace_id={trace} span_id={trace[:16]} msg="pool timeout after {n} ms"',
            f"traceparent: 00-{trace}-{trace[:16]}-01",
            f"pulling registry.acme.io/shop/api@sha256:{sha}",
            f"request {name} took {n} ms, status 500",
            f"commit {sha[:40]} Revert the pool size (#{n})",
            f"pod shop-{sha[:9]}-{sha[9:14]} restarted, exit code 137",
            f"password check failed for user {n}",
            "token expired, please sign in again",
            "token: str | None = None",
            'secret = os.environ["DB_SECRET"]',
            "api_key: env:ANTHROPIC_API_KEY",
            f"max_tokens={n} input_tokens: {n} token_count={n}",
            f'http_requests_total{{service="shop",code="500",le="+Inf"}} {n} 17{n:011d}',
            f"order 10{n:014d} shipped, parcel 00340434{n:012d}",
            f"systemd: user@{n % 1000}.service: Main process exited",
            f'etag W/"{sha[:32]}" MISS md5 {hashlib.md5(trace.encode(), usedforsecurity=False).hexdigest()}',
            f"GET http://shop.default.svc.cluster.local:8080/carts/{name}?page={n} 500",
            f"arn:aws:iam::{n:012d}:role/shop is not authorized to perform s3:GetObject",
            f"kafka offset {random.getrandbits(44)} partition {n % 64} epoch 17{n:011d}",
            f"version 2026.{n % 13}.3-rc1+build.{sha[:7]} sk-{n} key-{n} eyJ hf_model SK{n}",
        ]
    return lines[:count]


def measured(of_each: int = 60, lines: int = 20_000, seed: int = 1) -> Measured:
    """Run the redaction over the corpus."""
    planted, innocent = secrets(of_each, seed), benign(lines, seed)
    missed = [(kind, line) for kind, line, secret in planted if left(secret, redacted(line))]
    kinds = dict.fromkeys(kind for kind, _, _ in planted)
    by_kind = {kind: 1 - sum(one == kind for one, _ in missed) / of_each for kind in kinds}
    text = "\n".join(innocent)
    began = time.process_time()
    redacted(text)
    took = time.process_time() - began
    return Measured(
        secrets=len(planted),
        missed=tuple(f"{kind}: {line}" for kind, line in missed),
        by_kind=by_kind,
        benign=len(innocent),
        changed=tuple(line for line in innocent if redacted(line) != line),
        megabytes_a_second=len(text) / took / 1e6,
    )


def left(secret: str, told: str) -> bool:
    """Whether as much of it stays as would help anybody."""
    return secret in told or secret[-8:] in told


def main() -> None:
    """Measure and print."""
    counts = [int(word) for word in sys.argv[1:3]]
    found = measured(*counts)
    print(f"{len(found.by_kind)} kinds, {found.secrets} secrets: recall {found.recall:.4f}")
    for kind, recall in found.by_kind.items():
        if recall < 1:
            print(f"  {kind}: {recall:.3f}")
    print(f"{found.benign} benign lines: {len(found.changed)} changed; {found.megabytes_a_second:.1f} MB a CPU second")
    for example in (*found.missed[:5], *found.changed[:5]):
        print(f"  {example[:160]}")


if __name__ == "__main__":
    main()
