"""The certificates that the box holds and meets, as values: one certificate, an own credential, the trust anchors.

Dates are data here: `not_before` and `not_after` are calendar microseconds, and nothing in this package asks what
time it is. They are judged in four places, each with the node time that its caller passes in:

- when a certificate is enabled: only `expired` is asked, one that is not yet valid is accepted;
- in a handshake: the TLS engine judges both dates of every certificate shown to us, at the time of the handshake;
- at the periodic re-check: `expired` for both sides of every live connection;
- at midnight: the days that are left until `not_after`, for the expiry warnings.

`not_after` is inclusive: a certificate has expired when node time is later than it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from weakref import WeakValueDictionary

from cryptography import x509 as asn
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

from sbcsim.clock import from_datetime
from sbcsim.errors import SbcsimError

from .signature import made_by

_SIP = frozenset({"sip", "sips"})

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
"""The kinds of private key that the box works with."""


_OLD_HASHES = frozenset({"sha1", "md5"})

RECENT = 256
"""Certificates, and findings about who made which, that are kept although nobody holds them."""


class CertificateError(SbcsimError):
    """Bytes that should be an X.509 certificate are none."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Certificate:
    """One X.509 certificate; equal and hashed by its fingerprint (SHA-256 of the DER form, lower-case hex)."""

    der: bytes = field(repr=False)
    fingerprint: str = field(repr=False)
    subject: str
    issuer: str
    serial: str
    not_before: int
    not_after: int
    common_name: str
    dns_names: tuple[str, ...]
    ip_addresses: tuple[str, ...]
    sip_domains: tuple[str, ...]
    x509: asn.Certificate = field(repr=False)

    @staticmethod
    def from_der(der: bytes) -> Certificate:
        """Read a certificate from its DER form; raises CertificateError for anything else."""
        return _read(bytes(der))

    @staticmethod
    def from_x509(certificate: asn.Certificate) -> Certificate:
        """Wrap a certificate object of `cryptography`."""
        return _read(certificate.public_bytes(Encoding.DER))

    @property
    def self_signed(self) -> bool:
        """Whether the certificate names itself as its issuer and its own key made the signature."""
        return issued_by(self, self)

    @property
    def public_key(self) -> CertificatePublicKeyTypes:
        """The public key; raises CertificateError for a kind that is not known."""
        try:
            return self.x509.public_key()
        except (ValueError, UnsupportedAlgorithm) as error:
            raise CertificateError(f"public key of {self.subject} cannot be read") from error

    def expired(self, at: int) -> bool:
        """Whether the certificate has expired at calendar time `at`."""
        return at > self.not_after

    def not_yet_valid(self, at: int) -> bool:
        """Whether the certificate's time has not begun at calendar time `at`."""
        return at < self.not_before

    def pem(self) -> str:
        """Return the PEM form, ending in a line feed."""
        return self.x509.public_bytes(Encoding.PEM).decode("ascii")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Certificate) and self.fingerprint == other.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)


