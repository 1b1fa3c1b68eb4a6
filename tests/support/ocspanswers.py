"""Answers of an OCSP responder, made with `cryptography`: true ones, and every kind that must not be believed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from sbcsim.pki.credential import Certificate
from sbcsim.pki.mint import Authority, Issued

GOOD, REVOKED, UNKNOWN = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED, ocsp.OCSPCertStatus.UNKNOWN
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def nonce_of(request: bytes) -> bytes:
    """Return the nonce of a question."""
    return ocsp.load_der_ocsp_request(request).extensions.get_extension_for_class(x509.OCSPNonce).value.nonce


def serial_of(request: bytes) -> int:
    """Return which certificate of its issuer a question is about."""
    return ocsp.load_der_ocsp_request(request).serial_number


def answer(
    certificate: Certificate,
    issuer: Authority,
    state: ocsp.OCSPCertStatus = GOOD,
    *,
    nonce: bytes | None = None,
    delegate: Issued | None = None,
    sends: tuple[Certificate, ...] = (),
    extension: x509.ExtensionType | None = None,
) -> bytes:
    """Return an answer in DER form, signed by the issuer or by a delegate; `sends` and `extension` go along."""
    revoked = state is REVOKED
    signer, key = (issuer.certificate, issuer.key) if delegate is None else (delegate.certificate, delegate.key)
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=certificate.x509,
            issuer=issuer.certificate.x509,
            algorithm=hashes.SHA1(),
            cert_status=state,
            this_update=WHEN,
            next_update=WHEN + timedelta(days=1),
            revocation_time=WHEN if revoked else None,
            revocation_reason=x509.ReasonFlags.key_compromise if revoked else None,
        )
        .responder_id(ocsp.OCSPResponderEncoding.HASH, signer.x509)
    )
    if sends:
        builder = builder.certificates([each.x509 for each in sends])
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    if extension is not None:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def refusal(status: ocsp.OCSPResponseStatus) -> bytes:
    """Return an answer that says nothing about any certificate."""
    return ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
