"""PKCS#12 files (RFC 7292) in every encryption that people meet, also those that no current library writes any more.

Salts and initialization vectors are taken from the content by a hash: the same content gives the same file. That is
enough for a test, and no way to protect a key that matters.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4, TripleDES
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sbcsim.errors import UserError

from .credential import Certificate
from .derwriter import bmp_string, explicit, identifier, implicit, integer, null, octets, sequence, set_of
from .keys import SigningKey
from .rc2 import encrypt_cbc

Encryption = Literal["aes256", "aes128", "3des", "legacy", "rc2-40", "rc2-128", "rc4-128", "none"]
"""How a PKCS#12 file is encrypted.

"aes256" is what OpenSSL 3 does by default; "3des" is what older programs do; "legacy" is RC2 with 40 bits for the
certificates and 3DES for the key, the default of OpenSSL 1, of Java and of Windows for twenty years; "rc2-40",
"rc2-128" and "rc4-128" are these for both; "none" encrypts nothing.
"""

MacHash = Literal["sha1", "sha256", "sha384", "sha512", "none"]
"""The hash by which a file proves that it is whole; "none" leaves the proof out."""

ROUNDS = 2048
"""Rounds of each key derivation unless told otherwise, as OpenSSL has it."""

_PKCS7_DATA, _PKCS7_ENCRYPTED = identifier("1.2.840.113549.1.7.1"), identifier("1.2.840.113549.1.7.6")
_KEY_BAG, _SHROUDED_BAG, _CERTIFICATE_BAG = (identifier(f"1.2.840.113549.1.12.10.1.{each}") for each in (1, 2, 3))
_X509 = identifier("1.2.840.113549.1.9.22.1")
_FRIENDLY_NAME, _LOCAL_KEY = identifier("1.2.840.113549.1.9.20"), identifier("1.2.840.113549.1.9.21")
_PBES2, _PBKDF2 = identifier("1.2.840.113549.1.5.13"), identifier("1.2.840.113549.1.5.12")
_HMAC_SHA256 = sequence(identifier("1.2.840.113549.2.9"), null())
_HASHES = {
    "sha1": "1.3.14.3.2.26", "sha256": "2.16.840.1.101.3.4.2.1", "sha384": "2.16.840.1.101.3.4.2.2",
    "sha512": "2.16.840.1.101.3.4.2.3",
}  # fmt: skip
_AES = {16: identifier("2.16.840.1.101.3.4.1.2"), 32: identifier("2.16.840.1.101.3.4.1.42")}

_FOR_KEY, _FOR_IV, _FOR_MAC = 1, 2, 3
"""What a derived value is for (RFC 7292, appendix B.3)."""


@dataclass(frozen=True, slots=True)
class _Scheme:
    """How one part is encrypted: with which cipher, and a key of how many octets."""

    cipher: str
    size: int
    identifier: bytes = b""


_AES_256, _AES_128 = _Scheme("aes", 32), _Scheme("aes", 16)
_TRIPLE_DES = _Scheme("3des", 24, identifier("1.2.840.113549.1.12.1.3"))
_RC2_40 = _Scheme("rc2", 5, identifier("1.2.840.113549.1.12.1.6"))
_RC2_128 = _Scheme("rc2", 16, identifier("1.2.840.113549.1.12.1.5"))
_RC4_128 = _Scheme("rc4", 16, identifier("1.2.840.113549.1.12.1.1"))

# For the certificates, for the key, the usual hash of the proof.
_ENCRYPTIONS: dict[str, tuple[_Scheme | None, _Scheme | None, MacHash]] = {
    "aes256": (_AES_256, _AES_256, "sha256"),
    "aes128": (_AES_128, _AES_128, "sha256"),
    "3des": (_TRIPLE_DES, _TRIPLE_DES, "sha1"),
    "legacy": (_RC2_40, _TRIPLE_DES, "sha1"),
    "rc2-40": (_RC2_40, _RC2_40, "sha1"),
    "rc2-128": (_RC2_128, _RC2_128, "sha1"),
    "rc4-128": (_RC4_128, _RC4_128, "sha1"),
    "none": (None, None, "sha256"),
}


def write(
    certificates: Sequence[Certificate],
    key: SigningKey | None,
    pass_phrase: str,
    *,
    encryption: Encryption = "aes256",
    mac: MacHash | None = None,
    friendly_name: str | None = None,
    rounds: int = ROUNDS,
) -> bytes:
    """Return a PKCS#12 file in DER form; raises UserError for an encryption or a hash that there is not.

    The first certificate and the key carry the friendly name, and an identifier that says that they belong together
    where they do. `mac` is the hash of the proof, that which is usual with the encryption unless given.
    """
    if encryption not in _ENCRYPTIONS:
        raise UserError(f"no encryption {encryption}; there are {', '.join(get_args(Encryption))}")
    for_certificates, for_key, usual = _ENCRYPTIONS[encryption]
    mac = usual if mac is None else mac
    if mac not in get_args(MacHash):
        raise UserError(f"no hash {mac}; there are {', '.join(get_args(MacHash))}")
    bound = _bound(certificates, key)
    parts = []
    if certificates:
        bags = [
            _certificate_bag(each, *((friendly_name, bound) if number == 0 else (None, None)))
            for number, each in enumerate(certificates)
        ]
        content = sequence(*bags)
        parts.append(
            _plain(content) if for_certificates is None else _enciphered(content, for_certificates, pass_phrase, rounds)
        )
    if key is not None:
        parts.append(_plain(sequence(_key_bag(key, for_key, pass_phrase, rounds, (friendly_name, bound)))))
    safe = sequence(*parts)
    proof = b"" if mac == "none" else _proof(safe, mac, pass_phrase, rounds)
    return sequence(integer(3), sequence(_PKCS7_DATA, explicit(0, octets(safe))), proof)


def _bound(certificates: Sequence[Certificate], key: SigningKey | None) -> bytes | None:
    if key is None or not certificates or certificates[0].public_key != key.public_key():
        return None
    return bytes.fromhex(certificates[0].fingerprint)[:20]


def _certificate_bag(certificate: Certificate, name: str | None, bound: bytes | None) -> bytes:
    content = sequence(_X509, explicit(0, octets(certificate.der)))
    return sequence(_CERTIFICATE_BAG, explicit(0, content), _attributes(name, bound))


def _key_bag(
    key: SigningKey, scheme: _Scheme | None, pass_phrase: str, rounds: int, marks: tuple[str | None, bytes | None]
) -> bytes:
    plain = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    if scheme is None:
        return sequence(_KEY_BAG, explicit(0, plain), _attributes(*marks))
    algorithm, data = _encrypted(plain, scheme, pass_phrase, rounds)
    return sequence(_SHROUDED_BAG, explicit(0, sequence(algorithm, octets(data))), _attributes(*marks))


def _attributes(name: str | None, bound: bytes | None) -> bytes:
    found = []
    if name:
        found.append(sequence(_FRIENDLY_NAME, set_of(bmp_string(name))))
    if bound is not None:
        found.append(sequence(_LOCAL_KEY, set_of(octets(bound))))
    return set_of(*found) if found else b""


def _plain(content: bytes) -> bytes:
    return sequence(_PKCS7_DATA, explicit(0, octets(content)))


def _enciphered(content: bytes, scheme: _Scheme, pass_phrase: str, rounds: int) -> bytes:
    algorithm, data = _encrypted(content, scheme, pass_phrase, rounds)
    inner = sequence(_PKCS7_DATA, algorithm, implicit(0, data))
    return sequence(_PKCS7_ENCRYPTED, explicit(0, sequence(integer(0), inner)))


def _encrypted(plain: bytes, scheme: _Scheme, pass_phrase: str, rounds: int) -> tuple[bytes, bytes]:
    """Return the identifier of the algorithm with its parameters, and what it makes of `plain`."""
    salt = _drawn(b"salt", plain, 16)
    if scheme.cipher == "aes":
        iv = _drawn(b"iv", plain, 16)
        key = PBKDF2HMAC(hashes.SHA256(), scheme.size, salt, rounds).derive(pass_phrase.encode())
        derivation = sequence(_PBKDF2, sequence(octets(salt), integer(rounds), _HMAC_SHA256))
        algorithm = sequence(_PBES2, sequence(derivation, sequence(_AES[scheme.size], octets(iv))))
        return algorithm, _block_cipher(Cipher(AES(key), modes.CBC(iv)), 128, plain)
    key = _derive("sha1", _FOR_KEY, scheme.size, pass_phrase, salt, rounds)
    iv = _derive("sha1", _FOR_IV, 8, pass_phrase, salt, rounds)
    algorithm = sequence(scheme.identifier, sequence(octets(salt), integer(rounds)))
    match scheme.cipher:
        case "rc2":
            return algorithm, encrypt_cbc(key, iv, plain)
        case "rc4":
            return algorithm, Cipher(ARC4(key), mode=None).encryptor().update(plain)
    return algorithm, _block_cipher(Cipher(TripleDES(key), modes.CBC(iv)), 64, plain)


def _block_cipher(cipher: Cipher[modes.CBC], bits: int, plain: bytes) -> bytes:
    filler, encryptor = padding.PKCS7(bits).padder(), cipher.encryptor()
    return encryptor.update(filler.update(plain) + filler.finalize()) + encryptor.finalize()


def _proof(safe: bytes, mac: MacHash, pass_phrase: str, rounds: int) -> bytes:
    salt = _drawn(b"mac", safe, 16)
    key = _derive(mac, _FOR_MAC, hashlib.new(mac).digest_size, pass_phrase, salt, rounds)
    digest = hmac.digest(key, safe, mac)
    algorithm = sequence(identifier(_HASHES[mac]), null())
    # One round is what goes without saying, and what goes without saying is not written in DER.
    return sequence(sequence(algorithm, octets(digest)), octets(salt), integer(rounds) if rounds != 1 else b"")


def _drawn(purpose: bytes, content: bytes, size: int) -> bytes:
    return hashlib.sha256(purpose + content).digest()[:size]


def _derive(name: str, purpose: int, size: int, pass_phrase: str, salt: bytes, rounds: int) -> bytes:
    """Return a derived key (RFC 7292, appendix B.2)."""
    block = hashlib.new(name).block_size
    password = pass_phrase.encode("utf-16-be") + b"\0\0"
    mixed = bytearray(_filled(salt, block) + _filled(password, block))
    out = b""
    while len(out) < size:
        digest = bytes([purpose]) * block + mixed
        for _ in range(rounds):
            digest = hashlib.new(name, digest).digest()
        out += digest
        addend = int.from_bytes(_filled(digest, block)[:block], "big") + 1
        for at in range(0, len(mixed), block):
            total = int.from_bytes(mixed[at : at + block], "big") + addend
            mixed[at : at + block] = (total % (1 << block * 8)).to_bytes(block, "big")
    return out[:size]


def _filled(data: bytes, block: int) -> bytes:
    """Return `data` repeated until it fills whole blocks."""
    size = -(-len(data) // block) * block
    return (data * (size // len(data) + 1))[:size] if data else b""
