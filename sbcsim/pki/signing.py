"""Signatures of certificates with any hash: also with those that no current library signs with any more."""

from __future__ import annotations

from typing import Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from sbcsim.errors import UserError

from . import der
from .credential import Certificate
from .derwriter import element, identifier, null, sequence
from .keys import SigningKey

SignatureHash = Literal["md5", "sha1", "sha224", "sha256", "sha384", "sha512"]
"""The hash that a signature is made over; keys of the Edwards curves have one of their own."""

_HASHES: dict[str, type[hashes.SHA224 | hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "sha224": hashes.SHA224, "sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512,
}  # fmt: skip
_BIT_STRING = 0x03
_OLD_RSA = {"md5": "1.2.840.113549.1.1.4", "sha1": "1.2.840.113549.1.1.5"}
_OLD_EC = {"sha1": "1.2.840.10045.4.1"}


def sign(builder: x509.CertificateBuilder, key: SigningKey, signature_hash: SignatureHash) -> Certificate:
    """Return the certificate; raises UserError for a hash that there is not, or not with this kind of key."""
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        return Certificate.from_x509(builder.sign(key, None))
    if signature_hash in _HASHES:
        return Certificate.from_x509(builder.sign(key, _HASHES[signature_hash]()))
    if signature_hash not in get_args(SignatureHash):
        raise UserError(f"no hash {signature_hash}; there are {', '.join(get_args(SignatureHash))}")
    return _sign_anew(builder.sign(key, hashes.SHA256()), key, signature_hash)


def _sign_anew(certificate: x509.Certificate, key: SigningKey, signature_hash: SignatureHash) -> Certificate:
    """Return the certificate with another signature: its algorithm stands inside and outside of what is signed."""
    old_hash = hashes.MD5() if signature_hash == "md5" else hashes.SHA1()  # noqa: S303 - that is what is asked for
    algorithm = _algorithm(key, signature_hash)
    version, serial, _, *rest = der.read(certificate.tbs_certificate_bytes).children()
    body = sequence(
        *(each.data[each.start - _head(each) : each.next] for each in (version, serial)),
        algorithm,
        *(each.data[each.start - _head(each) : each.next] for each in rest),
    )
    if isinstance(key, rsa.RSAPrivateKey):
        signature = key.sign(body, padding.PKCS1v15(), old_hash)
    else:
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        signature = key.sign(body, ec.ECDSA(old_hash))
    return Certificate.from_der(sequence(body, algorithm, element(_BIT_STRING, b"\0" + signature)))


def _algorithm(key: SigningKey, signature_hash: SignatureHash) -> bytes:
    if isinstance(key, rsa.RSAPrivateKey):
        return sequence(identifier(_OLD_RSA[signature_hash]), null())
    if signature_hash not in _OLD_EC:
        raise UserError(f"no signature with {signature_hash} by a key of this kind")
    return sequence(identifier(_OLD_EC[signature_hash]))


def _head(part: der.Element) -> int:
    """Return how many octets tag and length take."""
    size = part.end - part.start
    return 2 if size < 0x80 else 2 + (size.bit_length() + 7) // 8
