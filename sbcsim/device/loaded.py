"""An enabled certificate in memory, and as the document that survives a restart.

The private key stands in it unencrypted, as on the box: whoever can read the state directory is its owner.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import cast

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from sbcsim.pki.credential import Certificate, PrivateKey
from sbcsim.pki.keystore import KeystoreContent


@dataclass(frozen=True, slots=True)
class Loaded:
    """An enabled certificate with its content and the revision that loaded it."""

    name: str
    type: str
    content: KeystoreContent
    revision: int

    @property
    def certificate(self) -> Certificate:
        """The certificate itself."""
        return self.content.certificate


def packed(certificate: Certificate, loaded: Loaded | None) -> bytes:
    """Return the document of a certificate; one that is not enabled has neither key nor type."""
    document: dict[str, object] = {"certificate": _text(certificate.der)}
    if loaded is not None:
        key = loaded.content.key
        document |= {
            "type": loaded.type,
            "revision": loaded.revision,
            "key": None if key is None else key_text(key),
        }
    return json.dumps(document).encode()


def unpacked(name: str, document: bytes) -> tuple[Certificate, Loaded | None]:
    """Return what `packed` was given."""
    data = json.loads(document)
    certificate = Certificate.from_der(base64.b64decode(data["certificate"]))
    if "type" not in data:
        return certificate, None
    key = None if data["key"] is None else read_key(data["key"])
    return certificate, Loaded(name, data["type"], KeystoreContent(certificate, key), data["revision"])


def key_text(key: PrivateKey) -> str:
    """Return a private key as text, not encrypted."""
    return _text(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))


def read_key(text: str) -> PrivateKey:
    """Return what `key_text` was given."""
    # Checking an RSA key takes tens of milliseconds, and this one has been checked before.
    return cast(PrivateKey, load_der_private_key(base64.b64decode(text), None, unsafe_skip_rsa_key_validation=True))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
