"""A configuration to start simulators with: one TLS port on 10.0.0.5, the certificate OLD, files for NEW."""

from __future__ import annotations

import testca

LINES = (
    "set system security pki certificate CA fileName ca.der type remote state enabled",
    "set system security pki certificate OLD fileName old.p12 type local passPhrase secret state enabled",
    "set profiles security tlsProfile TLS serverCertName OLD clientCertName OLD",
    "set profiles security tlsProfile TLS cipherSuite1 tls_ecdhe_rsa_with_aes_256_gcm_sha384",
    (
        "set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0 ipAddress 10.0.0.5 "
        "prefix 24 mode inService state enabled"
    ),
    (
        "set addressContext default zone Z id 2 sipSigPort 1 ipInterfaceGroupName LIG portNumber 5060 "
        "transportProtocolsAllowed sip-tls-tcp tlsProfileName TLS mode inService state enabled"
    ),
)
CONFIG = "! one TLS port\n" + "\n".join(LINES) + "\n"


def certificate_files() -> dict[str, bytes]:
    """Return the files of the certificate directory."""
    return {
        "ca.der": testca.authority().certificate.der,
        "old.p12": testca.sbc().pkcs12("secret"),
        "new.p12": testca.sbc_renewed().pkcs12("secret"),
    }
