"""A box with one zone whose sipSigPort speaks TLS, and one ipPeer that it pings: what rotation tests start from."""

from __future__ import annotations

from pathlib import Path

import testca

from sbcsim.pki.mint import Issued
from sbcsim.simulator import Simulator

ZONE = "addressContext default zone ZONE1"
PORT = f"{ZONE} sipSigPort 1"

CONFIGURATION = f"""\
set system security pki certificate CA fileName ca.der type remote state enabled
set system security pki certificate OLD fileName old.p12 type local passPhrase "{testca.PASS_PHRASE}" state enabled
set profiles security tlsProfile TLS-PEERS clientCertName OLD serverCertName OLD
set profiles security tlsProfile TLS-PEERS cipherSuite1 tls_ecdhe_rsa_with_aes_256_gcm_sha384
set profiles services pathCheckProfile PING sendInterval 60 replyTimeoutCount 3 recoveryCount 1
set addressContext default ipInterfaceGroup LIG1 ipInterface LIF1 ceName SBC1a portName pkt0
set addressContext default ipInterfaceGroup LIG1 ipInterface LIF1 ipAddress 198.51.100.5 prefix 24
set addressContext default ipInterfaceGroup LIG1 ipInterface LIF1 mode inService state enabled
set {ZONE} id 2
set {PORT} ipInterfaceGroupName LIG1 portNumber 5060 transportProtocolsAllowed sip-tls-tcp
set {PORT} tlsProfileName TLS-PEERS mode inService state enabled
set {ZONE} ipPeer PEER1 ipAddress 192.0.2.10 ipPort 5061
set {ZONE} ipPeer PEER1 pathCheck profile PING state enabled
"""

# The lines of the renewal procedure, in the document's order; the new file has been uploaded as new.p12.
IMPORT = (
    "set system security pki certificate NEW fileName new.p12 type local "
    f'passPhrase "{testca.PASS_PHRASE}" state enabled'
)
SERVER = "set profiles security tlsProfile TLS-PEERS serverCertName NEW"
CLIENT = "set profiles security tlsProfile TLS-PEERS clientCertName NEW"
DISABLE = "set system security pki certificate OLD state disable"
DELETE = "delete system security pki certificate OLD"

VERSIONS = {"TLSv1.2": "v1_2 enabled v1_3 disabled", "TLSv1.3": "v1_2 disabled v1_3 enabled"}


def pinged_box(
    directory: Path,
    peer_port: int,
    own: Issued,
    *lines: str,
    clock: str = f"virtual@{testca.START}",
    version: str = "TLSv1.2",
    state: Path | None = None,
) -> Simulator:
    """Return the box, not yet started, that runs `lines` as well; its peer listens on `peer_port` of the host.

    With a `state` directory it keeps everything there.
    """
    configuration = directory / "box.cli"
    chosen = f"set profiles security tlsProfile TLS-PEERS {VERSIONS[version]}"
    configuration.write_text("\n".join((CONFIGURATION + chosen, *lines, "")))
    return Simulator(
        configuration,
        clock=clock,
        state=state,
        maps=[f"192.0.2.10:5061=127.0.0.1:{peer_port}"],
        files={"ca.der": testca.authority().certificate.der, "old.p12": own.pkcs12(testca.PASS_PHRASE)},
    )


def tls_port(box: Simulator) -> int:
    """Return the host port on which the sipSigPort takes TLS."""
    (listener,) = box.ports.sip
    return listener.address.port