@dataclass(frozen=True, slots=True, eq=False)
class Credential:
    """What the box shows in a handshake: an own certificate, the chain sent after it, and the private key.

    One object per generation: a connection keeps the one its handshake began with. Hashed by identity.
    `name` is the certificate object of the configuration, `revision` the commit that made this generation.
    """

    name: str
    certificate: Certificate
    chain: tuple[Certificate, ...]
    key: PrivateKey = field(repr=False)
    revision: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class TrustAnchors:
    """Every certificate that is trusted by itself: roots, intermediates or end certificates.

    Equal and hashed by the set of certificates, so that a commit which changes none of them changes no TLS context.
    """

    certificates: tuple[Certificate, ...] = ()
    revision: int = 0
    fingerprints: frozenset[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprints", frozenset(each.fingerprint for each in self.certificates))

    def hold(self, chain: Iterable[Certificate]) -> bool:
        """Whether a chain leads to one of them."""
        return any(certificate in self for certificate in chain)

    def __contains__(self, certificate: object) -> bool:
        return isinstance(certificate, Certificate) and certificate.fingerprint in self.fingerprints

    def __eq__(self, other: object) -> bool:
        return isinstance(other, TrustAnchors) and self.fingerprints == other.fingerprints

    def __hash__(self) -> int:
        return hash(self.fingerprints)


@lru_cache(maxsize=RECENT)
def issued_by(certificate: Certificate, issuer: Certificate) -> bool:
    """Whether `issuer`'s name and key made `certificate`; dates and purposes are not looked at."""
    try:
        certificate.x509.verify_directly_issued_by(issuer.x509)
    except (ValueError, UnsupportedAlgorithm):
        return _old_signature(certificate, issuer)
    except (TypeError, InvalidSignature):
        return False
    return True


def _old_signature(certificate: Certificate, issuer: Certificate) -> bool:
    # Roots of before 2015 are signed with SHA-1, which `cryptography` no longer takes for a signature.
    signed = certificate.x509
    try:
        algorithm = signed.signature_hash_algorithm
        if algorithm is None or algorithm.name not in _OLD_HASHES or signed.issuer != issuer.x509.subject:
            return False
        return made_by(issuer.public_key, signed.signature, signed.tbs_certificate_bytes, algorithm)
    except (CertificateError, UnsupportedAlgorithm):
        return False


_alive: WeakValueDictionary[bytes, Certificate] = WeakValueDictionary()
"""Every certificate that somebody holds, by its DER form: one object for all connections of a peer."""


@lru_cache(maxsize=RECENT)
def _read(der: bytes) -> Certificate:
    # A peer's certificate arrives with each handshake. Those that nobody holds any more are let go in time, so that a
    # system whose certificates are replaced again and again does not grow.
    certificate = _alive.get(der)
    if certificate is None:
        certificate = _alive[der] = _parse(der)
    return certificate


def _parse(der: bytes) -> Certificate:
    try:
        parsed = asn.load_der_x509_certificate(der)
        names = [str(each.value) for each in parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        others = _alternative_names(parsed)
        return Certificate(
            der=der,
            fingerprint=hashlib.sha256(der).hexdigest(),
            subject=parsed.subject.rfc4514_string(),
            issuer=parsed.issuer.rfc4514_string(),
            serial=_hexadecimal(parsed.serial_number),
            not_before=from_datetime(parsed.not_valid_before_utc),
            not_after=from_datetime(parsed.not_valid_after_utc),
            common_name=names[-1] if names else "",
            dns_names=tuple(others.get_values_for_type(asn.DNSName)),
            ip_addresses=tuple(str(each) for each in others.get_values_for_type(asn.IPAddress)),
            sip_domains=_sip_domains(others),
            x509=parsed,
        )
    # Before release 50, `cryptography` fails with a KeyError over a name in an unknown kind of string. The warning (a
    # serial number that is not positive) is an exception only where warnings are made errors.
    except (ValueError, KeyError, asn.InvalidVersion, UnsupportedAlgorithm, CryptographyDeprecationWarning) as error:
        raise CertificateError(f"not an X.509 certificate: {error}") from error


def _hexadecimal(serial: int) -> str:
    # Whole octets, as OpenSSL prints a serial number, so that outputs can be compared as text.
    digits = f"{abs(serial):X}"
    return ("-" if serial < 0 else "") + digits.zfill(len(digits) + len(digits) % 2)


def _alternative_names(parsed: asn.Certificate) -> asn.SubjectAlternativeName:
    try:
        return parsed.extensions.get_extension_for_class(asn.SubjectAlternativeName).value
    except (asn.ExtensionNotFound, asn.DuplicateExtension, asn.UnsupportedGeneralNameType, ValueError):
        return asn.SubjectAlternativeName([])  # an extension that cannot be read names nobody


def _sip_domains(names: asn.SubjectAlternativeName) -> tuple[str, ...]:
    # RFC 5922, section 7.1: a URI with a user part names a person, not a domain.
    uris = [uri.partition(":") for uri in names.get_values_for_type(asn.UniformResourceIdentifier)]
    return tuple(
        re.split("[:;?]", domain)[0] for scheme, _, domain in uris if scheme.lower() in _SIP and "@" not in domain
    )
