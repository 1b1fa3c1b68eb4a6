"""A certificate authority for tests and demonstrations: certificates with any dates, chains, renewals, files.

    ca = Authority("Example CA", not_before="2025-01-01T00:00:00Z", not_after="2035-01-01T00:00:00Z")
    old = ca.issue("sbc.example.com", not_before="2026-01-01T00:00:00Z", not_after="2026-03-01T00:00:00Z")
    new = ca.renew(old, not_before="2026-02-01T00:00:00Z", not_after="2027-02-01T00:00:00Z")
    upload(new.pkcs12("secret"))

Nothing here judges a date: expired certificates, ones whose time has not begun, and ones that outlive their
authority are made as asked. A date is calendar microseconds, an aware datetime or RFC 3339 text, and is rounded
down to the second, which is all that a certificate can say. Serial numbers count up from `first_serial`. Keys come
from the system's randomness; no key is shipped with the project.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import lru_cache
from itertools import count
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from sbcsim.clock import SECOND, from_datetime, from_rfc3339, to_datetime

from .credential import Certificate, PrivateKey

Moment = int | datetime | str
"""A date as calendar microseconds, aware datetime or RFC 3339 text."""

KeyType = Literal["ec", "rsa"]
"""EC keys (P-256) are made in a fraction of a millisecond, RSA keys (2048 bits) take tens of milliseconds."""

Encryption = Literal["aes256", "3des", "none"]
"""How a PKCS#12 file is encrypted: as OpenSSL 3 does by default, as older programs do, or not at all."""

POOL_SIZE = 8
"""How many RSA keys `pooled_key` makes in one process."""


