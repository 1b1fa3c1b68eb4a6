"""Certificates and files that are wrong in the ways that people meet, one function each, and tables of them all.

    peer.present(broken.without_issuer(test_ca))                 # shown in a handshake
    upload(broken.truncated_file(test_ca), "new.p12")            # imported; the pass phrase is PASS_PHRASE

`CERTIFICATES` says with which alert the box refuses each where a far end shows it, `FILES` what its commit says of
each. Some are refused by nobody, although people take them for broken: their text is "", their alert None.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from .dates import Moment
from .mint import Authority, Extensions, Issued, new_key

PASS_PHRASE = "secret"  # noqa: S105 - of files that are thrown away
"""Opens every file here that is encrypted, but for that of `wrong_pass_phrase_file`."""

NAME = "sbc.example.com"
"""Common name of every certificate here, unless its name is what is wrong."""

_HUGE = 1 << 19


@dataclass(frozen=True, slots=True)
class BrokenCertificate:
    """A certificate that a far end may show.

    The box sends `alert` where it refuses it, and its journal says `reason`; None and "" where it takes it.
    `named` says that only `peerNameVerify enabled` makes it look.
    """

    name: str
    make: Callable[[Authority], Issued]
    alert: int | None
    reason: str
    named: bool = False


@dataclass(frozen=True, slots=True)
class BrokenFile:
    """A file of type local that may be imported; `says` begins what the commit says of it, "" where it takes it."""

    name: str
    make: Callable[[Authority], bytes]
    says: str


CERTIFICATES: dict[str, BrokenCertificate] = {}
"""Every broken certificate by the name of its function."""

FILES: dict[str, BrokenFile] = {}
"""Every broken file by the name of its function."""

_Making = Callable[..., Issued]
_Writing = Callable[..., bytes]


def _shown(alert: int | None = None, reason: str = "", *, named: bool = False) -> Callable[[_Making], _Making]:
    def register(make: _Making) -> _Making:
        CERTIFICATES[make.__name__] = BrokenCertificate(make.__name__, make, alert, reason, named)
        return make

    return register


def _imported(says: str = "") -> Callable[[_Writing], _Writing]:
    def register(make: _Writing) -> _Writing:
        FILES[make.__name__] = BrokenFile(make.__name__, make, says)
        return make

    return register


# Certificates that a far end shows.


@_shown(45, "certificate has expired")
def expired(authority: Authority, *, at: Moment = "-0s") -> Issued:
    """Return a certificate whose time was over a day before `at`, now unless given: the box sends alert 45."""
    end = authority.moment(at) - _DAY
    return authority.issue(NAME, not_before=end - 365 * _DAY, not_after=end)


@_shown(42, "certificate is not yet valid or the system clock is incorrect")
def not_yet_valid(authority: Authority, *, at: Moment = "-0s") -> Issued:
    """Return a certificate whose time begins a day after `at`, now unless given: the box sends alert 42."""
    begin = authority.moment(at) + _DAY
    return authority.issue(NAME, not_before=begin, not_after=begin + 365 * _DAY)


@_shown(42, "hostname mismatch", named=True)
def wrong_name(authority: Authority) -> Issued:
    """Return a certificate of somebody else: the box sends alert 42 where `peerNameVerify` has it look."""
    return authority.issue("somebody.else.example.net")


@_shown(42, "hostname mismatch", named=True)
def wrong_san(authority: Authority) -> Issued:
    """Return a certificate with the right common name and others' alternative names, which count alone: alert 42."""
    return authority.issue(NAME, sans=("somebody.else.example.net",))


@_shown()
def without_san(authority: Authority) -> Issued:
    """Return a certificate with a common name only: the box takes it, current clients of other kinds do not."""
    return authority.issue(NAME, sans=())


@_shown(48, "unable to get local issuer certificate")
def without_issuer(authority: Authority) -> Issued:
    """Return a certificate of an intermediate authority that does not come along: the box sends alert 48."""
    return replace(authority.subordinate("Forgotten Issuing CA").issue(NAME), chain=())


@_shown()
def wrong_order(authority: Authority) -> Issued:
    """Return a certificate whose issuers come along in reverse: OpenSSL, and so the box, sorts them itself."""
    issued = authority.subordinate("Policy CA").subordinate("Issuing CA").issue(NAME)
    return replace(issued, chain=tuple(reversed(issued.chain)))


