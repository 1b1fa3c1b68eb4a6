"""Certificate signing requests, for keys that are made here and never leave."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sbcsim.errors import SbcsimError

from .credential import PrivateKey

_ATTRIBUTES = {
    "C": NameOID.COUNTRY_NAME,
    "ST": NameOID.STATE_OR_PROVINCE_NAME,
    "L": NameOID.LOCALITY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "DC": NameOID.DOMAIN_COMPONENT,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "emailAddress": NameOID.EMAIL_ADDRESS,
}
_NEXT = re.compile(r"/(?=[A-Za-z]+=)")


class RequestError(SbcsimError):
    """A subject or name that no certificate can be asked for."""


def new_rsa_key(bits: int) -> PrivateKey:
    """Make an RSA key, which takes from tens of milliseconds to seconds."""
    return rsa.generate_private_key(65537, bits)


def parse_subject(text: str) -> x509.Name:
    """Read a subject in slash form, `/C=US/O=Example/CN=host`; raises RequestError."""
    first, *parts = _NEXT.split(text.strip())
    if first or not parts:
        raise RequestError(text)
    attributes = []
    for part in parts:
        name, _, value = part.partition("=")
        identifier = _ATTRIBUTES.get(name)
        if identifier is None:
            raise RequestError(text)
        try:
            attributes.append(x509.NameAttribute(identifier, value))
        except ValueError:  # empty, too long, or no country
            raise RequestError(text) from None
    return x509.Name(attributes)


def parse_names(text: str) -> tuple[str, ...]:
    """Read a comma list of DNS names; raises RequestError."""
    names = tuple(name.strip() for name in text.split(",")) if text.strip() else ()
    if not all(name and name.isascii() and name.isprintable() and " " not in name for name in names):
        raise RequestError(text)
    return names


def signing_request(subject: x509.Name, dns_names: Iterable[str], key: PrivateKey) -> str:
    """Return a signing request in PEM form."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    names = [x509.DNSName(name) for name in dns_names]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode("ascii")
