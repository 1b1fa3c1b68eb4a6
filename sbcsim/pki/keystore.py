"""Certificate files: PKCS#12, PEM and DER, told apart by content, and every way in which one can be wrong.

`load_file` is pure and slow (an RSA key is checked on loading: some 50 ms), so it may run in a thread before the
commit that needs it; the commit then finds the result in a cache. No date is judged here: a file with an expired
certificate loads, and the caller refuses it by the node time of the commit (see `sbcsim.pki.credential`).
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from math import prod
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12

from sbcsim.errors import SbcsimError

from . import der
from .credential import Certificate, CertificateError, PrivateKey

FileType = Literal["local", "remote"]
"""Which kind of certificate object reads the file; `local` needs a private key, `remote` takes none."""

MAX_FILE_SIZE = 1 << 18
"""Larger files are no certificate files: a bound on what a hostile upload can cost."""

MIN_RSA_BITS = 1024
"""Shorter RSA keys are not supported."""

MAX_ROUNDS = 10_000_000
"""The most rounds of a key derivation that a file may ask for: a few seconds of work."""

MAX_SCRYPT = 1 << 19
"""The most that the three parameters of scrypt may multiply to: 64 MiB of memory."""

_FILLING = b"\0\t\n\r\x1a "
"""What transfers in text mode leave behind the data: line ends, blanks, zeros."""


class Problem(Enum):
    """What can be wrong with a certificate file; the box's texts are made where the file's object is known."""

    NOT_A_CERTIFICATE_FILE = "not a certificate file"
    PASS_PHRASE_MISSING = "file is encrypted and no pass phrase was given"  # noqa: S105
    WRONG_PASS_PHRASE = "wrong pass phrase"  # noqa: S105
    NO_PRIVATE_KEY = "no private key in file"
    UNSUPPORTED_KEY = "unsupported key"
    KEY_MISMATCH = "private key does not match the certificate"
    MORE_THAN_ONE = "more than one certificate in file"


class KeystoreError(SbcsimError):
    """A certificate file cannot be used; `problem` says why."""

    def __init__(self, problem: Problem, file_name: str = "") -> None:
        super().__init__(f"{file_name}: {problem.value}" if file_name else problem.value)
        self.problem = problem
        self.file_name = file_name


@dataclass(frozen=True, slots=True)
class KeystoreContent:
    """What a good file holds: exactly one certificate, and its private key where the file is of type local."""

    certificate: Certificate
    key: PrivateKey | None = field(repr=False)


def load_file(data: bytes, file_type: FileType, pass_phrase: str | None, file_name: str = "") -> KeystoreContent:
    """Read a certificate file; raises KeystoreError and nothing else, whatever the bytes are.

    Of several problems the first in this order is reported: not a certificate file, pass phrase missing or wrong,
    no private key, unsupported key, key of another certificate, more than one certificate. A pass phrase that is
    not needed is ignored, and so is a private key in a `remote` file.
    """
    if len(data) > MAX_FILE_SIZE:
        raise KeystoreError(Problem.NOT_A_CERTIFICATE_FILE, file_name)
    outcome = _outcome(bytes(data), file_type, pass_phrase or "")
    if isinstance(outcome, Problem):
        raise KeystoreError(outcome, file_name)
    return outcome


@dataclass(frozen=True, slots=True)
class _Found:
    certificates: tuple[Certificate, ...]
    key: object | None


@lru_cache(maxsize=64)
def _outcome(data: bytes, file_type: FileType, pass_phrase: str) -> KeystoreContent | Problem:
    # Refusals are kept too: finding one costs as much, and the commit asks again for what its preparation found.
    try:
        return _judge(_read(data, file_type, pass_phrase), file_type)
    except KeystoreError as error:
        return error.problem


def _judge(found: _Found, file_type: FileType) -> KeystoreContent:
    if not found.certificates:
        raise KeystoreError(Problem.NOT_A_CERTIFICATE_FILE)
    key: PrivateKey | None = None
    if file_type == "local":
        if found.key is None:
            raise KeystoreError(Problem.NO_PRIVATE_KEY)
        key = _supported(found.key)
    for certificate in found.certificates:
        _check_public_key(certificate)
    if key is not None and all(each.public_key != key.public_key() for each in found.certificates):
        raise KeystoreError(Problem.KEY_MISMATCH)
    if len(found.certificates) > 1:
        raise KeystoreError(Problem.MORE_THAN_ONE)
    return KeystoreContent(found.certificates[0], key)


def _supported(key: object) -> PrivateKey:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= MIN_RSA_BITS:
        return key
    raise KeystoreError(Problem.UNSUPPORTED_KEY)


def _check_public_key(certificate: Certificate) -> None:
    # A trust anchor may have a kind of key that the box has no use for itself.
    try:
        key = certificate.public_key
    except CertificateError:
        raise KeystoreError(Problem.UNSUPPORTED_KEY) from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        raise KeystoreError(Problem.UNSUPPORTED_KEY)


def _read(data: bytes, file_type: FileType, pass_phrase: str) -> _Found:
    # Text may begin like DER ("0"), but no certificate or PKCS#12 file is so short that its length fits one octet.
    if data[:1] == bytes([der.SEQUENCE]) and data[1:2] >= b"\x80":
        try:
            return _read_binary(data, der.read(data), pass_phrase)
        except der.DerError:
            raise KeystoreError(Problem.NOT_A_CERTIFICATE_FILE) from None
    return _read_pem(data, file_type, pass_phrase)


def _read_binary(data: bytes, element: der.Element, pass_phrase: str) -> _Found:
    # Only what lies between and behind elements is filling: the octets of a signature may look like a line end, too.
    rest = data[element.next :].lstrip(_FILLING)
    if _is_pkcs12(element) and not rest:
        return _read_pkcs12(element, pass_phrase)
    certificates = [_certificate(data[: element.next])]
    while rest:
        another = der.read(rest)
        certificates.append(_certificate(rest[: another.next]))
        rest = rest[another.next :].lstrip(_FILLING)
    return _Found(tuple(certificates), None)


def _is_pkcs12(element: der.Element) -> bool:
    try:
        version, content, *_ = element.children()
    except (der.DerError, ValueError):
        return False
    return (version.tag, version.content, content.tag) == (der.INTEGER, b"\x03", der.SEQUENCE)


def _certificate(data: bytes) -> Certificate:
    try:
        return Certificate.from_der(data)
    except CertificateError:
        raise KeystoreError(Problem.NOT_A_CERTIFICATE_FILE) from None


def _read_pkcs12(element: der.Element, pass_phrase: str) -> _Found:
    _check_rounds(element)
    data = element.data[: element.next]
    try:
        bundle = _open_pkcs12(data, pass_phrase)
        if bundle is None and pass_phrase and not _encrypted(element):
            bundle = _open_pkcs12(data, "")  # the pass phrase is not needed
    except (UnsupportedAlgorithm, TypeError):
        raise KeystoreError(Problem.UNSUPPORTED_KEY) from None
    if bundle is None:
        raise KeystoreError(Problem.WRONG_PASS_PHRASE if pass_phrase else Problem.PASS_PHRASE_MISSING)
    entries = (*([bundle.cert] if bundle.cert is not None else []), *bundle.additional_certs)
    try:
        return _Found(tuple(Certificate.from_x509(each.certificate) for each in entries), bundle.key)
    except CertificateError:
        raise KeystoreError(Problem.NOT_A_CERTIFICATE_FILE) from None


def _open_pkcs12(data: bytes, pass_phrase: str) -> pkcs12.PKCS12KeyAndCertificates | None:
    try:
        return pkcs12.load_pkcs12(data, pass_phrase.encode("utf-8", "replace") or None)
    except (ValueError, UserWarning):
        # The warning (BER, not DER) is an exception only where warnings are made errors.
        return None


def _encrypted(element: der.Element) -> bool:
    """Tell whether anything in a PKCS#12 file takes a pass phrase, the check of its integrity aside."""
    _, content, *_ = element.children()
    return next(der.costs(content), None) is not None


