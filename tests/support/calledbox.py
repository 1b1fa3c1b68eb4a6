"""A box with a caller's side and a callee's side, each of a transport of its own, for programs that call each other.

It is where its configuration says: a program that follows our Contact finds it. `CALLER` and `CALLEE` are ipPeers at
127.0.0.1, told apart by the zone that they send to.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import testca
from hostports import free_port

from sbcsim.net.hostclock import make_clock
from sbcsim.pki.mint import Issued
from sbcsim.schema.types import Value
from sbcsim.simulator import Simulator

Transport = Literal["UDP", "TCP", "TLS"]

PATIENCE = 20.0
"""Host seconds until something that must happen is taken for missing."""

_WORDS = {"UDP": "sip-udp", "TCP": "sip-tcp", "TLS": "sip-tls-tcp"}
IN, OUT = "addressContext default zone IN", "addressContext default zone OUT"
PORT_IN, PORT_OUT = f"{IN} sipSigPort 1", f"{OUT} sipSigPort 2"
ROUTE = "global callRouting route trunkGroup {} SBC1 standard Sonus_NULL 1 all all ALL none Sonus_NULL"

_CONFIGURATION = f"""\
set system security pki certificate CA fileName ca.der type remote state enabled
set system security pki certificate OLD fileName old.p12 type local passPhrase "{testca.PASS_PHRASE}" state enabled
set profiles security tlsProfile TLS-PEERS clientCertName OLD serverCertName OLD
set profiles security tlsProfile TLS-PEERS cipherSuite1 tls_ecdhe_rsa_with_aes_256_gcm_sha384
set addressContext default ipInterfaceGroup LIG ipInterface LIF ceName SBC1a portName pkt0
set addressContext default ipInterfaceGroup LIG ipInterface LIF ipAddress 127.0.0.1 prefix 8
set addressContext default ipInterfaceGroup LIG ipInterface LIF mode inService state enabled
set {IN} id 2
set {PORT_IN} ipInterfaceGroupName LIG portNumber {{ways.near.port}} tlsProfileName TLS-PEERS
set {PORT_IN} transportProtocolsAllowed {{near}} mode inService state enabled
set {IN} ipPeer CALLER ipAddress 127.0.0.1 ipPort {{ways.caller}}
set {IN} sipTrunkGroup TG-IN mode inService state enabled
set {OUT} id 3
set {PORT_OUT} ipInterfaceGroupName LIG portNumber {{ways.far.port}} tlsProfileName TLS-PEERS
set {PORT_OUT} transportProtocolsAllowed {{far}} mode inService state enabled
set {OUT} ipPeer CALLEE ipAddress 127.0.0.1 ipPort {{ways.callee}}
set {OUT} sipTrunkGroup TG-OUT mode inService state enabled
set global callRouting routingLabel TO-CALLEE routingLabelRoute 1 trunkGroup TG-OUT ipPeer CALLEE
set {ROUTE.format("TG-IN")} routingLabel TO-CALLEE
set global callRouting routingLabel TO-CALLER routingLabelRoute 1 trunkGroup TG-IN ipPeer CALLER
set {ROUTE.format("TG-OUT")} routingLabel TO-CALLER
"""


@dataclass(frozen=True)
class Door:
    """One sipSigPort: what it speaks, and its portNumber, which is free on the host as is the next one."""

    transport: Transport
    port: int

    @property
    def listens(self) -> int:
        """The port that it listens on."""
        return self.port + 1 if self.transport == "TLS" else self.port


@dataclass(frozen=True)
class Ways:
    """Where everybody is: the two sipSigPorts, and the ports of the host where the two ipPeers are reached."""

    near: Door
    far: Door
    caller: int
    callee: int


def ways(near: Transport, far: Transport) -> Ways:
    """Return ways over two transports, all of whose ports are free."""
    return Ways(Door(near, free_port()), Door(far, free_port()), free_port(), free_port())


@dataclass(frozen=True)
class Dated:
    """Certificates that are valid by the host's clock, which stock programs go by, from `now` on."""

    now: datetime
    old: Issued
    new: Issued
    peer: Issued