class Purpose(Enum):
    """What a certificate says it may be used for."""

    BOTH = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)
    SERVER = (ExtendedKeyUsageOID.SERVER_AUTH,)
    CLIENT = (ExtendedKeyUsageOID.CLIENT_AUTH,)
    OCSP = (ExtendedKeyUsageOID.OCSP_SIGNING,)
    UNSTATED = ()


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate with its private key; `chain` is its issuers, the nearest first, the root last."""

    certificate: Certificate
    key: PrivateKey = field(repr=False)
    chain: tuple[Certificate, ...] = ()

    def der(self) -> bytes:
        """Return the certificate in DER form."""
        return self.certificate.der

    def pem(self, *, with_chain: bool = False) -> str:
        """Return the certificate in PEM form, followed by its issuers where asked."""
        return "".join(each.pem() for each in (self.certificate, *(self.chain if with_chain else ())))

    def key_pem(self, pass_phrase: str | None = None) -> str:
        """Return the private key in PEM form (PKCS#8), encrypted where a pass phrase is given."""
        encryption = NoEncryption() if pass_phrase is None else BestAvailableEncryption(pass_phrase.encode())
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode("ascii")

    def pkcs12(
        self,
        pass_phrase: str,
        *,
        encryption: Encryption = "aes256",
        with_key: bool = True,
        with_chain: bool = False,
        extra: tuple[Certificate, ...] = (),
    ) -> bytes:
        """Return a PKCS#12 file; `extra` certificates follow this one and its issuers.

        A key that does not belong to the certificate (`dataclasses.replace(issued, key=other)`) goes in all the same.
        """
        others = [each.x509 for each in (*(self.chain if with_chain else ()), *extra)]
        leaf: x509.Certificate | None = self.certificate.x509
        if with_key and self.key.public_key() != self.certificate.public_key:
            # A file names the certificate of its key by an identifier that both carry; without it nothing is checked.
            leaf, others = None, [self.certificate.x509, *others]
        return pkcs12.serialize_key_and_certificates(
            self.certificate.common_name.encode(),
            self.key if with_key else None,
            leaf,
            others or None,
            _file_encryption(encryption, pass_phrase),
        )


class Authority:
    """A certificate authority that signs whatever it is asked to; a root, or subordinate to `issuer`."""

    def __init__(
        self,
        name: str,
        *,
        not_before: Moment,
        not_after: Moment,
        issuer: Authority | None = None,
        key_type: KeyType = "ec",
        key: PrivateKey | None = None,
        first_serial: int = 0x1000,
        ocsp: str = "",
    ) -> None:
        self.key = key if key is not None else new_key(key_type)
        self.key_type = key_type
        self._next_serial = first_serial
        self._issuer = issuer
        self._subject = _name(name)
        builder = (
            _builder(self._subject, self.key, not_before, not_after)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(end=False), critical=True)
        )
        if ocsp:
            builder = builder.add_extension(_access(ocsp), critical=False)
        self.certificate = (issuer or self)._sign(builder)  # noqa: SLF001 - its own kind

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """This authority's certificate and those above it, the root last."""
        return (self.certificate, *(self._issuer.chain if self._issuer is not None else ()))

    def subordinate(
        self,
        name: str,
        *,
        not_before: Moment | None = None,
        not_after: Moment | None = None,
        key_type: KeyType | None = None,
        first_serial: int = 0x1000,
        ocsp: str = "",
    ) -> Authority:
        """Return an intermediate authority; dates and kind of key are this one's unless given.

        `ocsp` is the URL of the OCSP responder that knows about its certificate.
        """
        return Authority(
            name,
            not_before=self.certificate.not_before if not_before is None else not_before,
            not_after=self.certificate.not_after if not_after is None else not_after,
            issuer=self,
            key_type=self.key_type if key_type is None else key_type,
            first_serial=first_serial,
            ocsp=ocsp,
        )

    def issue(
        self,
        name: str,
        *,
        not_before: Moment | None = None,
        not_after: Moment | None = None,
        sans: tuple[str, ...] | None = None,
        key: PrivateKey | None = None,
        key_type: KeyType | None = None,
        serial: int | None = None,
        purpose: Purpose = Purpose.BOTH,
        ocsp: str = "",
    ) -> Issued:
        """Sign an end certificate for `name`, a common name or an RFC 4514 subject such as `CN=a,O=b`.

        Dates are the authority's unless given. `sans` are host names, addresses and SIP URIs, the common name unless
        given; () leaves the extension out. Without `key` an RSA key is taken from the pool of this process, an EC key
        is made anew. `ocsp` is the URL of the OCSP responder that knows about the certificate.
        """
        if key is None:
            key = pooled_key() if (key_type or self.key_type) == "rsa" else new_key("ec")
        subject = _name(name)
        builder = (
            _builder(
                subject,
                key,
                self.certificate.not_before if not_before is None else not_before,
                self.certificate.not_after if not_after is None else not_after,
            )
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(end=True), critical=True)
        )
        if sans is None:
            sans = tuple(str(each.value) for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME))
        if sans:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([_general_name(each) for each in sans]), critical=False
            )
        if purpose.value:
            builder = builder.add_extension(x509.ExtendedKeyUsage(purpose.value), critical=False)
        if ocsp:
            builder = builder.add_extension(_access(ocsp), critical=False)
        return Issued(self._sign(builder, serial), key, self.chain)

    def renew(
        self,
        old: Issued,
        *,
        not_before: Moment,
        not_after: Moment,
        key: PrivateKey | None = None,
        serial: int | None = None,
    ) -> Issued:
        """Sign a successor of `old`: same subject, extensions and, unless another is given, the same key."""
        key = old.key if key is None else key
        builder = _builder(old.certificate.x509.subject, key, not_before, not_after)
        for extension in old.certificate.x509.extensions:
            if not isinstance(extension.value, x509.SubjectKeyIdentifier | x509.AuthorityKeyIdentifier):
                builder = builder.add_extension(extension.value, extension.critical)
        return Issued(self._sign(builder, serial), key, self.chain)

    def _sign(self, builder: x509.CertificateBuilder, serial: int | None = None) -> Certificate:
        if serial is None:
            serial = self._next_serial
            self._next_serial += 1
        signed = (
            builder.issuer_name(self._subject)
            .serial_number(serial)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return Certificate.from_x509(signed)


def new_key(key_type: KeyType = "ec") -> PrivateKey:
    """Make a private key: EC on P-256, or RSA with 2048 bits."""
    if key_type == "ec":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(65537, 2048)


def pooled_key() -> PrivateKey:
    """Return the next RSA key of a pool that this process fills when first asked; neighbours always differ."""
    return _pool_key(next(_turns) % POOL_SIZE)


_turns = count()


@lru_cache(maxsize=POOL_SIZE)
def _pool_key(_slot: int) -> PrivateKey:
    return new_key("rsa")


def _builder(subject: x509.Name, key: PrivateKey, not_before: Moment, not_after: Moment) -> x509.CertificateBuilder:
    public_key = key.public_key()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(public_key)
        .not_valid_before(_whole_second(not_before))
        .not_valid_after(_whole_second(not_after))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _whole_second(moment: Moment) -> datetime:
    if isinstance(moment, str):
        calendar = from_rfc3339(moment)
    else:
        calendar = from_datetime(moment) if isinstance(moment, datetime) else moment
    return to_datetime(calendar - calendar % SECOND)


def _name(text: str) -> x509.Name:
    if "=" in text:
        return x509.Name.from_rfc4514_string(text)
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(text: str) -> x509.GeneralName:
    if text.startswith("sip:"):
        return x509.UniformResourceIdentifier(text)
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _access(url: str) -> x509.AuthorityInformationAccess:
    place = x509.UniformResourceIdentifier(url)
    return x509.AuthorityInformationAccess([x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)])


def _usage(*, end: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_encipherment=end,
        key_cert_sign=not end,
        crl_sign=not end,
        content_commitment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _file_encryption(encryption: Encryption, pass_phrase: str) -> KeySerializationEncryption:
    if encryption == "none":
        return NoEncryption()
    builder = PrivateFormat.PKCS12.encryption_builder().kdf_rounds(2048)
    if encryption == "3des":
        builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC).hmac_hash(hashes.SHA1())  # noqa: S303
    else:
        builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC).hmac_hash(hashes.SHA256())
    return builder.build(pass_phrase.encode())
