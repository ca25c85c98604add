"""A GitHub App at the local forge: a key pair, an installation, and the source of tokens that speaks for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from cases.ports import Clock
from daemon.clock import SystemClock
from remediation.forge.app import NEEDED, WELCOME, Installation
from remediation.forge.forge import GitForge
from remediation.forge.local.apps import written
from remediation.forge.local.grants import App
from tests.parts.hub import World

ID, INSTALLATION, SLUG = 1234, 5678, "trackwalker-acme"
ALL: Mapping[str, str] = {**NEEDED, **WELCOME}


@cache
def key_pair(which: int = 0) -> tuple[str, str]:
    """A private and a public key, PEM; another one for each number."""
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

    del which
    private = generate_private_key(public_exponent=65537, key_size=2048)
    shown = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    held = private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    return held.decode(), shown.decode()


@dataclass
class Installed:
    """The App in a world. `change` is what its owner decides; it holds from the next request on."""

    there: World
    app: App
    key: str

    @property
    def file(self) -> Path:
        return self.there.hub.root / "apps" / f"{self.app.slug}.json"

    def change(
        self,
        *,
        permissions: Mapping[str, str] | None = None,
        suspended: str | None = None,
        repositories: Sequence[str] | None = None,
    ) -> None:
        self.app = replace(
            self.app,
            permissions=self.app.permissions if permissions is None else permissions,
            suspended=self.app.suspended if suspended is None else suspended,
            repositories=self.app.repositories if repositories is None else repositories,
        )
        self.file.write_text(written(self.app))

    def source(self, clock: Clock | None = None, key: str = "", number: int = INSTALLATION) -> Installation:
        return Installation(
            api_url=self.there.served.api_url,
            app=ID,
            installation=number,
            key=lambda: key or self.key,
            repositories=["shop", *self.there.others],
            clock=clock or SystemClock(),
        )

    def forge(self, source: Installation | None = None) -> GitForge:
        return self.there.adapter(source or self.source())


def installed(there: World, permissions: Mapping[str, str] = ALL) -> Installed:
    """Install it on all of acme's."""
    private, public = key_pair()
    app = App(
        id=ID, slug=SLUG, installation=INSTALLATION, account="acme", public_key=public, permissions=dict(permissions)
    )
    it = Installed(there, app, private)
    it.file.parent.mkdir()
    it.change()
    return it
