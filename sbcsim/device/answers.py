"""SIP messages as they are written to a connection or into a datagram: counted, noted, and met by faults if answers."""

from __future__ import annotations

from collections.abc import Mapping

from sbcsim.clock import Instant
from sbcsim.events import SipMessage
from sbcsim.sip.message import Message, Response

from . import faultyanswers
from .chassis import Chassis
from .connectionplane import ConnectionPlane
from .connections import ConnectionRecord, PortKey
from .datagrams import DatagramPlane
from .effects import Endpoint, ListenerKey
from .listeners import Port


class Answers:
    """Writes what the box says in SIP."""

    def __init__(
        self, chassis: Chassis, plane: ConnectionPlane, datagrams: DatagramPlane, ports: Mapping[PortKey, Port]
    ) -> None:
        self._chassis = chassis
        self._plane = plane
        self._datagrams = datagrams
        self._ports = ports

    def send(self, record: ConnectionRecord, message: Message, now: Instant, *, faulty: bool = True) -> None:
        """Write a message to a connection; an answer may be spoiled, or doubled, unless it is not `faulty`."""
        faults = self._chassis.faults
        if not isinstance(message, Response):
            data = message.to_bytes()
            self._plane.send(record, data, now)
            self.note(record, "out", message, len(data), now)
            return
        if not (faulty and faults.any):
            self._write(record, message, (message.to_bytes(),), now)
            return
        method = message.cseq.method
        for _ in range(faultyanswers.copies(faults, method, now)):
            data = faultyanswers.written(faults, method, message, now)
            if record.waiting is None and faultyanswers.waits(faults, method, now):
                record.waiting = message, data
                continue
            self._write(record, message, faultyanswers.pieces(faults, method, data, now), now)

    def send_datagram(
        self,
        listener: ListenerKey,
        remote: Endpoint,
        response: Response,
        now: Instant,
        *,
        answers: bool,
        faulty: bool = True,
    ) -> bool:
        """Send an answer in a datagram, as above; False where the socket is closed. `answers` as in `SendDatagram`."""
        port = self._datagrams.port(listener)
        if port is None:
            return False
        faults = self._chassis.faults
        faulty = faulty and faults.any
        method = response.cseq.method if faulty else ""
        for _ in range(faultyanswers.copies(faults, method, now) if faulty else 1):
            data = faultyanswers.written(faults, method, response, now) if faulty else response.to_bytes()
            port.counters.answered(response.status)
            self._datagrams.send(listener, remote, response, data, now, answers=answers)
        return True

    def note(
        self, record: ConnectionRecord, direction: str, message: Message, size: int, now: Instant, times: int = 1
    ) -> None:
        """Note a message on a connection in the journal."""
        call_id = message.headers.get("Call-ID") or ""
        self._chassis.emit(now, SipMessage(record.id, direction, message.summary, call_id, size, times))

    def _write(self, record: ConnectionRecord, response: Response, pieces: tuple[bytes, ...], now: Instant) -> None:
        size, waiting = sum(map(len, pieces)), record.waiting
        if waiting is not None:
            record.waiting = None
            pieces = (waiting[1] + pieces[0], *pieces[1:])
            self._note_answer(record, waiting[0], len(waiting[1]), now)
        for number, piece in enumerate(pieces):
            self._plane.send(record, piece, now, pdus=(1 + int(waiting is not None)) * int(number == 0))
        self._note_answer(record, response, size, now)

    def _note_answer(self, record: ConnectionRecord, response: Response, size: int, now: Instant) -> None:
        self._ports[record.port].counters.answered(response.status)
        self.note(record, "out", response, size, now)
