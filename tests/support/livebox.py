"""A device in memory at work: own certificates, one TLS port, one ipPeer that it pings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import testca
from inmemory import Box, FarEnd

from sbcsim.device.settings import Settings
from sbcsim.device.views import PeerView
from sbcsim.pki.mint import Issued
from sbcsim.schema.types import Value

ZONE = "addressContext default zone Z"
SET_PORT = f"set {ZONE} sipSigPort 1 "
SET_PEER = f"set {ZONE} ipPeer P "
SET_PROFILE = "set profiles security tlsProfile TLS "
SET_PING = "set profiles services pathCheckProfile PCP "
LISTENER = ("10.0.0.5", 5061)
PEER = ("192.0.2.10", 5061)

BASE = (
    "set system security pki certificate CA fileName ca.der type remote state enabled",
    "set system security pki certificate OLD fileName old.p12 type local passPhrase secret state enabled",
    f"{SET_PROFILE}serverCertName OLD clientCertName OLD",
    f"{SET_PING}sendInterval 60 replyTimeoutCount 3 recoveryCount 2",
    (
        "set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0 ipAddress 10.0.0.5 "
        "prefix 24 mode inService state enabled"
    ),
    (
        f"set {ZONE} id 2 sipSigPort 1 ipInterfaceGroupName LIG portNumber 5060 "
        "transportProtocolsAllowed sip-tls-tcp tlsProfileName TLS mode inService state enabled"
    ),
    f"{SET_PEER}ipAddress 192.0.2.10 ipPort 5061",
    f"{SET_PEER}pathCheck profile PCP state enabled",
)
PINGING = BASE[-1]


def chain(issued: Issued) -> tuple[bytes, ...]:
    """Return what a far end shows: its certificate and the issuers up to the root."""
    return tuple(each.der for each in (issued.certificate, *issued.chain))


def live_box(
    *lines: str,
    settings: Settings | None = None,
    base: tuple[str, ...] = BASE,
    files: Mapping[str, bytes] = MappingProxyType({}),
) -> Box:
    """Return a box that runs `base` and `lines`, all from one commit, with further certificate `files`."""
    box = Box(start=testca.START, settings=settings)
    box.far_ends[PEER] = FarEnd(chain=chain(testca.peer()))
    box.put("ca.der", testca.authority().certificate.der)
    box.put("old.p12", testca.sbc().pkcs12("secret"))
    box.put("new.p12", testca.sbc_renewed().pkcs12("secret"))
    for name, data in files.items():
        box.put(name, data)
    box.commit(*base, *lines)
    return box


def renew(box: Box) -> None:
    """Play the renewal procedure in one commit."""
    box.commit(
        "set system security pki certificate NEW fileName new.p12 type local passPhrase secret state enabled",
        f"{SET_PROFILE}serverCertName NEW clientCertName NEW",
        "set system security pki certificate OLD state disabled",
        "delete system security pki certificate OLD",
    )


def names(box: Box) -> list[str]:
    """Return the own certificate of every live connection, by connectionId."""
    return [record.credential.name for record in box.sbc.connections() if record.credential is not None]


def zone_row(box: Box, table: str, row: int = 0) -> dict[str, Value]:
    """Return a row of a status table of the zone."""
    return dict(box.sbc.rows(("addressContext", "default", "zone", "Z", table))[row])


def tls_counters(box: Box) -> dict[str, Value]:
    """Return the TLS counters of the port that are not 0."""
    row = zone_row(box, "sipSigPortTlsStatistics")
    return {leaf: value for leaf, value in row.items() if value and leaf != "index"}


def peer(box: Box, name: str = "P") -> PeerView:
    """Return what the control interface shows of a peer."""
    return next(each for each in box.sbc.peers() if each.name == name)
