"""A simulated node that is only data: for tests of the control API that need no sockets of a box."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

from sbcsim.clock import Clock, VirtualClock, format_duration, to_datetime
from sbcsim.control.models import (
    Address,
    Advanced,
    Alarm,
    Alarms,
    Bounced,
    Call,
    CallLeg,
    Certificate,
    ClockReading,
    Connection,
    Counts,
    LocalCertificate,
    Peer,
    PeerCertificate,
    PortCounts,
    Ready,
    SipListener,
    Snapshot,
    Status,
)
from sbcsim.control.views import clock_reading
from sbcsim.device.faults import Faults
from sbcsim.errors import UserError
from sbcsim.events import Logout
from sbcsim.journal import Journal
from sbcsim.recording.file import Header

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def connection(number: int = 1, direction: str = "inbound", certificate: str = "OLD") -> Connection:
    """Return a live connection on a certificate."""
    return Connection(
        id=number,
        direction=direction,
        transport="tls",
        state="up",
        local=Address("192.0.2.1", 5061),
        remote=Address("198.51.100.7", 40000 + number),
        address_context="default",
        zone="ZONE1",
        sip_sig_port=1,
        peer="" if direction == "inbound" else "PEER1",
        tls_profile="TLS1",
        version="TLSv1.3",
        cipher="TLS_AES_256_GCM_SHA384",
        local_certificate=LocalCertificate(certificate, "0A", MOMENT),
        peer_certificate=PeerCertificate("CN=peer", "0B", MOMENT),
        resumed=False,
        since=MOMENT,
        last_used=MOMENT,
        messages_in=1,
        messages_out=2,
        bytes_in=3,
        bytes_out=4,
    )


class FakeBox:
    """Fulfils `Simulated` with a real clock and journal; the rest is what a test puts into it."""

    def __init__(self) -> None:
        self.clock: Clock = VirtualClock()
        self.events = Journal()
        self.live: list[Connection] = [connection(1), connection(2, "outbound", "NEW")]
        self.lacking: list[str] = []
        self.faults = Faults(self.events, 0)
        self.resets = 0
        self.kept: dict[str, Snapshot] = {}
        self.endless = False

    def header(self) -> Header:
        return Header("0.1", 0, "virtual", 0.0, self.clock.reading().calendar)

    def missing(self) -> Sequence[str]:
        return self.lacking

    def ready(self) -> Ready:
        local = Address("127.0.0.1", 10022)
        sip = SipListener("default", "ZONE1", 1, "tls", Address("127.0.0.1", 5061))
        return Ready(
            "0.1", 1, local, local, None, None, "http://127.0.0.1:1", "/opt/sonus/external", self.clock.now(), (sip,)
        )

    def status(self) -> Status:
        return Status(
            "0.1", 0, self.reading(), Counts(2, 1, 1, 1, 0, self.events.last, 0, len(self.calls())), self.ready()
        )

    def reading(self) -> ClockReading:
        return clock_reading(self.clock)

    def connections(self) -> Sequence[Connection]:
        return self.live

    def peers(self) -> Sequence[Peer]:
        return [Peer("PEER1", "default", "ZONE1", Address("203.0.113.5", 5061), True, "up", MOMENT, 3, 0, 2)]

    def certificates(self) -> Sequence[Certificate]:
        return [Certificate("OLD", "local", "enabled", "CN=sbc", "CN=ca", "0A", MOMENT, MOMENT, 90, ("TLS1",), (1,))]

    def calls(self) -> Sequence[Call]:
        legs = [CallLeg("default", f"ZONE{n}", f"TG{n}", "PEER1" if n == 2 else "", f"id{n}", n) for n in (1, 2)]
        return [
            Call(7, "stable", legs[0], legs[1], "100", "200", MOMENT),
            Call(8, "establishing", legs[0], None, "101", "201", MOMENT),
        ]

    def alarms(self) -> Alarms:
        alarm = Alarm(1, "sonusX", "Major", "text", "OLD", "raised", "manual", MOMENT, MOMENT, 1, False, "")
        return Alarms((alarm,), (alarm,))

    def port_counters(self) -> Sequence[PortCounts]:
        return [PortCounts("default", "ZONE1", 1, {"currentServerConnections": 2, "handshakeFailures": 7})]

    async def bounce_port(self, address_context: str, zone: str, sip_sig_port: int) -> Bounced:
        if not self.live:
            raise UserError("it is not in service")
        closed, self.live = tuple(each.id for each in self.live), []
        return Bounced(self.clock.now(), closed)

    def set_rate(self, rate: float) -> None:
        self.clock.set_rate(rate)

    async def move_clock(self, *, by: int | None = None, to: int | None = None) -> Advanced:
        if self.endless:
            await asyncio.Event().wait()
        start = self.clock.reading()
        distance = by if by is not None else (to or 0) - start.calendar
        now = self.clock.move_to(start.uptime + distance)
        self.events.add(now, Logout("admin", "127.0.0.1", "cli"))
        return Advanced(
            to_datetime(start.calendar),
            now.datetime(),
            now.uptime / 1e6,
            format_duration(distance),
            1,
            0,
            {"logout": 1},
            tuple(entry.to_json() for entry in self.events),
            0,
        )

    async def reset(self) -> None:
        self.resets += 1

    def snapshot(self, name: str = "snapshot") -> Snapshot:
        if not name:
            raise UserError('"" is no name for a snapshot')
        self.kept[name] = Snapshot(name, self.clock.now(), 0)
        return self.kept[name]

    def snapshots(self) -> Sequence[Snapshot]:
        return list(self.kept.values())

    async def restore(self, name: str = "snapshot") -> Snapshot:
        self.resets += 1
        return self._kept(name)

    def drop_snapshot(self, name: str | None = None) -> None:
        for each in list(self.kept) if name is None else [self._kept(name).name]:
            del self.kept[each]

    def _kept(self, name: str) -> Snapshot:
        if name not in self.kept:
            raise UserError(f'no snapshot "{name}"', tag="data-missing")
        return self.kept[name]

    async def close_connection(self, connection: int) -> bool:
        before = len(self.live)
        self.live = [each for each in self.live if each.id != connection]
        return len(self.live) < before
