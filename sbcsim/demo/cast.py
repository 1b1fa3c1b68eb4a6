"""Who is on stage: an authority, the box's old and renewed certificate, two peers, and the lines they start with."""

from __future__ import annotations

from dataclasses import dataclass

from sbcsim.pki.mint import Authority, Issued

START = "2026-01-01T00:00:00Z"
OLD_ENDS = "2026-03-02T12:00:00Z"
PASS_PHRASE = "demo-pass-phrase"  # noqa: S105 - protects nothing but this play

SETUP = (
    "set system security pki certificate ROOT-CA fileName root-ca.der type remote state enabled",
    f"set system security pki certificate OLD fileName old.p12 type local passPhrase {PASS_PHRASE} state enabled",
    (
        "set profiles security tlsProfile TLS-PEERS serverCertName OLD clientCertName OLD "
        "cipherSuite1 tls_ecdhe_rsa_with_aes_256_gcm_sha384"
    ),
    "set profiles services pathCheckProfile PCP-TLS sendInterval 60 replyTimeoutCount 2 recoveryCount 1",
    (
        "set addressContext default ipInterfaceGroup LIG1 ipInterface LIF1 ipAddress 198.51.100.5 prefix 24 "
        "ceName SBC1a portName pkt0 mode inService state enabled"
    ),
    (
        "set addressContext default zone ZONE1 id 2 sipSigPort 1 ipInterfaceGroupName LIG1 portNumber 5060 "
        "transportProtocolsAllowed sip-tls-tcp tlsProfileName TLS-PEERS mode inService state enabled"
    ),
    "set addressContext default zone ZONE1 ipPeer PEER1 ipAddress 192.0.2.10 ipPort 5061",
    "set addressContext default zone ZONE1 ipPeer PEER1 pathCheck profile PCP-TLS state enabled",
)

RENEWAL = (
    f"set system security pki certificate NEW fileName new.p12 type local passPhrase {PASS_PHRASE} state enabled",
    "show profiles security tlsProfile | display set | match OLD",
    "set profiles security tlsProfile TLS-PEERS serverCertName NEW",
    "set profiles security tlsProfile TLS-PEERS clientCertName NEW",
    "set system security pki certificate OLD state disable",
    "delete system security pki certificate OLD",
    "commit",
)


@dataclass(frozen=True, slots=True)
class Cast:
    """The certificates of the play."""

    authority: Authority
    old: Issued
    new: Issued
    pinged: Issued
    dialling: Issued

    def name(self, serial: str) -> str:
        """Return the name under which the box knows a serial number."""
        return {self.old.certificate.serial: "OLD", self.new.certificate.serial: "NEW"}.get(serial, serial)


def gather() -> Cast:
    """Mint everything; the renewed certificate has the same subject and key as the old one."""
    authority = Authority("Demo Root CA", not_before="2025-01-01T00:00:00Z", not_after="2035-01-01T00:00:00Z")
    old = authority.issue(
        "sbc1.example.com", not_before="2025-12-01T00:00:00Z", not_after=OLD_ENDS, key_type="rsa", serial=0x1001
    )
    new = authority.renew(old, not_before="2026-01-15T00:00:00Z", not_after="2027-01-15T00:00:00Z", serial=0x1002)
    return Cast(
        authority,
        old,
        new,
        authority.issue("peer1.example.com", key_type="rsa"),
        authority.issue("peer2.example.com", key_type="rsa"),
    )