def _check_rounds(element: der.Element) -> None:
    try:
        # Three numbers are the cost, block size and parallelism of scrypt; else the rounds come first.
        for numbers in der.costs(element):
            if numbers[0] > MAX_ROUNDS or (len(numbers) > 2 and prod(numbers[:3]) > MAX_SCRYPT):
                raise KeystoreError(Problem.NOT_A_CERTIFICATE_FILE)
    except der.DerError:
        raise KeystoreError(Problem.NOT_A_CERTIFICATE_FILE) from None


def _read_pem(data: bytes, file_type: FileType, pass_phrase: str) -> _Found:
    certificates: list[Certificate] = []
    key: object | None = None
    for label, block in _pem_blocks(data):
        if label in {b"CERTIFICATE", b"X509 CERTIFICATE"}:
            certificates.append(_certificate(_decoded(block)))
        elif label.endswith(b"PRIVATE KEY") and file_type == "local" and key is None:
            key = _pem_key(label, block, pass_phrase)
    return _Found(tuple(certificates), key)


def _pem_blocks(data: bytes) -> Iterator[tuple[bytes, list[bytes]]]:
    # Text around the blocks, such as the bag attributes that OpenSSL prints, is passed over.
    label: bytes | None = None
    block: list[bytes] = []
    for line in map(bytes.strip, data.splitlines()):
        if line.startswith(b"-----BEGIN ") and line.endswith(b"-----"):
            label, block = line[11:-5], []
        elif label is not None and line == b"-----END " + label + b"-----":
            yield label, block
            label = None
        elif label is not None:
            block.append(line)
    if label is not None:
        raise KeystoreError(Problem.NOT_A_CERTIFICATE_FILE)


def _decoded(block: list[bytes]) -> bytes:
    try:
        return base64.b64decode(b"".join(block), validate=True)
    except ValueError:
        raise KeystoreError(Problem.NOT_A_CERTIFICATE_FILE) from None


def _pem_key(label: bytes, block: list[bytes], pass_phrase: str) -> object:
    if label == b"ENCRYPTED PRIVATE KEY":
        try:
            _check_rounds(der.read(_decoded(block)))
        except der.DerError:
            raise KeystoreError(Problem.NOT_A_CERTIFICATE_FILE) from None
    text = b"\n".join((b"-----BEGIN " + label + b"-----", *block, b"-----END " + label + b"-----", b""))
    encrypted = label == b"ENCRYPTED PRIVATE KEY" or any(line.startswith(b"DEK-Info:") for line in block)
    if encrypted and not pass_phrase:
        raise KeystoreError(Problem.PASS_PHRASE_MISSING)
    try:
        return load_pem_private_key(text, pass_phrase.encode("utf-8", "replace") if encrypted else None)
    except UnsupportedAlgorithm:
        raise KeystoreError(Problem.UNSUPPORTED_KEY) from None
    except (ValueError, TypeError):
        # A damaged key that was encrypted cannot be told from a wrong pass phrase.
        raise KeystoreError(Problem.WRONG_PASS_PHRASE if encrypted else Problem.NOT_A_CERTIFICATE_FILE) from None
