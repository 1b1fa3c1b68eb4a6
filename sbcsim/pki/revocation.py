"""What an authority has revoked: the book that it keeps, and the list (CRL) that it signs.

The box reads no lists, it asks by OCSP; lists are for far ends and for tools.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, get_args

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding

from sbcsim.clock import to_datetime
from sbcsim.errors import UserError

from .credential import Certificate
from .keys import SigningKey

Reason = Literal[
    "unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation",
    "certificateHold", "privilegeWithdrawn",
]  # fmt: skip
"""Why a certificate is revoked (RFC 5280, section 5.3.1)."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """One certificate that is revoked since calendar time `at`."""

    certificate: Certificate
    at: int
    reason: Reason = "unspecified"

    def __post_init__(self) -> None:
        if self.reason not in get_args(Reason):
            raise UserError(f"no reason {self.reason}; there are {', '.join(get_args(Reason))}")

    @property
    def flag(self) -> x509.ReasonFlags:
        """The reason, as `cryptography` has it."""
        return x509.ReasonFlags(self.reason)


@dataclass(frozen=True, slots=True)
class RevocationList:
    """A signed list of revoked certificates (CRL) in DER form."""

    der: bytes = field(repr=False)

    def pem(self) -> str:
        """Return the list in PEM form."""
        return self.x509.public_bytes(Encoding.PEM).decode("ascii")

    @property
    def x509(self) -> x509.CertificateRevocationList:
        """The list as `cryptography` reads it."""
        return x509.load_der_x509_crl(self.der)


def sign_list(
    issuer: Certificate, key: SigningKey, revoked: Iterable[Revocation], *, number: int, begins: int, ends: int
) -> RevocationList:
    """Return a list that holds from `begins` until `ends`, calendar microseconds."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.x509.subject)
        .last_update(to_datetime(begins))
        .next_update(to_datetime(ends))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_key(issuer), critical=False)
    )
    for each in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(each.certificate.x509.serial_number)
            .revocation_date(to_datetime(each.at))
        )
        if each.reason != "unspecified":
            entry = entry.add_extension(x509.CRLReason(each.flag), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    hashed = isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return RevocationList(builder.sign(key, hashes.SHA256() if hashed else None).public_bytes(Encoding.DER))


def _authority_key(issuer: Certificate) -> x509.AuthorityKeyIdentifier:
    own = issuer.x509.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
