"""Keys that are made on the box, for certificate objects of type local-internal.

A key belongs to its object and is deleted with it. Making another one drops what was imported for the one before.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sbcsim.pki.credential import Certificate, PrivateKey
from sbcsim.pki.keystore import KeystoreContent, KeystoreError, load_file
from sbcsim.pki.request import new_rsa_key, parse_names, parse_subject, signing_request

from .documents import KEY, Keep
from .loaded import key_text, read_key

_MARKERS = re.compile(r"\s*(-----(?:BEGIN|END) [A-Z0-9 ]+-----)\s*")


@dataclass(frozen=True, slots=True)
class Pair:
    """A key with the certificate that was imported for it."""

    key: PrivateKey
    certificate: Certificate | None = None

    def packed(self) -> bytes:
        """Return the document that survives the process; the key in it is not encrypted."""
        der = None if self.certificate is None else self.certificate.der.hex()
        return json.dumps((key_text(self.key), der)).encode()

    @staticmethod
    def unpacked(document: bytes) -> Pair:
        """Return what `packed` was called on."""
        key, der = json.loads(document)
        return Pair(read_key(key), None if der is None else Certificate.from_der(bytes.fromhex(der)))


class InternalKeys:
    """The keys by name of their object."""

    def __init__(self) -> None:
        self._pairs: dict[str, Pair] = {}
        self._made: dict[int, deque[PrivateKey]] = {}
        self.keep_documents: Keep | None = None
        """How a key survives the process."""

    def prework(self, bits: int) -> Callable[[], None]:
        """Return the making of a key, which may run in a thread: the next request takes it."""
        return lambda: self._made.setdefault(bits, deque()).append(new_rsa_key(bits))

    def request(self, name: str, bits: int, subject: str, dns_names: str) -> str:
        """Take a new key for an object and return its signing request (PEM); raises RequestError."""
        asked, names = parse_subject(subject), parse_names(dns_names)
        ready = self._made.get(bits)
        key = ready.popleft() if ready else new_rsa_key(bits)
        text = signing_request(asked, names, key)
        self._put(name, Pair(key))
        return text

    def fits(self, name: str, certificate: Certificate) -> bool:
        """Whether a certificate was signed for the present key of an object."""
        pair = self._pairs.get(name)
        return pair is not None and certificate.public_key == pair.key.public_key()

    def keep(self, name: str, certificate: Certificate) -> None:
        """Keep a certificate that fits."""
        self._put(name, replace(self._pairs[name], certificate=certificate))

    def content(self, name: str) -> KeystoreContent | None:
        """Return key and certificate of an object, None where none was imported."""
        pair = self._pairs.get(name)
        if pair is None or pair.certificate is None:
            return None
        return KeystoreContent(pair.certificate, pair.key)

    def pairs(self) -> dict[str, Pair]:
        """Return what every object has, by name."""
        return dict(self._pairs)

    def bring_back(self, name: str, pair: Pair) -> None:
        """Have an object have what it had before it was deleted: that was undone."""
        self._pairs.setdefault(name, pair)

    def restore(self, documents: Mapping[str, bytes]) -> None:
        """Go on with the keys of an earlier process."""
        self._pairs |= {name: Pair.unpacked(document) for name, document in documents.items()}

    def drop(self, name: str) -> None:
        """Forget the key of an object that is deleted."""
        self._pairs.pop(name, None)

    def reset(self, to: Mapping[str, Pair]) -> None:
        """Return to the keys of an earlier moment."""
        self._pairs = dict(to)
        self._made.clear()

    def _put(self, name: str, pair: Pair) -> None:
        if self.keep_documents is not None:
            self.keep_documents({KEY + name: pair.packed()})
        self._pairs[name] = pair


def read_certificate(text: str) -> Certificate | None:
    """Return the one certificate in PEM text, None where it is something else; blanks will do for line ends."""
    lines = (piece if piece.startswith("-----") else "\n".join(piece.split()) for piece in _MARKERS.split(text))
    try:
        return load_file("\n".join(lines).encode(), "remote", None).certificate
    except KeystoreError:
        return None
