"""A running box between two far ends over mutual TLS, both ipPeers that it pings: ALICE calls, BOB is called."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import testca

from sbcsim.clock import VirtualClock
from sbcsim.simulator import Simulator
from sbcsim.testing import PeerCall, PeerConnection, SipPeer

IN, OUT = "addressContext default zone IN", "addressContext default zone OUT"
CONTENT = (
    "set system security pki certificate CA fileName ca.der type remote state enabled",
    "set system security pki certificate OLD fileName old.p12 type local passPhrase secret state enabled",
    "set profiles security tlsProfile TLS serverCertName OLD clientCertName OLD",
    "set profiles security tlsProfile TLS cipherSuite1 tls_ecdhe_rsa_with_aes_256_gcm_sha384",
    "set profiles services pathCheckProfile PING sendInterval 60 replyTimeoutCount 1 recoveryCount 1",
    "set addressContext default ipInterfaceGroup G ipInterface I ipAddress 10.0.0.5 prefix 24",
    "set addressContext default ipInterfaceGroup G ipInterface I mode inService state enabled",
    f"set {IN} id 2 sipSigPort 1 ipInterfaceGroupName G portNumber 5060",
    f"set {IN} sipSigPort 1 transportProtocolsAllowed sip-tls-tcp tlsProfileName TLS mode inService state enabled",
    f"set {IN} ipPeer ALICE ipAddress 192.0.2.10 ipPort 5061",
    f"set {IN} ipPeer ALICE pathCheck profile PING state enabled",
    f"set {IN} sipTrunkGroup TG-IN mode inService state enabled ingressIpPrefix 127.0.0.0 8",
    f"set {OUT} id 3 sipSigPort 2 ipInterfaceGroupName G portNumber 5070",
    f"set {OUT} sipSigPort 2 transportProtocolsAllowed sip-tls-tcp tlsProfileName TLS mode inService state enabled",
    f"set {OUT} ipPeer BOB ipAddress 192.0.2.20 ipPort 5061",
    f"set {OUT} ipPeer BOB pathCheck profile PING state enabled",
    f"set {OUT} sipTrunkGroup TG-OUT mode inService state enabled",
    "set global callRouting routingLabel TO-BOB routingLabelRoute 1 trunkGroup TG-OUT ipPeer BOB",
    (
        "set global callRouting route trunkGroup TG-IN SBC1 standard Sonus_NULL 1 all all ALL none Sonus_NULL "
        "routingLabel TO-BOB"
    ),
)


@dataclass
class CallPair:
    """The box with its two far ends; `line` is the connection that ALICE calls over."""

    box: Simulator
    alice: SipPeer
    bob: SipPeer
    line: PeerConnection

    async def standing(self) -> tuple[PeerCall, PeerCall]:
        """Set a call up, and return it as its two ends have it."""
        placed = await self.alice.call("200", self.line)
        await placed.wait_for("standing")
        taken = self.bob.calls[-1]
        await taken.wait_for("standing")
        return placed, taken


@asynccontextmanager
async def call_pair(directory: Path, *lines: str, others: Iterable[str] = ()) -> AsyncIterator[CallPair]:
    """Start the box, which runs `lines` as well, and have both far ends pinged once; `others` are further mappings."""
    clock = VirtualClock(testca.START)
    ends = [SipPeer(testca.peer(), testca.authority().certificate, clock.reading) for _ in range(2)]
    alice, bob = ends
    file = directory / "box.cli"
    file.write_text("\n".join((*CONTENT, *lines, "")))
    files = {
        "ca.der": testca.authority().certificate.der,
        "old.p12": testca.sbc().pkcs12("secret"),
        "new.p12": testca.sbc_renewed().pkcs12("secret"),
    }
    maps = [f"192.0.2.10:5061=127.0.0.1:{await alice.listen()}", f"192.0.2.20:5061=127.0.0.1:{await bob.listen()}"]
    try:
        async with Simulator(file, clock=clock, files=files, maps=[*maps, *others], control="serve") as box:
            await box.settle()
            for each in ends:
                await each.wait_for("request", method="OPTIONS")
            yield CallPair(box, alice, bob, alice.live[0])
    finally:
        for each in ends:
            await each.close()
