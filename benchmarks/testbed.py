"""What both sides of a comparison share: one authority, the same RSA key and certificates, one TLS suite."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from OpenSSL import SSL

from sbcsim.pki.mint import Authority, Issued

HOST = "127.0.0.1"
PASS_PHRASE = "benchmark"
SUITE = "ECDHE-RSA-AES256-GCM-SHA384"
"""What a tlsProfile calls tls_ecdhe_rsa_with_aes_256_gcm_sha384."""

_FIRST, _LAST = "2020-01-01T00:00:00Z", "2045-01-01T00:00:00Z"
_END = "2026-03-02T00:00:00Z"
"""The box's first certificate ends 60 days after the virtual clock starts."""

NO_CHECK_TIME = 0x200000
"""X509_V_FLAG_NO_CHECK_TIME: bare libraries would judge dates by the host's clock."""

_BOX = """\
set system security pki certificate CA fileName ca.der type remote state enabled
set system security pki certificate BOX fileName {file} type local passPhrase benchmark state enabled
set profiles security tlsProfile TLS serverCertName BOX clientCertName BOX
set profiles security tlsProfile TLS cipherSuite1 tls_ecdhe_rsa_with_aes_256_gcm_sha384
set profiles services pathCheckProfile PING sendInterval 60 replyTimeoutCount 3 recoveryCount 2
set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0 ipAddress 10.0.0.5 prefix 24
set addressContext default ipInterfaceGroup LIG ipInterface LIF mode inService state enabled
set addressContext default zone Z id 2 sipSigPort 1 ipInterfaceGroupName LIG portNumber 5060 tlsProfileName TLS
set addressContext default zone Z sipSigPort 1 transportProtocolsAllowed sip-tls-tcp mode inService state enabled
"""

_PLAIN = """\
set system admin SBC1 accountManagement maxSessions 5
set addressContext default zone Z id 2
"""
PEERS = "addressContext default zone Z ipPeer"


@contextmanager
def plain_box() -> Iterator[Path]:
    """Yield a directory with the configuration of a box without certificates and connections."""
    with tempfile.TemporaryDirectory(prefix="sbcsim-benchmark-") as name:
        directory = Path(name)
        (directory / "box.cli").write_text(_PLAIN)
        yield directory


def peer_lines(number: int) -> list[str]:
    """Return so many `set` lines, of IP peers with two leaves each."""
    numbers = range((number + 1) // 2)
    return [
        f"set {PEERS} P{each} {leaf}"
        for each in numbers
        for leaf in (f"ipAddress 10.{each >> 16}.{each >> 8 & 255}.{each & 255}", "ipPort 5061")
    ][:number]


@dataclass(frozen=True, slots=True)
class Testbed:
    """A directory with all certificate files and the configuration of a box, and who can renew its certificate."""

    directory: Path
    authority: Authority
    box: Issued

    def renew(self) -> Issued:
        """Return one more certificate of the box, with the same key; serial numbers count up."""
        return self.authority.renew(self.box, not_before=_FIRST, not_after=_LAST)


@contextmanager
def prepared() -> Iterator[Path]:
    """Yield the directory of a testbed."""
    with testbed() as made:
        yield made.directory


@contextmanager
def testbed() -> Iterator[Testbed]:
    """Yield a testbed, which is gone at the end."""
    with tempfile.TemporaryDirectory(prefix="sbcsim-benchmark-") as name:
        directory = Path(name)
        authority = Authority("Benchmark CA", not_before=_FIRST, not_after=_LAST, key_type="rsa")
        box = authority.issue("box.example.com", not_before=_FIRST, not_after=_END)
        renewed = authority.renew(box, not_before=_FIRST, not_after=_LAST)
        (directory / "ca.pem").write_text(authority.certificate.pem())
        (directory / "ca.der").write_bytes(authority.certificate.der)
        (directory / "box.p12").write_bytes(box.pkcs12(PASS_PHRASE))
        (directory / "new.p12").write_bytes(renewed.pkcs12(PASS_PHRASE))
        write(directory, "box", box)
        write(directory, "peer", authority.issue("peer.example.com"))
        configure(directory, ())
        yield Testbed(directory, authority, box)


def configure(directory: Path, peer_ports: Sequence[int], *lines: str, file: str = "box.p12") -> None:
    """Write the configuration of a box with the certificate of `file` that pings these ports and runs `lines` too."""
    pinged = "".join(
        f"set addressContext default zone Z ipPeer P{number} ipAddress {HOST} ipPort {port}\n"
        f"set addressContext default zone Z ipPeer P{number} pathCheck profile PING state enabled\n"
        for number, port in enumerate(peer_ports, 1)
    )
    (directory / "box.cli").write_text(_BOX.format(file=file) + pinged + "".join(f"{line}\n" for line in lines))


def box_files(directory: Path) -> dict[str, bytes]:
    """Return what goes into the certificate directory of the box."""
    return {name: (directory / name).read_bytes() for name in ("ca.der", "box.p12", "new.p12")}


def server_context(directory: Path, name: str) -> ssl.SSLContext:
    """Return a context of the standard library for a server that asks for a certificate, as the box does."""
    return _context(ssl.PROTOCOL_TLS_SERVER, directory, name)


def client_context(directory: Path) -> ssl.SSLContext:
    """Return a context of the standard library for a peer that dials in."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, directory, "peer")


def memory_context(directory: Path, name: str) -> SSL.Context:
    """Return a context of pyOpenSSL with the same settings, for a server."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(SUITE.encode())
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.use_certificate_file(str(directory / f"{name}.pem"))
    context.use_privatekey_file(str(directory / f"{name}.key"))
    context.load_verify_locations(str(directory / "ca.pem"))
    context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
    return context


def _context(protocol: int, directory: Path, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VerifyFlags(NO_CHECK_TIME)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(SUITE)
    context.options |= ssl.OP_NO_TICKET
    context.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
    context.load_verify_locations(directory / "ca.pem")
    return context


def write(directory: Path, name: str, issued: Issued) -> None:
    """Write certificate and key as the files that the bare servers read."""
    (directory / f"{name}.pem").write_text(issued.pem())
    (directory / f"{name}.key").write_text(issued.key_pem())
