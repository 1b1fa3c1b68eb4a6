"""Certificates for every test: one authority for each process, RSA certificates of the SBC and its peers, files.

The default cipher suites are ECDHE-RSA, so the keys here are RSA; they are made once for each process. Dates fit a
virtual clock that starts at START: the authority lives from 2020 to 2040, an end certificate until UNTIL.

Boxes in memory shake no hands and take EC keys as well. Where they are renewed over and over, EC is the kind to take:
to read an RSA key, which OpenSSL checks each time, takes longer than the rest of a commit.
"""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path
from typing import NamedTuple

from sbcsim.pki.mint import Authority, Issued, KeyType, Moment

START = "2026-01-01T00:00:00Z"
UNTIL = "2026-03-01T00:00:00Z"
PASS_PHRASE = "pass phrase of the tests"

# Python's ssl module judges dates by the host's clock; X509_V_FLAG_NO_CHECK_TIME leaves everything else checked.
NO_CHECK_TIME = 0x200000


def authority(key_type: KeyType = "rsa") -> Authority:
    """Return the authority that both sides trust."""
    return _root("Test CA", key_type)


def stranger(key_type: KeyType = "rsa") -> Authority:
    """Return an authority that nobody trusts."""
    return _root("Stranger CA", key_type)


@cache
def intermediate() -> Authority:
    """Return an authority below `authority()`."""
    return authority().subordinate("Test Issuing CA", first_serial=0x2000)


@cache
def sbc(not_after: Moment = UNTIL, *, not_before: Moment = "2025-12-01T00:00:00Z", key_type: KeyType = "rsa") -> Issued:
    """Return the SBC's own certificate; equal dates give the same one."""
    return authority(key_type).issue("sbc.example.com", not_before=not_before, not_after=not_after)


@cache
def sbc_renewed(not_after: Moment = "2027-01-01T00:00:00Z", *, not_before: Moment = "2025-12-15T00:00:00Z") -> Issued:
    """Return the successor of `sbc()`: same subject and key, another serial number and later dates."""
    return authority().renew(sbc(), not_before=not_before, not_after=not_after)


@cache
def peer(
    name: str = "peer.example.com",
    not_after: Moment = "2030-01-01T00:00:00Z",
    *,
    not_before: Moment = "2025-12-01T00:00:00Z",
    key_type: KeyType = "rsa",
) -> Issued:
    """Return the certificate of a far end."""
    return authority(key_type).issue(name, not_before=not_before, not_after=not_after)


class Files(NamedTuple):
    """Where the PEM files of a certificate lie."""

    certificate: Path
    key: Path
    authority: Path


def files(issued: Issued, directory: Path, *, trusted: Authority | None = None) -> Files:
    """Write certificate with chain, key and trusted authority as PEM files, for programs that want files."""
    stem = f"{issued.certificate.common_name}-{issued.certificate.serial}"
    found = Files(directory / f"{stem}.pem", directory / f"{stem}.key", directory / f"{stem}-ca.pem")
    # A root is not sent.
    chain = [each for each in issued.chain if not each.self_signed]
    found.certificate.write_text("".join(each.pem() for each in (issued.certificate, *chain)))
    found.key.write_text(issued.key_pem())
    found.key.chmod(0o600)
    found.authority.write_text((trusted or authority()).certificate.pem())
    return found


def server_context(issued: Issued, directory: Path, *, require_certificate: bool = True) -> ssl.SSLContext:
    """Return a context for a far end that the SBC dials: mutual TLS, dates not judged."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.verify_mode = ssl.CERT_REQUIRED if require_certificate else ssl.CERT_NONE
    return _filled(context, issued, directory)


def client_context(issued: Issued | None, directory: Path) -> ssl.SSLContext:
    """Return a context for a far end that dials in: names and dates not judged; None shows no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    if issued is None:
        context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
        context.load_verify_locations(cadata=authority().certificate.pem())
        return context
    return _filled(context, issued, directory)


def _filled(context: ssl.SSLContext, issued: Issued, directory: Path) -> ssl.SSLContext:
    paths = files(issued, directory)
    context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
    context.load_cert_chain(paths.certificate, paths.key)
    context.load_verify_locations(cadata=authority().certificate.pem())
    return context


@cache
def _root(name: str, key_type: KeyType) -> Authority:
    return Authority(name, not_before="2020-01-01T00:00:00Z", not_after="2040-01-01T00:00:00Z", key_type=key_type)