@_shown(48, "self-signed certificate")
def self_signed(authority: Authority) -> Issued:
    """Return a certificate that its own key signed: the box sends alert 48."""
    alone = Authority(
        NAME, not_before=authority.certificate.not_before, not_after=authority.certificate.not_after,
        key_type=authority.key_type,
    )  # fmt: skip
    issued = alone.issue(NAME, key=alone.key)
    return replace(issued, chain=())


@_shown(48, "unable to get local issuer certificate")
def of_a_stranger(authority: Authority) -> Issued:
    """Return a certificate of an authority that nobody knows: the box sends alert 48."""
    return _like(authority, "Stranger CA").issue(NAME)


@_shown(48, "unable to get local issuer certificate")
def lookalike(authority: Authority) -> Issued:
    """Return a certificate of an authority with the same name and another key: the box sends alert 48."""
    return replace(_like(authority, authority.certificate.subject).issue(NAME), chain=())


@_shown(48, "invalid CA certificate")
def of_no_authority(authority: Authority) -> Issued:
    """Return a certificate signed by an end certificate (CA:FALSE): the box sends alert 48."""
    no_authority = x509.BasicConstraints(ca=False, path_length=None)
    return authority.subordinate("No CA at all", extensions=_critical(no_authority)).issue(NAME)


@_shown(48, "path length constraint exceeded")
def path_too_long(authority: Authority) -> Issued:
    """Return a certificate below one authority more than the chain allows: the box sends alert 48."""
    return authority.subordinate("Last CA", path_length=0).subordinate("One CA too many").issue(NAME)


@_shown(43, "unsuitable certificate purpose")
def wrong_purpose(authority: Authority) -> Issued:
    """Return a certificate for signing code (extended key usage): the box sends alert 43."""
    return authority.issue(NAME, extensions=_plain(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING])))


