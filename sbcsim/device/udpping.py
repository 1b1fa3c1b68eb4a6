"""Pings that go out over UDP: repeated until somebody answers, as nobody tells when a datagram is lost."""

from __future__ import annotations

from dataclasses import dataclass

from sbcsim.clock import Instant, Order
from sbcsim.sip.message import Request
from sbcsim.sip.transaction import sendings, timer_e

from .chassis import Chassis
from .connections import PeerKey
from .datagrams import DatagramPlane
from .effects import Endpoint, ListenerKey

RESEND = "resend"
"""The timer that repeats a ping, one for each peer."""


@dataclass(slots=True)
class UdpRequest:
    """A ping on its way. `sent` is how often it has gone out, `proceeding` that a provisional answer has come."""

    listener: ListenerKey
    remote: Endpoint
    request: Request
    data: bytes
    call_id: str
    branch: str
    sent: int = 1
    proceeding: bool = False


class UdpPings:
    """Sends pings, and sends them again by timer E of RFC 3261."""

    def __init__(self, chassis: Chassis, plane: DatagramPlane) -> None:
        self._chassis = chassis
        self._plane = plane

    def send(
        self, key: PeerKey, listener: ListenerKey, remote: Endpoint, request: Request, times: int, now: Instant
    ) -> UdpRequest:
        """Send a ping that stands for `times`."""
        sent = UdpRequest(listener, remote, request, request.to_bytes(), request.call_id, request.via.branch)
        self._plane.send(listener, remote, request, sent.data, now, times=times, call_id=sent.call_id)
        self._wait(key, sent, now)
        return sent

    def resend(self, key: PeerKey, sent: UdpRequest, now: Instant) -> bool:
        """Send a ping again, unless its port sends none at the moment: it drains, or is closed. Returns whether."""
        sent.sent += 1
        port = self._plane.port(sent.listener)
        sends = port is not None and port.sends
        if sends:
            self._plane.send(sent.listener, sent.remote, sent.request, sent.data, now, call_id=sent.call_id)
        self._wait(key, sent, now)
        return sends

    def make_up(self, sent: UdpRequest, limit: int, times: int, now: Instant) -> None:
        """Count the repetitions of `times` pings that a jump passed over and that nobody answered within `limit`."""
        repeated = (sendings(limit) - 1) * times
        if repeated:
            self._plane.count_sent(sent.listener, sent.remote, sent.request, sent.data, now, repeated)

    def stop(self, key: PeerKey) -> None:
        """Repeat the ping of a peer no more."""
        self._chassis.timetable.own.cancel((RESEND, key))

    def _wait(self, key: PeerKey, sent: UdpRequest, now: Instant) -> None:
        due = now.uptime + timer_e(sent.sent, proceeding=sent.proceeding)
        self._chassis.timetable.own.set((RESEND, key), due, Order.TIMEOUT)
