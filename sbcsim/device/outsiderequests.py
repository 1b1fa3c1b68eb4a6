"""Requests outside of dialogs that the box passes on as they are: MESSAGE, PUBLISH, and methods that nobody here knows.

They take the routes of calls, and the next one where a way out is of no use. What makes a dialog of another kind than a
call (SUBSCRIBE, REFER) does not pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sbcsim.clock import Instant
from sbcsim.sip import relay
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response
from sbcsim.sip.options import ALLOW
from sbcsim.sip.transactions import client_key
from sbcsim.sip.transactionstate import Deliver, Failed, Flow, Key, Why
from sbcsim.sip.via import forwarded

from .admission import Refusal
from .callrouting import NextHop, routes
from .sipflows import Local, Place, Unreachable
from .standingcall import Side
from .switchboard import Switchboard

_NOT_PASSED = frozenset({"SUBSCRIBE", "REFER", "NOTIFY", "UPDATE", "INFO", "PRACK", "BYE", "REGISTER"})
"""Methods that belong into a dialog, or would make one."""

_UNAVAILABLE = 503


@dataclass(slots=True, eq=False)
class Errand:
    """One request that is passed on. `failure` is the answer where no way out is left."""

    request: Request
    flow: Flow
    server: Key
    origin: Place
    hops: list[NextHop]
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

    def begin(self, arrived: Deliver, now: Instant) -> None:
        """Take a request outside of dialogs that is no INVITE."""
        request, flow, key = arrived.message, arrived.flow, arrived.key
        assert isinstance(request, Request)
        assert key is not None
        local = flow.local
        assert isinstance(local, Local)
        if request.method in _NOT_PASSED:
            self._board.answer(key, request, flow, 405, now, extra=[("Allow", ALLOW)])
            return
        ingress = self._board.admission.ingress(local.port, flow.remote[0])
        if isinstance(ingress, Refusal):
            self._board.answer(key, request, flow, ingress.status, now)
            return
        called, calling = relay.user_of(request.uri), relay.user_of(request.sender.uri)
        try:
            left = forwarded(request).max_forwards
        except SipError as error:
            self._board.answer(key, request, flow, error.status, now)
            return
        hops = list(routes(self._board.chassis.tree, ingress.trunk_group[2], called, calling))
        origin = Place(replace(local, trunk_group=ingress.trunk_group), flow.remote, ingress.peer, flow.connection)
        errand = Errand(request, flow, key, origin, hops, left or 0, _UNAVAILABLE if hops else 404)
        self._next(errand, now)

    def answered(self, client: Key, response: Response, now: Instant) -> None:
        """Pass an answer back."""
        errand = self._by_client.get(client)
        if errand is None or response.status == 100:
            return
        if response.status == _UNAVAILABLE and errand.hops:
            self._next(errand, now)
            return
        self._board.answer(
            errand.server,
            errand.request,
            errand.flow,
            response.status,
            now,
            reason=response.reason,
            tag=response.recipient.tag,
            extra=relay.passed(response),
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

    def _next(self, errand: Errand, now: Instant) -> None:
        board = self._board
        while errand.hops:
            hop = errand.hops.pop(0)
            if board.admission.egress(hop) is not None:
                continue
            place = board.flows.of_peer(hop.peer, hop.trunk_group)
            flow = place if isinstance(place, Unreachable) else board.flows.open(place, "", now)
            if isinstance(place, Unreachable) or isinstance(flow, Unreachable):
                continue
            self._send(errand, place, flow, now)
            return
        board.answer(errand.server, errand.request, errand.flow, errand.failure, now, fallback=errand.origin)

    def _send(self, errand: Errand, place: Place, flow: Flow, now: Instant) -> None:
        board, request = self._board, errand.request
        assert place.local.trunk_group is not None
        user = relay.user_of(request.sender.uri)
        side = Side(place, place.local.trunk_group, "", user)
        sent = relay.begun(
            request,
            board.via(place),
            target=relay.readdressed(request.uri, *place.remote),
            call_id=board.chassis.token(),
            tag=board.chassis.token(8),
            forwards=errand.forwards,
            contact=board.contact(side) if "Contact" in request.headers else "",
        )
        self._by_client[client_key(sent)] = errand
        board.stack.request(sent, flow, now)
