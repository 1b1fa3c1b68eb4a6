"""TLS records of AES-256-GCM made by hand: what a library refuses to send on a connection that stands.

Both versions, with the suites ECDHE-RSA-AES256-GCM-SHA384 (RFC 5246, RFC 5288) and TLS_AES_256_GCM_SHA384 (RFC 8446).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from OpenSSL import SSL

ALERT, HANDSHAKE, APPLICATION = 21, 22, 23
"""ContentTypes."""

_VERSION = b"\x03\x03"
_TAG = 16


def plain_record(kind: int, content: bytes, version: bytes = b"\x03\x01") -> bytes:
    """Return a record in the clear."""
    return bytes([kind]) + version + len(content).to_bytes(2, "big") + content


@dataclass
class Sealer:
    """One direction of a connection; `sequence` is the number of records that went that way under this key."""

    key: bytes
    iv: bytes
    newest: bool
    sequence: int

    @classmethod
    def of(cls, connection: SSL.Connection, secrets: dict[str, bytes], *, server: bool, sequence: int) -> Sealer:
        """Return the direction in which the far end `connection` sends, from its own secrets."""
        if connection.get_protocol_version_name() == "TLSv1.3":
            secret = secrets["SERVER_TRAFFIC_SECRET_0" if server else "CLIENT_TRAFFIC_SECRET_0"]
            return cls(_expand(secret, b"key", 32), _expand(secret, b"iv", 12), newest=True, sequence=sequence)
        seed = b"key expansion" + connection.server_random() + connection.client_random()
        block = _p_hash(connection.master_key(), seed, 2 * 32 + 2 * 4)
        key = block[32:64] if server else block[:32]
        iv = block[68:72] if server else block[64:68]
        return cls(key, iv, newest=False, sequence=sequence)

    def seal(self, kind: int, content: bytes) -> bytes:
        """Return the next record."""
        number = self.sequence.to_bytes(8, "big")
        self.sequence += 1
        if self.newest:
            head = bytes([APPLICATION]) + _VERSION + (len(content) + 1 + _TAG).to_bytes(2, "big")
            nonce = bytes(a ^ b for a, b in zip(self.iv, number.rjust(12, b"\0"), strict=True))
            return head + AESGCM(self.key).encrypt(nonce, content + bytes([kind]), head)
        additional = number + bytes([kind]) + _VERSION + len(content).to_bytes(2, "big")
        body = number + AESGCM(self.key).encrypt(self.iv + number, content, additional)
        return bytes([kind]) + _VERSION + len(body).to_bytes(2, "big") + body


def records(data: bytes) -> list[tuple[int, bytes]]:
    """Return kind and body of each record in a stream of them."""
    found = []
    at = 0
    while at + 5 <= len(data):
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        found.append((data[at], data[at + 5 : at + 5 + size]))
        at += 5 + size
    return found


def _p_hash(secret: bytes, seed: bytes, size: int) -> bytes:
    out, block = b"", seed
    while len(out) < size:
        block = hmac.digest(secret, block, "sha384")
        out += hmac.digest(secret, block + seed, "sha384")
    return out[:size]


def _expand(secret: bytes, label: bytes, size: int) -> bytes:
    label = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0"
    return hmac.digest(secret, info + b"\1", "sha384")[:size]
