"""SIP on a connection: what comes in, what is answered on the same connection, what belongs to a path check."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from sbcsim.clock import Instant
from sbcsim.events import LogEvent, SipMessage, SipRefused
from sbcsim.sip import options
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response
from sbcsim.sip.stream import PONG_OCTETS, KeepAlive

from . import faultyanswers, signallingpoints
from .chassis import Chassis
from .connectionplane import ConnectionPlane
from .connections import ConnectionRecord, ConnectionState, PortKey
from .faultyanswers import LateAnswers
from .listeners import Port, PortState
from .pathcheck import PathChecks
from .peerdirectory import PeerDirectory


class Signalling:
    """The SIP side of every established connection."""

    def __init__(
        self,
        chassis: Chassis,
        plane: ConnectionPlane,
        paths: PathChecks,
        ports: Mapping[PortKey, Port],
        directory: PeerDirectory,
        late: LateAnswers,
    ) -> None:
        self._chassis = chassis
        self._plane = plane
        self._paths = paths
        self._ports = ports
        self._directory = directory
        self._late = late

    def received(self, record: ConnectionRecord, data: bytes, now: Instant) -> None:
        """Take octets from an established connection."""
        items = record.stream.feed(data)
        pdus = 0
        times = 1
        for item in items:
            if self._plane.table.get(record.id) is not record:
                break  # an earlier message ended the connection
            match item:
                case KeepAlive.PING:
                    self._plane.send(record, PONG_OCTETS, now, pdus=0)
                case KeepAlive.PONG:
                    continue
                case Request():
                    pdus += 1
                    self._request(record, item, now)
                case Response():
                    pdus += 1
                    times = max(times, self._response(record, item, now))
                case SipError():
                    self._refuse(record, item, now)
        self._plane.count_received(record, len(data), pdus, now, times)

    def _request(self, record: ConnectionRecord, request: Request, now: Instant) -> None:
        self._note(record, "in", request, len(request.to_bytes()), now)
        if record.state is ConnectionState.WAITING_SIP_AUTH and not self._authenticate(record, request, now):
            return
        try:
            response = options.answer(request, source=record.remote, to_tag=self._chassis.token(8))
            if response is not None and (
                turned_away(self._ports[record.port], request) or self._replacing(record, request)
            ):
                response = self._respond(record, request, 503)
        except SipError as error:
            self._refuse(record, error, now)
            return
        faults = self._chassis.faults
        if response is not None:
            response = faultyanswers.answered(
                faults, request, response, lambda status: self._respond(record, request, status), now
            )
        if response is None:
            return
        if faults.any and faults.fires(signallingpoints.CLOSE, request.method, now) is not None:
            self._plane.close(record, "closed in place of an answer", now)
            return
        self._late.send(request, partial(self._answer, record, request, response), now)

    def _answer(self, record: ConnectionRecord, request: Request, response: Response, now: Instant) -> None:
        if self._plane.table.get(record.id) is not record:
            return  # it has ended before its time came
        for _ in range(faultyanswers.copies(self._chassis.faults, request, now)):
            self._send(record, response, now, request)

    def _replacing(self, record: ConnectionRecord, request: Request) -> bool:
        """Whether a new call comes while the certificate of the connection's profile is being replaced."""
        new = request.method == "INVITE" and not request.recipient.tag
        return new and self._plane.replacements.under_way(record.tls_profile)

    def _authenticate(self, record: ConnectionRecord, request: Request, now: Instant) -> bool:
        """Whether the far end is a peer of the zone; a request from anybody else is turned down or dropped."""
        if self._directory.behind(record):
            self._plane.authenticated(record)
            return True
        counters = self._ports[record.port].counters.tls
        if request.method == "INVITE":
            counters.add("noAuth488")
            self._send(record, self._respond(record, request, 488), now)
        else:
            counters.add("noAuthDrops")
            self._chassis.emit(
                now, SipRefused(record.id, f"{request.method} before authentication", answered=0, closed=False)
            )
        return False

    def _response(self, record: ConnectionRecord, response: Response, now: Instant) -> int:
        try:
            response.check()
            call_id = response.call_id
        except SipError as error:
            self._refuse(record, error, now)
            return 1
        times = self._paths.answered(record, call_id, response.status, now) if response.final else 1
        self._note(record, "in", response, len(response.to_bytes()), now, max(times, 1))
        return max(times, 1)

    def _refuse(self, record: ConnectionRecord, error: SipError, now: Instant) -> None:
        response = options.refuse(error, source=record.remote, to_tag=self._chassis.token(8))
        if response is not None:
            self._send(record, response, now)
        self._ports[record.port].counters.tls.add("receiveFailures")
        where = f" in {error.header}" if error.header else ""
        self._chassis.emit(
            now,
            SipRefused(
                record.id, f"{error.reason}{where}", answered=response.status if response else 0, closed=error.fatal
            ),
        )
        text = f"*Sip: connection {record.id}: {error.reason}{where}"
        self._chassis.emit(now, LogEvent("DBG", "minor", text))
        if error.fatal:
            self._plane.close(record, f"not SIP: {error.reason}", now)

    def _respond(self, record: ConnectionRecord, request: Request, status: int) -> Response:
        return options.respond(request, status, source=record.remote, to_tag=self._chassis.token(8))

    def _send(self, record: ConnectionRecord, response: Response, now: Instant, request: Request | None = None) -> None:
        faults, waiting = self._chassis.faults, record.waiting
        pieces: tuple[bytes, ...] = (response.to_bytes(),)
        size = len(pieces[0])
        if request is not None and faults.any:
            data = faultyanswers.written(faults, request, response, now)
            if waiting is None and faultyanswers.waits(faults, request, now):
                record.waiting = response, data
                return
            pieces, size = faultyanswers.pieces(faults, request, data, now), len(data)
        if waiting is not None:
            record.waiting = None
            pieces = (waiting[1] + pieces[0], *pieces[1:])
            self._note_answer(record, waiting[0], len(waiting[1]), now)
        for number, piece in enumerate(pieces):
            self._plane.send(record, piece, now, pdus=(1 + int(waiting is not None)) * int(number == 0))
        self._note_answer(record, response, size, now)

    def _note_answer(self, record: ConnectionRecord, response: Response, size: int, now: Instant) -> None:
        self._ports[record.port].counters.answered(response.status)
        self._note(record, "out", response, size, now)

    def _note(
        self,
        record: ConnectionRecord,
        direction: str,
        message: Request | Response,
        size: int,
        now: Instant,
        times: int = 1,
    ) -> None:
        call_id = message.headers.get("Call-ID") or ""
        self._chassis.emit(now, SipMessage(record.id, direction, message.summary, call_id, size, times))


def turned_away(port: Port, request: Request) -> bool:
    """Whether a port that drains takes no such request any more; what belongs to a dialog goes on."""
    return port.state is PortState.DRAINING and request.method != "CANCEL" and not request.recipient.tag
