"""Requests outside of dialogs that the box passes on: MESSAGE, PUBLISH, methods that nobody here knows, and REGISTER.

They take the ways of calls, and the next one where a way out is of no use. What makes a dialog of another kind than a
call (SUBSCRIBE, REFER) does not pass. REGISTER passes from zones of access devices only, and OPTIONS to or from their
endpoints: any other OPTIONS is for the box itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sbcsim.clock import Instant
from sbcsim.sip import relay, uri
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response
from sbcsim.sip.transactions import client_key
from sbcsim.sip.transactionstate import Deliver, Failed, Flow, Key, Why
from sbcsim.sip.via import forwarded

from .admission import Refusal
from .connections import PortKey
from .sipflows import Local, Place
from .standingcall import Side
from .switchboard import Switchboard
from .trunkgroup import TrunkGroupKey
from .waysout import Hop, WayOut

_NOT_PASSED = frozenset({"SUBSCRIBE", "REFER", "NOTIFY", "UPDATE", "INFO", "PRACK", "BYE"})
"""Methods that belong into a dialog, or would make one."""

_ALLOW = "INVITE, ACK, CANCEL, OPTIONS, MESSAGE, PUBLISH"
"""What may be asked outside of dialogs everywhere: REFER and others stand in the Allow of an OPTIONS beside these."""

_UNAVAILABLE = 503


@dataclass(slots=True, eq=False)
class Errand:
    """One request that is passed on. `failure` is the answer where no way out is left."""

    request: Request
    flow: Flow
    server: Key
    origin: Place
    trunk_group: TrunkGroupKey
    hops: list[Hop]
    forwards: int
    failure: int = _UNAVAILABLE


class OutsideRequests:
    """All requests outside of dialogs that are under way."""

    def __init__(self, board: Switchboard) -> None:
        self._board = board
        self._by_client: dict[Key, Errand] = {}

    @property
    def footprint(self) -> int:
        """How many things are remembered."""
        return len(self._by_client)

    def passes(self, options: Request, port: PortKey, now: Instant) -> bool:
        """Whether an OPTIONS is for somebody else: from an access zone to a user, or to an endpoint registered here."""
        user = relay.user_of(options.uri)
        return bool(user) and (self._access(port) or self._board.registrations.find(user, now) is not None)

    def begin(self, arrived: Deliver, now: Instant) -> None:
        """Take a request outside of dialogs that is no INVITE."""
        request, flow, key = arrived.message, arrived.flow, arrived.key
        assert isinstance(request, Request)
        assert key is not None
        local = flow.local
        assert isinstance(local, Local)
        registers = request.method == "REGISTER"
        if request.method in _NOT_PASSED or (registers and not self._access(local.port)):
            self._board.answer(key, request, flow, 405, now, extra=[("Allow", _ALLOW)])
            return
        ingress = self._board.admission.ingress(local.port, flow.remote[0])
        if isinstance(ingress, Refusal):
            self._board.answer(key, request, flow, ingress.status, now)
            return
        try:
            left = forwarded(request).max_forwards
            hops = list(self._board.ways.of(request, ingress.trunk_group, now))
            if registers:
                self._board.registrations.check(request)
        except SipError as error:
            self._board.answer(key, request, flow, error.status, now)
            return
        group = ingress.trunk_group
        origin = Place(replace(local, trunk_group=group), flow.remote, ingress.peer, flow.connection)
        if registers:
            self._board.count(origin, "inRegs")
        self._next(Errand(request, flow, key, origin, group, hops, left or 0, _UNAVAILABLE if hops else 404), now)

    def answered(self, client: Key, response: Response, now: Instant) -> None:
        """Pass an answer back."""
        errand = self._by_client.get(client)
        if errand is None or not response.final:
            return
        if response.status == _UNAVAILABLE and errand.hops:
            self._next(errand, now)
            return
        extra = relay.passed(response)
        if errand.request.method == "REGISTER":
            try:
                contacts = self._board.registrations.answered(
                    errand.request, response, errand.origin, errand.trunk_group, now
                )
            except SipError as error:
                self._board.log(f"answer to REGISTER refused: {error.reason} in {error.header}", now)
                self._refuse(errand, 502, now)
                return
            extra = (*contacts, *extra)
        self._board.answer(
            errand.server,
            errand.request,
            errand.flow,
            response.status,
            now,
            reason=response.reason,
            tag=response.recipient.tag,
            extra=extra,
            body=response.body,
            fallback=errand.origin,
        )

    def failed(self, failed: Failed, now: Instant) -> None:
        """Nobody has answered, or it could not be sent."""
        errand = self._by_client.get(failed.key)
        if errand is not None:
            errand.failure = 408 if failed.why is Why.TIMED_OUT else _UNAVAILABLE
            self._next(errand, now)

    def over(self, key: Key) -> None:
        """A transaction is over."""
        self._by_client.pop(key, None)

    def clear(self) -> None:
        """Forget every request."""
        self._by_client.clear()

    def _access(self, port: PortKey) -> bool:
        context, zone = port[:2]
        path = ("addressContext", context, "zone", zone, "remoteDeviceType")
        return self._board.chassis.tree.value(path) == "accessDevice"

    def _next(self, errand: Errand, now: Instant) -> None:
        way = self._board.ways.first(errand.hops, errand.request, errand.request.method, now)
        if way is not None:
            self._send(errand, way, now)
            return
        self._refuse(errand, errand.failure, now)

    def _refuse(self, errand: Errand, status: int, now: Instant) -> None:
        self._board.answer(errand.server, errand.request, errand.flow, status, now, fallback=errand.origin)

    def _send(self, errand: Errand, way: WayOut, now: Instant) -> None:
        board, request = self._board, errand.request
        side = Side(way.place, way.trunk_group, "", relay.user_of(request.sender.uri), secure=uri.secure(way.target))
        registers = request.method == "REGISTER"
        sent = relay.begun(
            request,
            board.via(way.place),
            target=way.target,
            call_id=board.chassis.token(),
            tag=board.chassis.token(8),
            forwards=errand.forwards,
            contact=board.contact(side) if "Contact" in request.headers and not registers else "",
        )
        if registers:
            sent = board.registrations.masked(request, sent, way.place)
            board.count(way.place, "outRegs")
        self._by_client[client_key(sent)] = errand
        board.stack.request(sent, way.flow, now)
