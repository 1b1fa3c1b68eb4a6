"""SIP that comes in datagrams: requests of anybody are answered, responses belong to a path check or to nothing."""

from __future__ import annotations

from functools import partial

from sbcsim.addresses import format_endpoint
from sbcsim.clock import Instant
from sbcsim.events import LogEvent, SipRefused
from sbcsim.sip import datagram, options, transaction
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response

from . import faultyanswers
from .chassis import Chassis
from .datagrams import DatagramPlane
from .effects import Endpoint, ListenerKey
from .faultyanswers import LateAnswers
from .listeners import Port
from .pathcheck import PathChecks
from .signalling import is_ping, turned_away
from .telephony import Telephony


class DatagramSignalling:
    """The SIP side of every socket for datagrams."""

    def __init__(
        self,
        chassis: Chassis,
        plane: DatagramPlane,
        paths: PathChecks,
        late: LateAnswers,
        telephony: Telephony,
    ) -> None:
        self._chassis = chassis
        self._plane = plane
        self._paths = paths
        self._late = late
        self._answers = telephony.answers
        self._calls = telephony.calls
        self._flows = telephony.flows

    def received(self, listener: ListenerKey, remote: Endpoint, data: bytes, now: Instant) -> None:
        """Take one datagram."""
        port = self._plane.port(listener)
        if port is None:
            return
        match datagram.read(data):
            case Request() as request:
                self._plane.count_received(port, remote, request, len(data), now)
                self._request(port, listener, remote, request, now)
            case Response() as response:
                self._response(port, listener, remote, response, len(data), now)
            case SipError() as error:
                port.counters.port.add("rxPdus")
                port.counters.port.add("rxBytes", len(data))
                self._refuse(listener, remote, error, now)
            case None:
                port.counters.port.add("rxBytes", len(data))

    def _request(self, port: Port, listener: ListenerKey, remote: Endpoint, request: Request, now: Instant) -> None:
        try:
            response = self._considered(port, remote, request, now)
        except SipError as error:
            error.request = request
            self._refuse(listener, remote, error, now)
            return
        faults = self._chassis.faults
        if faults.any and request.method != "ACK":
            status = faultyanswers.wanted(faults, request.method, now)
            if status == faultyanswers.SILENT:
                return
            if status is not None:
                response = self._respond(remote, request, status)
        if response is None:
            self._late.send(request, partial(self._pass_on, port, listener, remote, request), now)
        else:
            self._late.send(request, partial(self._answer, port, listener, remote, response), now)

    def _considered(self, port: Port, remote: Endpoint, request: Request, now: Instant) -> Response | None:
        """Return what is answered outside of calls, None for what belongs to one; raises SipError."""
        if is_ping(request) and not self._calls.passes(request, port.config.key, now):
            response = options.answer(request, source=remote, to_tag=self._tag(request))
        else:
            request.check()
            response = None
        if turned_away(port, request) and not self._calls.knows(request):
            return self._respond(remote, request, 503)
        return response

    def _respond(self, remote: Endpoint, request: Request, status: int) -> Response:
        return options.respond(request, status, source=remote, to_tag=self._tag(request))

    def _pass_on(self, port: Port, listener: ListenerKey, remote: Endpoint, request: Request, now: Instant) -> None:
        """Hand a request to the calls."""
        if self._plane.port(listener) is not port:
            return  # it has gone out of service before its time came
        try:
            self._calls.receive(request, self._flows.of_datagram(listener, remote), now)
        except SipError as error:
            error.request = request
            self._refuse(listener, remote, error, now)

    def _answer(self, port: Port, listener: ListenerKey, remote: Endpoint, response: Response, now: Instant) -> None:
        if self._plane.port(listener) is port:  # it may have gone out of service before the time of the answer came
            self._send(listener, remote, response, now)

    def _response(
        self, port: Port, listener: ListenerKey, remote: Endpoint, response: Response, size: int, now: Instant
    ) -> None:
        try:
            response.check()
        except SipError as error:
            self._plane.count_received(port, remote, response, size, now)
            self._refuse(listener, remote, error, now)
            return
        times = self._paths.datagram_answered(listener, remote, response, now)
        self._plane.count_received(port, remote, response, size, now, max(times, 1))
        if not times:
            self._calls.receive(response, self._flows.of_datagram(listener, remote), now)

    def _refuse(self, listener: ListenerKey, remote: Endpoint, error: SipError, now: Instant) -> None:
        tag = "" if error.request is None else self._tag(error.request)
        response = options.refuse(error, source=remote, to_tag=tag)
        if response is not None:
            self._send(listener, remote, response, now, faulty=False)
        where = f" in {error.header}" if error.header else ""
        status = response.status if response else 0
        reason = f"{error.reason}{where}"
        self._chassis.emit(now, SipRefused(0, reason, answered=status, closed=False, remote=format_endpoint(remote)))
        self._chassis.emit(now, LogEvent("DBG", "minor", f"*Sip: datagram from {format_endpoint(remote)}: {reason}"))

    def _send(
        self, listener: ListenerKey, remote: Endpoint, response: Response, now: Instant, *, faulty: bool = True
    ) -> None:
        try:
            target = transaction.reply_to(response, remote)
        except SipError:
            target = remote  # who cannot say where to answer is answered where the request came from
        # Elsewhere than where the request came from, an answer is a message like any other.
        answers = target[0] == remote[0]
        self._answers.send_datagram(listener, target, response, now, answers=answers, faulty=faulty)

    def _tag(self, request: Request) -> str:
        return transaction.stateless_tag(request, str(self._chassis.settings.seed))