def dated() -> Dated:
    """Return certificates of which OLD has two hours left."""
    now = datetime.now(UTC).replace(microsecond=0)  # noqa: TID251 - the programs live in the host's time
    authority = testca.authority()
    begin, end = now - timedelta(days=30), now + timedelta(days=400)
    old = authority.issue("sbc.example.com", not_before=begin, not_after=now + timedelta(hours=2))
    new = authority.renew(old, not_before=now - timedelta(days=1), not_after=end)
    return Dated(now, old, new, authority.issue("peer.example.com", not_before=begin, not_after=end))


def called_box(
    directory: Path,
    ways: Ways,
    certificates: Dated,
    *lines: str,
    ha: Literal["none", "1to1"] = "none",
) -> Simulator:
    """Return the box, not yet started, whose clock flows at a tenth of the host's, and which runs `lines` as well.

    So a host that has other work to do loses no time with repetitions, which SIPp does not always take for such.
    """
    clock = make_clock("real")
    clock.set_rate(0.1)
    configuration = directory / "box.cli"
    near, far = _WORDS[ways.near.transport], _WORDS[ways.far.transport]
    text = _CONFIGURATION.format(ways=ways, near=near, far=far)
    configuration.write_text("\n".join((text, *lines, "")))
    here = [f"127.0.0.1:{door.listens}=127.0.0.1:{door.listens}" for door in (ways.near, ways.far)]
    return Simulator(
        configuration,
        clock=clock,
        maps=here,
        ha=ha,
        files={
            "ca.der": testca.authority().certificate.der,
            "old.p12": certificates.old.pkcs12(testca.PASS_PHRASE),
            "new.p12": certificates.new.pkcs12(testca.PASS_PHRASE),
        },
    )


async def until(box: Simulator, condition: Callable[[], bool]) -> None:
    """Wait for something that the box notes in its journal."""
    changed = asyncio.Event()
    stop = box.events.subscribe(lambda _entry: changed.set())
    try:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                changed.clear()
                await changed.wait()
    finally:
        stop()


def row(box: Simulator, *path: str) -> dict[str, Value]:
    """Return the only row of a status table."""
    (found,) = box._sbc.rows(path)
    return dict(found)


def messages(box: Simulator, zone: str) -> dict[str, int]:
    """Return how many SIP messages of each kind the trunk group of a zone has had."""
    counted = row(box, "addressContext", "default", "zone", zone, "sipCurrentStatistics")
    return {leaf: value for leaf, value in counted.items() if value and isinstance(value, int)}


def call_counts(box: Simulator) -> dict[str, int]:
    """Return what has been counted of all calls, and of those that stand."""
    counted = row(box, "global", "callCountStatus")
    return {leaf: value for leaf, value in counted.items() if value and isinstance(value, int)}


def port_count(box: Simulator, zone: str, leaf: str) -> Value:
    """Return what the sipSigPort of a zone has counted."""
    (found,) = (each.counters[leaf] for each in box.port_counters() if each.zone == zone)
    return found


def usage(box: Simulator) -> list[tuple[Value, Value]]:
    """Return how many calls use each trunk group, inbound and outbound: TG-IN first."""
    rows = [row(box, "addressContext", "default", "zone", zone, "trunkGroupStatus") for zone in ("IN", "OUT")]
    return [(each["inboundCallsUsage"], each["outboundCallsUsage"]) for each in rows]


def ends(box: Simulator) -> dict[tuple[str, str, int], int]:
    """Return how many calls have ended by whom, why, and with which status."""
    return Counter((each.event.by, each.event.why, each.event.status) for each in box.journal("callEnded"))


async def nothing_is_left(box: Simulator) -> None:
    """Check that no call stands and uses anything, and that nothing is remembered of any once its timers are over."""
    assert box.calls() == []
    assert usage(box) == [(0, 0), (0, 0)]
    counts = row(box, "global", "callCountStatus")
    assert [counts[leaf] for leaf in ("activeCalls", "stableCalls", "totalCalls")] == [0, 0, 0]
    assert list(box._sbc.rows(("global", "callSummaryStatus"))) == []
    await box.advance("40s")
    assert box._sbc._telephony.calls.footprint == 0
