"""RC2 by the vectors of RFC 2268 (section 5) whose effective length is that of the key."""

import pytest

from sbcsim.pki.rc2 import encrypt_cbc

ZERO = bytes(8)


@pytest.mark.parametrize(
    ("key", "plain", "cipher"),
    [
        ("ffffffffffffffff", "ffffffffffffffff", "278b27e42e2f0d49"),
        ("3000000000000000", "1000000000000001", "30649edf9be7d2c2"),
        ("88bca90e90875a7f0f79c384627bafb2", "0000000000000000", "2269552ab0f85ca6"),
    ],
)
def test_a_block(key, plain, cipher):
    made = encrypt_cbc(bytes.fromhex(key), ZERO, bytes.fromhex(plain))
    assert made[:8].hex() == cipher
    assert len(made) == 16  # a whole block of padding follows


def test_blocks_are_chained_and_begin_with_the_vector():
    key, block = bytes(range(5)), b"12345678"
    once, iv = encrypt_cbc(key, ZERO, block), b"ABCDEFGH"
    assert encrypt_cbc(key, iv, bytes(a ^ b for a, b in zip(block, iv, strict=True)))[:8] == once[:8]
    second = bytes(a ^ b for a, b in zip(block, once[:8], strict=True))
    assert encrypt_cbc(key, ZERO, block + second)[8:16] == once[:8]
