"""Private keys for tests: every kind that people meet, and a pool of those that are slow to make.

EC keys are made in a fraction of a millisecond, RSA keys take tens of milliseconds (2048 bits) to seconds (4096).
Nothing shorter than 1024 bits can be made: no current library makes one.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Literal, get_args

from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from sbcsim.errors import UserError

from .credential import PrivateKey

KeyType = Literal[
    "ec", "ec-p256", "ec-p384", "ec-p521",
    "rsa", "rsa-1024", "rsa-2048", "rsa-3072", "rsa-4096",
    "ed25519", "ed448",
]  # fmt: skip
"""Kinds of key; "ec" is P-256, "rsa" has 2048 bits. The box has no use for the last two."""

SigningKey = PrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
"""What an authority can sign with, and sign for."""

POOL_SIZE = 8
"""How many RSA keys of a size `pooled_key` makes in one process."""

_CURVES: dict[str, type[ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1]] = {
    "ec": ec.SECP256R1, "ec-p256": ec.SECP256R1, "ec-p384": ec.SECP384R1, "ec-p521": ec.SECP521R1,
}  # fmt: skip
_BITS = {"rsa": 2048, "rsa-1024": 1024, "rsa-2048": 2048, "rsa-3072": 3072, "rsa-4096": 4096}


def new_key(key_type: KeyType = "ec") -> SigningKey:
    """Make a private key; raises UserError for a kind that there is not."""
    if key_type in _CURVES:
        return ec.generate_private_key(_CURVES[key_type]())
    if key_type in _BITS:
        return rsa.generate_private_key(65537, _BITS[key_type])
    if key_type == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if key_type == "ed448":
        return ed448.Ed448PrivateKey.generate()
    raise UserError(f"no kind of key {key_type}; there are {', '.join(get_args(KeyType))}")


def pooled_key(key_type: KeyType = "rsa") -> SigningKey:
    """Return the next RSA key of a pool that this process fills when first asked; neighbours always differ.

    Keys that are quick to make are made anew.
    """
    if key_type not in _BITS:
        return new_key(key_type)
    turn = _turns[key_type]
    _turns[key_type] += 1
    return key_of_pool(turn, key_type)


def key_of_pool(turn: int, key_type: KeyType = "rsa") -> SigningKey:
    """Return the RSA key that comes at a turn, from 0: the same key whenever this process asks for it.

    After POOL_SIZE turns they begin anew. Keys that are quick to make are made anew each time.
    """
    return _pool_key(key_type, turn % POOL_SIZE) if key_type in _BITS else new_key(key_type)


_turns: Counter[str] = Counter()


@lru_cache(maxsize=POOL_SIZE * len(_BITS))
def _pool_key(key_type: KeyType, _slot: int) -> SigningKey:
    return new_key(key_type)
