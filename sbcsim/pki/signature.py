"""Whether a key made a signature, whatever kind of key it is and however old the hash."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.hashes import HashAlgorithm


def made_by(key: CertificatePublicKeyTypes, signature: bytes, body: bytes, algorithm: HashAlgorithm | None) -> bool:
    """Whether `key` signed `body`; `algorithm` is the hash, None where the kind of key has one of its own."""
    try:
        match key:
            case rsa.RSAPublicKey() if algorithm is not None:
                key.verify(signature, body, padding.PKCS1v15(), algorithm)
            case ec.EllipticCurvePublicKey() if algorithm is not None:
                key.verify(signature, body, ec.ECDSA(algorithm))
            case ed25519.Ed25519PublicKey() | ed448.Ed448PublicKey():
                key.verify(signature, body)
            case _:
                return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
