"""Secrets in the configuration: kept and shown encrypted, so that a dump can be loaded again and shows nothing.

The same text always encrypts to the same word under one seed. That keeps comparisons and golden files stable; it is no
protection against somebody who has the simulator's seed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from sbcsim.errors import UserError

PREFIX = "$8$"
"""What an encrypted value begins with."""


class Cipher:
    """Encrypts and decrypts under one seed (AES-SIV, RFC 5297: deterministic, and it notices foreign words)."""

    def __init__(self, seed: int = 0) -> None:
        self._key = AESSIV(hashlib.sha512(f"sbcsim configuration {seed}".encode()).digest())

    def encrypt(self, plain: str) -> str:
        """Return the encrypted word for `plain`."""
        return PREFIX + base64.b64encode(self._key.encrypt(plain.encode(), None)).decode("ascii")

    def decrypt(self, text: str) -> str:
        """Return what an encrypted word stands for; raises UserError for anything this seed did not encrypt."""
        try:
            return self._key.decrypt(base64.b64decode(text.removeprefix(PREFIX), validate=True), None).decode()
        except (InvalidTag, binascii.Error, ValueError):
            raise UserError("the secret was not encrypted by this box") from None

    def is_encrypted(self, text: str) -> bool:
        """Whether `text` is a word that `decrypt` understands."""
        if not text.startswith(PREFIX):
            return False
        try:
            self.decrypt(text)
        except UserError:
            return False
        return True

    def sealed(self, text: str) -> str:
        """Return `text` as it is kept: as it is where it looks encrypted already, by whatever box, else encrypted."""
        return text if text.startswith(PREFIX) else self.encrypt(text)

    def opened(self, text: str) -> str:
        """Return what a kept secret stands for; a word from another box stands for itself, and so opens nothing."""
        return self.decrypt(text) if self.is_encrypted(text) else text
