"""RC2 in CBC mode (RFC 2268), which old PKCS#12 files are encrypted with, with as few as 40 bits.

No current library encrypts with it, and no secret should rest on it: it is here to make files that old programs made.
"""

from __future__ import annotations

_BLOCK = 8
_MASK = 0xFFFF

# Section 2: a permutation of the octets, from the digits of pi.
_PI = bytes.fromhex(
    "d978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2"
    "179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82"
    "54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626"
    "6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7"
    "08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec"
    "c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731"
    "2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9"
    "0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad"
)


def encrypt_cbc(key: bytes, iv: bytes, data: bytes) -> bytes:
    """Encrypt data with PKCS#7 padding; every bit of the key counts, as the modes RC2-40 and RC2-128 have it."""
    words = _expand(key)
    filling = _BLOCK - len(data) % _BLOCK
    data += bytes([filling]) * filling
    out, last = bytearray(), iv
    for at in range(0, len(data), _BLOCK):
        last = _encrypt_block(words, bytes(a ^ b for a, b in zip(data[at : at + _BLOCK], last, strict=True)))
        out += last
    return bytes(out)


def _expand(key: bytes) -> tuple[int, ...]:
    # Section 2, with an effective length of the whole key.
    octets, size = bytearray(key), len(key)
    for at in range(size, 128):
        octets.append(_PI[(octets[at - 1] + octets[at - size]) & 0xFF])
    octets[128 - size] = _PI[octets[128 - size]]
    for at in range(127 - size, -1, -1):
        octets[at] = _PI[octets[at + 1] ^ octets[at + size]]
    return tuple(int.from_bytes(octets[at : at + 2], "little") for at in range(0, 128, 2))


def _encrypt_block(words: tuple[int, ...], block: bytes) -> bytes:
    # Section 3: five mixing rounds, a mashing round, six, a mashing round, five.
    r = [int.from_bytes(block[at : at + 2], "little") for at in range(0, _BLOCK, 2)]
    for turn in range(16):
        if turn in {5, 11}:
            for i in range(4):
                r[i] = r[i] + words[r[i - 1] & 63] & _MASK
        for i, shift in enumerate((1, 2, 3, 5)):
            mixed = r[i] + words[4 * turn + i] + (r[i - 1] & r[i - 2]) + (~r[i - 1] & r[i - 3]) & _MASK
            r[i] = (mixed << shift | mixed >> 16 - shift) & _MASK
    return b"".join(word.to_bytes(2, "little") for word in r)
