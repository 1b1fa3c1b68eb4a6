"""Pings that go out over UDP: repeated until somebody answers, as nobody tells when a datagram is lost."""

from __future__ import annotations

from dataclasses import dataclass

from sbcsim.clock import Instant, Order
from sbcsim.sip import options
from sbcsim.sip.message import Request
from sbcsim.sip.transaction import sendings, timer_e

from .chassis import Chassis
from .connections import PeerKey
from .datagrams import DatagramPlane
from .effects import Endpoint, ListenerKey, Transport
from .listeners import Port
from .objects import IpPeer

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

    def send(self, peer: IpPeer, port: Port, remote: Endpoint, call_id: str, times: int, now: Instant) -> UdpRequest:
        """Send a ping that stands for `times`."""
        listener = port.config.listener_towards(remote, Transport.UDP)
        branch = self._chassis.token()
        request = options.ping(
            remote,
            listener.address,
            "UDP",
            call_id=call_id,
            branch=branch,
            tag=self._chassis.token(8),
            cseq=1,
            describe=peer.status_update,
        )
        sent = UdpRequest(listener, remote, request, request.to_bytes(), call_id, f"{options.BRANCH_COOKIE}{branch}")
        self._plane.send(listener, remote, request, sent.data, now, times=times, call_id=call_id)
        self._wait(peer.key, sent, now)
        return sent

    def resend(self, key: PeerKey, sent: UdpRequest, now: Instant) -> None:
        """Send a ping again; a socket that is closed for the moment is passed over."""
        sent.sent += 1
        if self._plane.port(sent.listener) is not None:
            self._plane.send(sent.listener, sent.remote, sent.request, sent.data, now, call_id=sent.call_id)
        self._wait(key, sent, now)

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
