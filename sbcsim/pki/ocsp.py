"""OCSP (RFC 6960): the question whether a certificate is revoked, and what a responder's answer says.

The dates of an answer are not judged: responders live in the time of the host, the node in its own, and what has been
revoked stays so.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from cryptography import x509 as asn
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from sbcsim.errors import SbcsimError

from .credential import Certificate, CertificateError, issued_by
from .signature import made_by

REQUEST_TYPE = "application/ocsp-request"
"""Media type of a question over HTTP (RFC 6960, appendix A)."""


class Answer(Enum):
    """What an answer says: of the certificate, or why the responder says nothing of it (RFC 6960, section 4.2.1)."""

    GOOD = "good"
    REVOKED = "revoked"
    UNKNOWN = "unknown"
    MALFORMED_REQUEST = "malformedRequest"
    INTERNAL_ERROR = "internalError"
    TRY_LATER = "tryLater"
    SIGNATURE_REQUIRED = "sigRequired"
    UNAUTHORIZED = "unauthorized"


class OcspError(SbcsimError):
    """An answer that cannot be used; the text says why."""


_REFUSALS = {
    ocsp.OCSPResponseStatus.MALFORMED_REQUEST: Answer.MALFORMED_REQUEST,
    ocsp.OCSPResponseStatus.INTERNAL_ERROR: Answer.INTERNAL_ERROR,
    ocsp.OCSPResponseStatus.TRY_LATER: Answer.TRY_LATER,
    ocsp.OCSPResponseStatus.SIG_REQUIRED: Answer.SIGNATURE_REQUIRED,
    ocsp.OCSPResponseStatus.UNAUTHORIZED: Answer.UNAUTHORIZED,
}

_STATES = {
    ocsp.OCSPCertStatus.GOOD: Answer.GOOD,
    ocsp.OCSPCertStatus.REVOKED: Answer.REVOKED,
    ocsp.OCSPCertStatus.UNKNOWN: Answer.UNKNOWN,
}


def request(certificate: Certificate, issuer: Certificate, nonce: bytes) -> bytes:
    """Return the question about one certificate in DER form; the answer may repeat the nonce (RFC 9654)."""
    # Every responder knows SHA-1 here, where it protects nothing (RFC 5019, section 2.1.1).
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate.x509, issuer.x509, hashes.SHA1())  # noqa: S303
    built = builder.add_extension(asn.OCSPNonce(nonce), critical=False).build()
    return built.public_bytes(Encoding.DER)


def responder(certificate: Certificate) -> str:
    """Return where a certificate says that its status is known, "" where it does not (RFC 5280, section 4.2.2.1)."""
    try:
        found = certificate.x509.extensions.get_extension_for_class(asn.AuthorityInformationAccess).value
    except (asn.ExtensionNotFound, asn.DuplicateExtension, asn.UnsupportedGeneralNameType, ValueError):
        return ""
    places = (each.access_location for each in found if each.access_method == AuthorityInformationAccessOID.OCSP)
    return next((place.value for place in places if isinstance(place, asn.UniformResourceIdentifier)), "")


def read(
    data: bytes, certificate: Certificate, issuer: Certificate, nonce: bytes, trusted: Iterable[Certificate]
) -> Answer:
    """Return what an answer says about a certificate; raises OcspError where it cannot be believed.

    It must be signed by the issuer, by somebody to whom that has delegated it, or by a responder that is trusted by
    itself (RFC 6960, section 4.2.2.2).
    """
    try:
        response = ocsp.load_der_ocsp_response(data)
        refusal = _REFUSALS.get(response.response_status)
        if refusal is not None:
            return refusal
        ours = (each for each in response.responses if _is_about(each, certificate, issuer))
        states = [_STATES[each.certificate_status] for each in ours]
        echo = _nonce(response)
    except (ValueError, UnsupportedAlgorithm, asn.DuplicateExtension) as error:
        raise OcspError("answer cannot be read") from error
    if not states:
        raise OcspError("answer is about another certificate")
    if echo not in {None, nonce}:
        raise OcspError("answer is to another question")
    if not any(_signed(response, each) for each in _authorized(response, issuer, trusted)):
        raise OcspError("answer is not signed by an authorized responder")
    return states[0]


def _is_about(each: ocsp.OCSPSingleResponse, certificate: Certificate, issuer: Certificate) -> bool:
    if each.serial_number != certificate.x509.serial_number:
        return False
    # The same question with the same kind of hash has the same two hashes of the issuer.
    asked = ocsp.OCSPRequestBuilder().add_certificate(certificate.x509, issuer.x509, each.hash_algorithm).build()
    return (each.issuer_name_hash, each.issuer_key_hash) == (asked.issuer_name_hash, asked.issuer_key_hash)


def _nonce(response: ocsp.OCSPResponse) -> bytes | None:
    try:
        return response.extensions.get_extension_for_class(asn.OCSPNonce).value.nonce
    except asn.ExtensionNotFound:
        return None


def _authorized(
    response: ocsp.OCSPResponse, issuer: Certificate, trusted: Iterable[Certificate]
) -> Iterable[Certificate]:
    yield issuer
    for each in trusted:
        if _signs_answers(each):
            yield each
    for sent in response.certificates:
        try:
            delegate = Certificate.from_x509(sent)
        except CertificateError:
            continue
        if _signs_answers(delegate) and issued_by(delegate, issuer):
            yield delegate


def _signs_answers(certificate: Certificate) -> bool:
    try:
        usage = certificate.x509.extensions.get_extension_for_class(asn.ExtendedKeyUsage).value
    except (asn.ExtensionNotFound, asn.DuplicateExtension, asn.UnsupportedGeneralNameType, ValueError):
        return False
    return ExtendedKeyUsageOID.OCSP_SIGNING in usage


def _signed(response: ocsp.OCSPResponse, by: Certificate) -> bool:
    try:
        algorithm = response.signature_hash_algorithm
        return made_by(by.public_key, response.signature, response.tbs_response_bytes, algorithm)
    except (CertificateError, UnsupportedAlgorithm):
        return False
