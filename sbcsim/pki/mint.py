"""A certificate authority for tests and demonstrations: certificates with any dates, chains, renewals, files.

    ca = Authority("Example CA", not_before="2025-01-01T00:00:00Z", not_after="2035-01-01T00:00:00Z")
    old = ca.issue("sbc.example.com", not_before="2026-01-01T00:00:00Z", not_after="2026-03-01T00:00:00Z")
    new = ca.renew(old, not_before="2026-02-01T00:00:00Z", not_after="2027-02-01T00:00:00Z")
    upload(new.pkcs12("secret"))

Nothing here judges a date: expired certificates, ones whose time has not begun, and ones that outlive their
authority are made as asked. A date is absolute or, for an authority that follows a clock, counted from now (`+30d`):
see `Moment`. Serial numbers count up from `first_serial`. Keys come from the system's randomness; no key is shipped
with the project. What is wrong on purpose is in `sbcsim.pki.broken`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.hazmat.primitives.serialization import pkcs7 as pkcs7_files
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from sbcsim.clock import DAY, to_datetime

from . import pkcs12 as pkcs12_files
from .credential import Certificate
from .dates import Moment, Now, calendar
from .keys import POOL_SIZE, KeyType, SigningKey, new_key, pooled_key
from .pkcs12 import Encryption, MacHash
from .revocation import Reason, Revocation, RevocationList, sign_list
from .signing import SignatureHash, sign

__all__ = [
    "POOL_SIZE",
    "Authority",
    "Encryption",
    "Extensions",
    "Issued",
    "KeyType",
    "MacHash",
    "Moment",
    "Now",
    "Purpose",
    "Reason",
    "Revocation",
    "RevocationList",
    "SignatureHash",
    "SigningKey",
    "new_key",
    "pooled_key",
]

Extensions = Iterable[x509.Extension[x509.ExtensionType]]
"""Extensions of `cryptography` that a certificate gets, in place of the usual ones of the same kinds."""


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
    key: SigningKey = field(repr=False)
    chain: tuple[Certificate, ...] = ()

    def der(self) -> bytes:
        """Return the certificate in DER form."""
        return self.certificate.der

    def pem(self, *, with_chain: bool = False) -> str:
        """Return the certificate in PEM form, followed by its issuers where asked."""
        return "".join(each.pem() for each in (self.certificate, *(self.chain if with_chain else ())))

    def key_pem(self, pass_phrase: str | None = None, *, traditional: bool = False) -> str:
        """Return the private key in PEM form, encrypted where a pass phrase is given.

        The form is PKCS#8, or that of OpenSSL before it where `traditional`.
        """
        return self._key(Encoding.PEM, pass_phrase, traditional=traditional).decode("ascii")

    def key_der(self, pass_phrase: str | None = None) -> bytes:
        """Return the private key in DER form (PKCS#8), encrypted where a pass phrase is given."""
        return self._key(Encoding.DER, pass_phrase)

    def pkcs12(
        self,
        pass_phrase: str,
        *,
        encryption: Encryption = "aes256",
        mac: MacHash | None = None,
        friendly_name: str | None = None,
        rounds: int = pkcs12_files.ROUNDS,
        with_key: bool = True,
        with_chain: bool = False,
        extra: tuple[Certificate, ...] = (),
    ) -> bytes:
        """Return a PKCS#12 file; `extra` certificates follow this one and its issuers.

        `mac` is the hash of the file's proof, that which is usual with the encryption unless given; the friendly name
        is the common name unless given, "" leaves it out. A key that does not belong to the certificate
        (`dataclasses.replace(issued, key=other)`) goes in all the same. Raises UserError for an encryption or a hash
        that there is not.
        """
        return pkcs12_files.write(
            (self.certificate, *(self.chain if with_chain else ()), *extra),
            self.key if with_key else None,
            pass_phrase,
            encryption=encryption,
            mac=mac,
            friendly_name=self.certificate.common_name if friendly_name is None else friendly_name,
            rounds=rounds,
        )

    def pkcs7(self, *, form: Literal["der", "pem"] = "der") -> bytes:
        """Return a PKCS#7 bundle of the certificate and its issuers, which the box does not import."""
        certificates = [each.x509 for each in (self.certificate, *self.chain)]
        return pkcs7_files.serialize_certificates(certificates, Encoding.DER if form == "der" else Encoding.PEM)

    def _key(self, encoding: Encoding, pass_phrase: str | None, *, traditional: bool = False) -> bytes:
        encryption = NoEncryption() if pass_phrase is None else BestAvailableEncryption(pass_phrase.encode())
        form = PrivateFormat.TraditionalOpenSSL if traditional else PrivateFormat.PKCS8
        return self.key.private_bytes(encoding, form, encryption)


class Authority:
    """A certificate authority that signs whatever it is asked to; a root, or subordinate to `issuer`.

    `serials` are the serial numbers that it has given, `revoked` what it has taken back, by serial number.
    """

    def __init__(
        self,
        name: str,
        *,
        not_before: Moment,
        not_after: Moment,
        issuer: Authority | None = None,
        key_type: KeyType = "ec",
        key: SigningKey | None = None,
        first_serial: int = 0x1000,
        ocsp: str = "",
        signature_hash: SignatureHash = "sha256",
        path_length: int | None = None,
        extensions: Extensions = (),
        now: Now | None = None,
    ) -> None:
        """`signature_hash` is that of all its signatures, `path_length` how many authorities may be below it.

        `now` tells the time for dates such as `+30d`, e.g. `box.clock.reading`.
        """
        self.key = key if key is not None else new_key(key_type)
        self.key_type = key_type
        self.signature_hash: SignatureHash = signature_hash
        self.serials: set[int] = set()
        self.revoked: dict[int, Revocation] = {}
        self._next_serial = first_serial
        self._lists = 0
        self._issuer = issuer
        self._now = now
        self._subject = _name(name)
        usual: list[x509.Extension[x509.ExtensionType]] = [
            _extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True),
            _extension(_usage(end=False), critical=True),
            *([_extension(_access(ocsp))] if ocsp else []),
        ]
        signer = self if issuer is None else issuer
        builder = self._builder(self._subject, self.key, not_before, not_after)
        self.certificate = signer._sign(builder, [*usual, *extensions])  # noqa: SLF001 - its own kind

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """This authority's certificate and those above it, the root last."""
        return (self.certificate, *(self._issuer.chain if self._issuer is not None else ()))

    def follow(self, now: Now) -> None:
        """Count dates such as `+30d` from this clock from now on, e.g. `box.clock.reading`."""
        self._now = now

    def moment(self, moment: Moment) -> int:
        """Return a date in whole seconds as calendar microseconds; raises UserError for what is none."""
        return calendar(moment, self._time())

    def subordinate(
        self,
        name: str,
        *,
        not_before: Moment | None = None,
        not_after: Moment | None = None,
        key_type: KeyType | None = None,
        key: SigningKey | None = None,
        first_serial: int = 0x1000,
        ocsp: str = "",
        path_length: int | None = None,
        extensions: Extensions = (),
    ) -> Authority:
        """Return an intermediate authority; dates, kind of key and hash are this one's unless given.

        `ocsp` is the URL of the OCSP responder that knows about its certificate.
        """
        return Authority(
            name,
            not_before=self.certificate.not_before if not_before is None else not_before,
            not_after=self.certificate.not_after if not_after is None else not_after,
            issuer=self,
            key_type=self.key_type if key_type is None else key_type,
            key=key,
            first_serial=first_serial,
            ocsp=ocsp,
            signature_hash=self.signature_hash,
            path_length=path_length,
            extensions=extensions,
        )

    def issue(
        self,
        name: str,
        *,
        not_before: Moment | None = None,
        not_after: Moment | None = None,
        sans: tuple[str, ...] | None = None,
        key: SigningKey | None = None,
        key_type: KeyType | None = None,
        serial: int | None = None,
        purpose: Purpose = Purpose.BOTH,
        ocsp: str = "",
        signature_hash: SignatureHash | None = None,
        extensions: Extensions = (),
    ) -> Issued:
        """Sign an end certificate for `name`, a common name or an RFC 4514 subject such as `CN=a,O=b`.

        Dates and hash are the authority's unless given. `sans` are host names, addresses and SIP URIs, the common name
        unless given; () leaves the extension out. Without `key` an RSA key is taken from the pool of this process, any
        other is made anew. `ocsp` is the URL of the OCSP responder that knows about the certificate.
        """
        if key is None:
            key = pooled_key(key_type or self.key_type)
        subject = _name(name)
        if sans is None:
            sans = tuple(str(each.value) for each in subject.get_attributes_for_oid(NameOID.COMMON_NAME))
        usual: list[x509.Extension[x509.ExtensionType]] = [
            _extension(x509.BasicConstraints(ca=False, path_length=None), critical=True),
            _extension(_usage(end=True), critical=True),
        ]
        if sans:
            usual.append(_extension(x509.SubjectAlternativeName([_general_name(each) for each in sans])))
        if purpose.value:
            usual.append(_extension(x509.ExtendedKeyUsage(purpose.value)))
        if ocsp:
            usual.append(_extension(_access(ocsp)))
        begins = self.certificate.not_before if not_before is None else not_before
        ends = self.certificate.not_after if not_after is None else not_after
        builder = self._builder(subject, key, begins, ends)
        return Issued(self._sign(builder, [*usual, *extensions], serial, signature_hash), key, self.chain)

    def renew(
        self,
        old: Issued,
        *,
        not_before: Moment,
        not_after: Moment,
        key: SigningKey | None = None,
        serial: int | None = None,
        signature_hash: SignatureHash | None = None,
    ) -> Issued:
        """Sign a successor of `old`: same subject, extensions and, unless another is given, the same key."""
        key = old.key if key is None else key
        kept = [
            each
            for each in old.certificate.x509.extensions
            if not isinstance(each.value, x509.SubjectKeyIdentifier | x509.AuthorityKeyIdentifier)
        ]
        builder = self._builder(old.certificate.x509.subject, key, not_before, not_after)
        return Issued(self._sign(builder, kept, serial, signature_hash), key, self.chain)

    def rekey(self, old: Issued, *, not_before: Moment, not_after: Moment, key_type: KeyType | None = None) -> Issued:
        """Sign a successor of `old` with a key of its own, of the authority's kind unless another is given."""
        key = old.key
        while key.public_key() == old.key.public_key():  # the pool comes round
            key = pooled_key(key_type or self.key_type)
        return self.renew(old, not_before=not_before, not_after=not_after, key=key)

    def revoke(
        self, what: Issued | Certificate, *, at: Moment | None = None, reason: Reason = "unspecified"
    ) -> Revocation:
        """Take a certificate back: `crl` lists it, and responders of this authority say so.

        `at` is now, or where there is no clock the day on which the certificate begins.
        """
        certificate = what.certificate if isinstance(what, Issued) else what
        if at is None:
            now = self._time()
            at = certificate.not_before if now is None else now().calendar
        revocation = Revocation(certificate, self.moment(at), reason)
        self.revoked[certificate.x509.serial_number] = revocation
        return revocation

    def reinstate(self, what: Issued | Certificate) -> None:
        """Have a certificate no longer be revoked; one that is not stays as it is."""
        certificate = what.certificate if isinstance(what, Issued) else what
        self.revoked.pop(certificate.x509.serial_number, None)

    def crl(self, *, begins: Moment | None = None, ends: Moment | None = None) -> RevocationList:
        """Sign a list of what is revoked, with the next number.

        Unless given it holds for a week from now, or where there is no clock as long as the authority itself.
        """
        now = self._time()
        if begins is None:
            begins = self.certificate.not_before if now is None else now().calendar
        if ends is None:
            ends = self.certificate.not_after if now is None else now().calendar + 7 * DAY
        self._lists += 1
        revoked = self.revoked.values()
        return sign_list(
            self.certificate, self.key, revoked, number=self._lists, begins=self.moment(begins), ends=self.moment(ends)
        )

    def _time(self) -> Now | None:
        if self._now is None and self._issuer is not None:
            return self._issuer._time()  # noqa: SLF001 - its own kind
        return self._now

    def _builder(
        self, subject: x509.Name, key: SigningKey, not_before: Moment, not_after: Moment
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .public_key(key.public_key())
            .not_valid_before(to_datetime(self.moment(not_before)))
            .not_valid_after(to_datetime(self.moment(not_after)))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )

    def _sign(
        self,
        builder: x509.CertificateBuilder,
        extensions: Extensions,
        serial: int | None = None,
        signature_hash: SignatureHash | None = None,
    ) -> Certificate:
        if serial is None:
            serial = self._next_serial
            self._next_serial += 1
        for each in {each.oid: each for each in extensions}.values():
            builder = builder.add_extension(each.value, each.critical)
        builder = (
            builder.issuer_name(self._subject)
            .serial_number(serial)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        self.serials.add(serial)
        return sign(builder, self.key, signature_hash or self.signature_hash)


def _extension(value: x509.ExtensionType, *, critical: bool = False) -> x509.Extension[x509.ExtensionType]:
    return x509.Extension(value.oid, critical, value)


def _name(text: str) -> x509.Name:
    if "=" in text:
        try:
            return x509.Name.from_rfc4514_string(text)
        except ValueError:  # which says nothing
            raise ValueError(f'"{text}" is no name by RFC 4514') from None
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
