"""SIP over UDP: what leaves a sipSigPort in datagrams, and what is counted and noted of both directions."""

from __future__ import annotations

from collections.abc import Mapping

from sbcsim.addresses import format_endpoint
from sbcsim.clock import Instant
from sbcsim.events import SipMessage
from sbcsim.sip.message import Request, Response

from .chassis import Chassis
from .connections import PortKey
from .effects import Endpoint, ListenerKey, SendDatagram
from .listeners import Port


class DatagramPlane:
    """The datagrams of all sipSigPorts."""

    def __init__(self, chassis: Chassis, ports: Mapping[PortKey, Port]) -> None:
        self._chassis = chassis
        self._ports = ports

    def port(self, listener: ListenerKey) -> Port | None:
        """Return the port behind a socket, None where it does not listen there any more."""
        port = self._ports.get((listener.address_context, listener.zone, listener.sip_sig_port))
        return port if port is not None and listener in port.listeners else None

    def send(
        self,
        listener: ListenerKey,
        remote: Endpoint,
        message: Request | Response,
        data: bytes,
        now: Instant,
        *,
        times: int = 1,
        call_id: str = "",
        answers: bool = False,
    ) -> None:
        """Send a message that stands for `times`, or `answers` somebody who has asked from there.

        `call_id` is that of a ping, which has failed if this does.
        """
        self.count_sent(listener, remote, message, data, now, times)
        self._chassis.effect(SendDatagram(listener, remote, data, call_id, answers))

    def count_sent(
        self,
        listener: ListenerKey,
        remote: Endpoint,
        message: Request | Response,
        data: bytes,
        now: Instant,
        times: int,
    ) -> None:
        """Count and note a message that goes out, or would have gone out in the time that a jump passed over."""
        port = self.port(listener)
        if port is not None:
            port.counters.port.add("txPdus", times)
            port.counters.port.add("txBytes", len(data) * times)
        self._note("out", remote, message, len(data), now, times)

    def count_received(
        self, port: Port, remote: Endpoint, message: Request | Response, size: int, now: Instant, times: int = 1
    ) -> None:
        """Count and note a message that came in."""
        port.counters.port.add("rxPdus", times)
        port.counters.port.add("rxBytes", size * times)
        self._note("in", remote, message, size, now, times)

    def _note(
        self, direction: str, remote: Endpoint, message: Request | Response, size: int, now: Instant, times: int
    ) -> None:
        call_id = message.headers.get("Call-ID") or ""
        at = format_endpoint(remote)
        self._chassis.emit(now, SipMessage(0, direction, message.summary, call_id, size, times, at))