@_shown(43, "unsuitable certificate purpose")
def wrong_key_usage(authority: Authority) -> Issued:
    """Return a certificate whose key may sign certificates only (key usage): the box sends alert 43."""
    usage = x509.KeyUsage(
        digital_signature=False, key_encipherment=False, key_cert_sign=True, crl_sign=True, content_commitment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    return authority.issue(NAME, extensions=_critical(usage))


@_shown(42, "EE certificate key too weak")
def weak_key(authority: Authority) -> Issued:
    """Return a certificate with an RSA key of 1024 bits: the box sends alert 42."""
    return authority.issue(NAME, key_type="rsa-1024")


@_shown(42, "CA signature digest algorithm too weak")
def weak_hash(authority: Authority) -> Issued:
    """Return a certificate signed with SHA-1: the box sends alert 42."""
    return authority.issue(NAME, signature_hash="sha1")


@_shown(46, "unhandled critical extension")
def unknown_critical_extension(authority: Authority) -> Issued:
    """Return a certificate with a critical extension that nobody knows: the box sends alert 46."""
    unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")
    return authority.issue(NAME, extensions=_critical(unknown))


@_shown()
def duplicate_serial(authority: Authority, *, of: Issued | None = None) -> Issued:
    """Return a certificate with the serial number of another, the authority's own unless given: nobody notices."""
    other = authority.certificate if of is None else of.certificate
    return authority.issue(NAME, serial=other.x509.serial_number)


# Files that are imported.


@_imported("certificate expired on ")
def expired_file(authority: Authority, *, at: Moment = "-0s") -> bytes:
    """Return a file whose certificate was over a day before `at`, now unless given."""
    return expired(authority, at=at).pkcs12(PASS_PHRASE)


@_imported()
def not_yet_valid_file(authority: Authority, *, at: Moment = "-0s") -> bytes:
    """Return a file whose certificate begins a day after `at`: the box takes it, and far ends refuse it."""
    return not_yet_valid(authority, at=at).pkcs12(PASS_PHRASE)


@_imported("private key does not match the certificate")
def key_mismatch_file(authority: Authority) -> bytes:
    """Return a file whose key belongs to another certificate."""
    return replace(authority.issue(NAME), key=new_key("ec")).pkcs12(PASS_PHRASE)


@_imported("no private key in file")
def without_key_file(authority: Authority) -> bytes:
    """Return a file with a certificate only."""
    return authority.issue(NAME).pkcs12(PASS_PHRASE, with_key=False)


@_imported("not a certificate file")
def key_only_file(authority: Authority) -> bytes:
    """Return a file with a private key only."""
    return authority.issue(NAME).key_pem().encode()


@_imported("more than one certificate in file")
def with_chain_file(authority: Authority) -> bytes:
    """Return a file with the whole chain in it; on the box each issuer has an object of its own."""
    return authority.subordinate("Issuing CA").issue(NAME).pkcs12(PASS_PHRASE, with_chain=True)


@_imported("wrong pass phrase for file")
def wrong_pass_phrase_file(authority: Authority) -> bytes:
    """Return a file with another pass phrase than PASS_PHRASE."""
    return authority.issue(NAME).pkcs12(PASS_PHRASE.swapcase())


@_imported("not a certificate file")
def truncated_file(authority: Authority) -> bytes:
    """Return the first half of a file, as after an upload that broke off."""
    whole = authority.issue(NAME).pkcs12(PASS_PHRASE)
    return whole[: len(whole) // 2]


@_imported("not a certificate file")
def text_mode_file(authority: Authority) -> bytes:
    """Return a PKCS#12 file after a transfer in text mode, which made line ends of what only looked like them."""
    issued = authority.issue(NAME)
    for turn in range(1 << 10):
        whole = issued.pkcs12(PASS_PHRASE, rounds=2048 + turn)
        if b"\n" in whole[64:]:
            return whole.replace(b"\n", b"\r\n")
    raise AssertionError("a thousand files without a line feed")


@_imported("not a certificate file")
def garbage_file(authority: Authority) -> bytes:
    """Return octets that are nothing."""
    return bytes(reversed(authority.certificate.der))


@_imported("not a certificate file")
def empty_file(_authority: Authority) -> bytes:
    """Return nothing."""
    return b""


@_imported("not a certificate file")
def huge_file(authority: Authority) -> bytes:
    """Return a good file with half a megabyte behind it."""
    return authority.issue(NAME).pkcs12(PASS_PHRASE) + bytes(_HUGE)


@_imported("not a certificate file")
def pkcs7_file(authority: Authority) -> bytes:
    """Return a PKCS#7 bundle, which authorities like to send."""
    return authority.issue(NAME).pkcs7()


@_imported("unsupported key")
def unsupported_key_file(authority: Authority) -> bytes:
    """Return a file with a key of a kind that the box does not know (Ed25519)."""
    return authority.issue(NAME, key_type="ed25519").pkcs12(PASS_PHRASE)


@_imported()
def weak_key_file(authority: Authority) -> bytes:
    """Return a file with an RSA key of 1024 bits, the shortest that the box takes."""
    return weak_key(authority).pkcs12(PASS_PHRASE)


@_imported()
def old_encryption_file(authority: Authority) -> bytes:
    """Return a file encrypted with RC2 and 40 bits: the box takes it, OpenSSL 3 only with `-legacy`."""
    return authority.issue(NAME).pkcs12(PASS_PHRASE, encryption="rc2-40")


@_imported()
def crlf_file(authority: Authority) -> bytes:
    """Return a PEM file with the line ends of Windows."""
    return _pem(authority).replace("\n", "\r\n").encode()


@_imported("not a certificate file")
def byte_order_mark_file(authority: Authority) -> bytes:
    """Return a PEM file that begins with a byte order mark, as editors of Windows write it: its certificate is lost."""
    return _pem(authority).encode("utf-8-sig")


@_imported("not a certificate file")
def utf_16_file(authority: Authority) -> bytes:
    """Return a PEM file in UTF-16, as PowerShell writes it."""
    return _pem(authority).encode("utf-16")


@_imported()
def extra_text_file(authority: Authority) -> bytes:
    """Return a PEM file with words around its parts, as mail programs and `openssl pkcs12` leave them."""
    issued = authority.issue(NAME)
    return f"Bag Attributes\n  friendlyName: x\n{issued.key_pem()}\nYours,\n{issued.pem()}-- \n".encode()


_DAY = 86_400_000_000


def _like(authority: Authority, name: str) -> Authority:
    own = authority.certificate
    return Authority(name, not_before=own.not_before, not_after=own.not_after, key_type=authority.key_type)


def _pem(authority: Authority) -> str:
    issued = authority.issue(NAME)
    return issued.pem() + issued.key_pem()


def _critical(value: x509.ExtensionType) -> Extensions:
    return (x509.Extension(value.oid, critical=True, value=value),)


def _plain(value: x509.ExtensionType) -> Extensions:
    return (x509.Extension(value.oid, critical=False, value=value),)
