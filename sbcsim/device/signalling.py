"""SIP on a connection: what comes in, what is answered on the same connection, what belongs to a path check."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from sbcsim.clock import Instant
from sbcsim.events import LogEvent, SipRefused
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
from .telephony import Telephony


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
        telephony: Telephony,
    ) -> None:
        self._chassis = chassis
        self._plane = plane
        self._paths = paths
        self._ports = ports
        self._directory = directory
        self._late = late
        self._answers = telephony.answers
        self._calls = telephony.calls
        self._flows = telephony.flows

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
        self._answers.note(record, "in", request, len(request.to_bytes()), now)
        if record.state is ConnectionState.WAITING_SIP_AUTH and not self._authenticate(record, request, now):
            return
        try:
            response = self._considered(record, request, now)
        except SipError as error:
            error.request = request
            self._refuse(record, error, now)
            return
        faults = self._chassis.faults
        if faults.any and request.method != "ACK":
            status = faultyanswers.wanted(faults, request.method, now)
            if status == faultyanswers.SILENT:
                return
            if status is not None:
                response = self._respond(record, request, status)
            if faults.fires(signallingpoints.CLOSE, request.method, now) is not None:
                self._plane.close(record, "closed in place of an answer", now)
                return
        if response is None:
            self._late.send(request, partial(self._pass_on, record, request), now)
        else:
            self._late.send(request, partial(self._answer, record, response), now)

    def _considered(self, record: ConnectionRecord, request: Request, now: Instant) -> Response | None:
        """Return what is answered outside of calls, None for what belongs to one; raises SipError."""
        if is_ping(request) and not self._calls.passes(request, record.port, now):
            response = options.answer(request, source=record.remote, to_tag=self._chassis.token(8))
        else:
            request.check()
            response = None
        return self._respond(record, request, 503) if turned_away(self._ports[record.port], request) else response

    def _pass_on(self, record: ConnectionRecord, request: Request, now: Instant) -> None:
        """Hand a request to the calls."""
        if self._plane.table.get(record.id) is not record:
            return  # it has ended before its time came
        try:
            self._calls.receive(request, self._flows.of_connection(record), now)
        except SipError as error:
            error.request = request
            self._refuse(record, error, now)

    def _answer(self, record: ConnectionRecord, response: Response, now: Instant) -> None:
        if self._plane.table.get(record.id) is record:
            self._answers.send(record, response, now)

    def _authenticate(self, record: ConnectionRecord, request: Request, now: Instant) -> bool:
        """Whether the far end is a peer of the zone; a request from anybody else is turned down or dropped."""
        if self._directory.behind(record):
            self._plane.authenticated(record)
            return True
        counters = self._ports[record.port].counters.tls
        if request.method == "INVITE":
            counters.add("noAuth488")
            self._answers.send(record, self._respond(record, request, 488), now, faulty=False)
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
        times = self._paths.answered(record, call_id, response.status, now) if response.final else 0
        self._answers.note(record, "in", response, len(response.to_bytes()), now, max(times, 1))
        if not times:
            self._calls.receive(response, self._flows.of_connection(record), now)
        return max(times, 1)

    def _refuse(self, record: ConnectionRecord, error: SipError, now: Instant) -> None:
        response = options.refuse(error, source=record.remote, to_tag=self._chassis.token(8))
        if response is not None:
            self._answers.send(record, response, now, faulty=False)
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


def is_ping(request: Request) -> bool:
    """Whether a request only asks whether somebody is there: the box itself, unless it is addressed to a user."""
    return request.method == "OPTIONS" and not request.recipient.tag


def turned_away(port: Port, request: Request) -> bool:
    """Whether a port that drains takes no such request any more; what belongs to a dialog goes on.

    Calls are turned away where it is known which INVITE has come before.
    """
    within = request.method in {"INVITE", "ACK", "CANCEL"} or request.recipient.tag
    return port.state is PortState.DRAINING and not within
