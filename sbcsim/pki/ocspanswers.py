"""What a responder says (RFC 6960): answers for one authority, true ones and those that nobody should believe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from sbcsim.clock import to_datetime

from .credential import Certificate
from .mint import Authority, Issued
from .ocsp import Answer, OcspError
from .revocation import Revocation

Extension = x509.ExtensionType
"""An extension of an answer, beside its nonce."""

STATES = {
    Answer.GOOD: ocsp.OCSPCertStatus.GOOD,
    Answer.REVOKED: ocsp.OCSPCertStatus.REVOKED,
    Answer.UNKNOWN: ocsp.OCSPCertStatus.UNKNOWN,
}
"""What an answer can say of a certificate."""

_REFUSALS = {
    Answer.MALFORMED_REQUEST: ocsp.OCSPResponseStatus.MALFORMED_REQUEST,
    Answer.INTERNAL_ERROR: ocsp.OCSPResponseStatus.INTERNAL_ERROR,
    Answer.TRY_LATER: ocsp.OCSPResponseStatus.TRY_LATER,
    Answer.SIGNATURE_REQUIRED: ocsp.OCSPResponseStatus.SIG_REQUIRED,
    Answer.UNAUTHORIZED: ocsp.OCSPResponseStatus.UNAUTHORIZED,
}


@dataclass(frozen=True, slots=True)
class Question:
    """What a responder is asked: about the certificate of which serial number, by which authority."""

    serial: int
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    algorithm: hashes.HashAlgorithm
    nonce: bytes | None

    def concerns(self, issuer: Certificate) -> bool:
        """Whether it is about a certificate of this authority."""
        subject = hashes.Hash(self.algorithm)
        subject.update(issuer.x509.subject.public_bytes())
        return subject.finalize() == self.issuer_name_hash


def read_question(data: bytes) -> Question:
    """Read a question in DER form; raises OcspError for anything else."""
    try:
        asked = ocsp.load_der_ocsp_request(data)
        nonces = [each.value.nonce for each in asked.extensions if isinstance(each.value, x509.OCSPNonce)]
        algorithm = asked.hash_algorithm
    except (ValueError, NotImplementedError, x509.DuplicateExtension) as error:
        raise OcspError("question cannot be read") from error
    return Question(
        asked.serial_number, asked.issuer_name_hash, asked.issuer_key_hash, algorithm, nonces[0] if nonces else None
    )


def refusal(state: Answer) -> bytes:
    """Return an answer in DER form that says nothing of any certificate, such as tryLater; it is not signed."""
    return ocsp.OCSPResponseBuilder.build_unsuccessful(_REFUSALS[state]).public_bytes(Encoding.DER)


def answer(
    question: Question,
    authority: Authority,
    state: Answer,
    *,
    begins: int,
    ends: int,
    revocation: Revocation | None = None,
    nonce: bytes | None = None,
    signer: Issued | None = None,
    sends: Iterable[Certificate] = (),
    extensions: Iterable[Extension] = (),
) -> bytes:
    """Return an answer in DER form that holds from `begins` until `ends`, calendar microseconds.

    The authority signs it itself unless a `signer` does for it. `revocation` says since when and why, where the state
    is revoked: since `begins` without one. `sends` are certificates that go along.
    """
    certificate, key = (authority.certificate, authority.key) if signer is None else (signer.certificate, signer.key)
    revoked = state is Answer.REVOKED
    since = begins if revocation is None else revocation.at
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response_by_hash(
            issuer_name_hash=question.issuer_name_hash,
            issuer_key_hash=question.issuer_key_hash,
            serial_number=question.serial,
            algorithm=question.algorithm,
            cert_status=STATES[state],
            this_update=to_datetime(begins),
            next_update=to_datetime(ends),
            revocation_time=to_datetime(since) if revoked else None,
            revocation_reason=revocation.flag if revoked and revocation is not None else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, certificate.x509)
    )
    sent = [each.x509 for each in sends]
    if sent:
        builder = builder.certificates(sent)
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    for each in extensions:
        builder = builder.add_extension(each, critical=False)
    hashed = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return builder.sign(key, hashes.SHA256() if hashed else None).public_bytes(Encoding.DER)
