"""Calls being set up: an INVITE comes in by one trunk group, is routed, and goes out by another until somebody answers.

A way out that is out of service, down, unreachable, silent, or that answers 503, is left for the next route. The caller
hears what the last one said, and 503 where none was left to be asked.
"""

from __future__ import annotations

from dataclasses import replace

from sbcsim.addresses import format_endpoint
from sbcsim.callevents import CallRefused
from sbcsim.clock import Instant
from sbcsim.sip import relay, session, uri
from sbcsim.sip.dialog import Dialog
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response, printable
from sbcsim.sip.options import reason_phrase
from sbcsim.sip.reliability import Unacknowledged
from sbcsim.sip.route import learned, towards
from sbcsim.sip.transactions import client_key
from sbcsim.sip.transactionstate import Deliver, Failed, Key, Why
from sbcsim.sip.via import forwarded

from .admission import Refusal
from .awaitedacks import AwaitedAck, AwaitedAcks
from .callbook import CallBook
from .callexchanges import CallExchanges
from .sipflows import Local, Place, Unreachable
from .standingcall import Attempt, Pair, Side, Stage, StandingCall, Turn
from .switchboard import Switchboard
from .waysout import WayOut

_UNAVAILABLE = 503


class CallSetup:
    """Sets calls up."""

    def __init__(self, board: Switchboard, book: CallBook, acks: AwaitedAcks, exchanges: CallExchanges) -> None:
        self._board = board
        self._book = book
        self._acks = acks
        self._exchanges = exchanges

    def begin(self, arrived: Deliver, now: Instant) -> None:
        """Take an INVITE outside of dialogs."""
        key, flow, invite = arrived.key, arrived.flow, arrived.message
        assert key is not None
        assert isinstance(invite, Request)
        local = flow.local
        assert isinstance(local, Local)
        closed = self._board.flows.closed(flow)
        if closed:
            self._turn_away(arrived, Refusal(_UNAVAILABLE, closed), now)
            return
        ingress = self._board.admission.ingress(local.port, flow.remote[0])
        if isinstance(ingress, Refusal):
            self._turn_away(arrived, ingress, now)
            return
        calling, called = relay.user_of(invite.sender.uri), relay.user_of(invite.uri)
        try:
            left = forwarded(invite).max_forwards
            hops = list(self._board.ways.of(invite, ingress.trunk_group, now))
            callable_back(invite)
            secure = relay.wants_secure(invite)
        except SipError as error:
            self._turn_away(arrived, Refusal(error.status, error.reason), now)
            return
        if not hops:
            self._turn_away(arrived, Refusal(404, f"no route for {called or invite.uri}"), now)
            return
        place = Place(replace(local, trunk_group=ingress.trunk_group), flow.remote, ingress.peer, flow.connection)
        if ingress.peer is None:
            place = self._board.registrations.known(invite, place)
        side = Side(place, ingress.trunk_group, invite.call_id, called, flow.connection, secure)
        call = StandingCall(
            id=self._book.take_number(),
            invite=invite,
            flow=flow,
            server=key,
            ingress=side,
            hops=hops,
            tag=self._board.chassis.token(8),
            forwards=left or 0,
            since=now,
            calling=calling,
            called=called,
        )
        self._book.start(call, now)
        self._board.answer(key, invite, flow, 100, now, fallback=place)
        self._next(call, now)

    def answered(self, attempt: Attempt, response: Response, now: Instant) -> None:
        """Take a response to an INVITE of ours."""
        call = attempt.call
        if response.status == 100:
            return
        current = call.attempt is attempt
        if not current or call.stage is not Stage.ESTABLISHING:
            self._late(attempt, response, now)
        elif response.status < 300:
            self._reached(attempt, response, now)
        elif response.status == _UNAVAILABLE and call.hops:
            call.failure = response.status
            self._next(call, now)
        else:
            self._refused(call, response, now)

    def failed(self, attempt: Attempt, failed: Failed, now: Instant) -> None:
        """Nobody has answered an INVITE of ours, or it could not be sent."""
        call = attempt.call
        if call.stage is Stage.ESTABLISHING and call.attempt is attempt:
            call.failure = 408 if failed.why is Why.TIMED_OUT else _UNAVAILABLE
            self._next(call, now)

    def unheard(self, call: StandingCall, now: Instant) -> None:
        """The caller can be told nothing any more: his connection is gone, and he cannot be called back."""
        place = call.ingress.place
        if place.peer is not None or not isinstance(self._board.flows.open(place, "", now, dial=False), Unreachable):
            return
        if call.stage is Stage.ESTABLISHING:
            self.cancel(call, "local", "caller unreachable", 0, now)
            self._tell(call, _UNAVAILABLE, now)  # only that ends the transaction of his INVITE

    def cancelled(self, call: StandingCall, cancel: Request, now: Instant) -> None:
        """The caller has cancelled his INVITE."""
        if call.stage is Stage.ESTABLISHING:
            reasons = tuple(("Reason", value) for value in cancel.headers.all("Reason"))
            self.cancel(call, "caller", "cancelled", 487, now, reasons)

    def cancel(
        self,
        call: StandingCall,
        by: str,
        why: str,
        status: int,
        now: Instant,
        extra: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Give a call up that is being set up: the caller hears `status`, the callee a CANCEL."""
        attempt = call.attempt
        self._book.over(call, Turn.CANCEL, by, why, now, status)
        if status:
            self._tell(call, status, now)
        self._forget_callers(call)
        call.hops.clear()
        if attempt is None:
            self._finish(call, now)
        else:
            self._board.stack.cancel(attempt.key, now, extra, attempt.side.place)

    def over(self, key: Key, now: Instant) -> None:
        """The transaction of an INVITE of ours is over."""
        attempt = self._book.attempts.pop(key, None)
        if attempt is None:
            return
        call = attempt.call
        self._board.dialogs.over(attempt.invite)
        if call.attempt is attempt:
            call.attempt = None
            if call.stage is Stage.CANCELLED:
                self._finish(call, now)

    def _next(self, call: StandingCall, now: Instant) -> None:
        """Try the next route that can be tried; tell the caller where there is none."""
        self._forget_callers(call)
        if call.tags:
            call.tags.clear()
            call.tag = self._board.chassis.token(8)  # who answers now is another fork for the caller
        self._book.unrouted(call)
        way = self._board.ways.first(call.hops, call.invite, f"call {call.id}", now)
        if way is not None:
            self._send(call, way, now)
            return
        status = call.failure
        self._book.over(call, Turn.REFUSE, "local", f"no route left: {reason_phrase(status)}", now, status)
        self._tell(call, status, now)

    def _send(self, call: StandingCall, way: WayOut, now: Instant) -> None:
        board = self._board
        call_id, secure = board.chassis.token(), uri.secure(way.target)
        side = Side(way.place, way.trunk_group, call_id, call.calling, way.flow.connection, secure)
        invite = relay.begun(
            call.invite,
            board.via(side.place),
            target=way.target,
            call_id=side.call_id,
            tag=board.chassis.token(8),
            forwards=call.forwards,
            contact=board.contact(side),
        )
        attempt = Attempt(call, invite, client_key(invite), side)
        self._book.routed(attempt, now)
        board.stack.request(invite, way.flow, now)

    def _reached(self, attempt: Attempt, response: Response, now: Instant) -> None:
        """Pass on that it rings, or that somebody has answered."""
        call, board = attempt.call, self._board
        try:
            callee = board.dialogs.called(attempt.invite, response)
            if callee is None and response.final:
                raise SipError("missing tag", header="To")
        except SipError as error:
            if response.final:
                self._unusable(attempt, response, error.reason, now)
                return
            callee = None  # it rings without saying where: nothing can be asked there so far
        relayed = self._pass_on(call, response, self._tag(call, response), now)
        if callee is None:
            return
        caller = board.dialogs.answered(call.invite, relayed)
        assert caller is not None
        pair = self._pair(attempt, caller, callee)
        if response.final:
            self._stable(attempt, pair, relayed, response, now)

    def _unusable(self, attempt: Attempt, response: Response, why: str, now: Instant) -> None:
        """Give a call up whose 2xx says wrongly where the callee is; he hears so where his ringing has said it."""
        call = attempt.call
        self._board.log(f"call {call.id}: {response.summary} refused: {why}", now)
        call.failure = 502
        call.hops.clear()
        self._next(call, now)
        dialog = self._board.dialogs.find(response)
        if dialog is not None:
            self._exchanges.decline(dialog, attempt.side, attempt.invite.cseq.number, now)

    def _stable(self, attempt: Attempt, pair: Pair, relayed: Response, response: Response, now: Instant) -> None:
        call = attempt.call
        for other in call.pairs:
            if other is not pair:
                self._board.unpair(other)
                self._board.dialogs.forget(other.caller)
        call.pairs = [pair]
        self._book.answered(call, now)
        hearing = Unacknowledged(relayed, now.uptime)
        number = attempt.invite.cseq.number
        awaited = AwaitedAck(pair, pair.caller, call.server, attempt.key, number, hearing, call.flow)
        self._acks.expect(awaited)
        try:
            self._book.agreed(call, session.take_response(response), now)
        except SipError as error:
            self._board.log(f"call {call.id}: no session timer: {error.reason} in {error.header}", now)

    def _refused(self, call: StandingCall, response: Response, now: Instant) -> None:
        reason = printable(response.reason) or reason_phrase(response.status)
        self._book.over(call, Turn.REFUSE, "callee", reason, now, response.status)
        self._pass_on(call, response, call.tag, now)
        self._forget_callers(call)

    def _late(self, attempt: Attempt, response: Response, now: Instant) -> None:
        """Take a response that changes nothing any more: a 2xx that nobody waits for is taken back."""
        call = attempt.call
        if not 200 <= response.status < 300:
            return
        if (
            call.stage in {Stage.STABLE, Stage.ENDING}
            and call.attempt is attempt
            and self._exchanges.said_again(attempt.key, response, now)
        ):
            return
        try:
            dialog = self._board.dialogs.called(attempt.invite, response)
        except SipError:
            return  # somebody who does not say where he is cannot be told anything
        if dialog is not None:
            self._exchanges.decline(dialog, attempt.side, attempt.invite.cseq.number, now)

    def _pair(self, attempt: Attempt, caller: Dialog, callee: Dialog) -> Pair:
        call = attempt.call
        for pair in call.pairs:
            if pair.callee is callee:
                return pair
        pair = Pair(call, caller, callee, attempt.side)
        call.pairs.append(pair)
        self._board.paired(pair)
        return pair

    def _tag(self, call: StandingCall, response: Response) -> str:
        """Return our To tag for a fork of the callee: the first one has that of the call."""
        theirs = response.recipient.tag
        if theirs not in call.tags:
            free = not call.tags or set(call.tags) == {""}
            call.tags[theirs] = call.tag if free else self._board.chassis.token(8)
        return call.tags[theirs]

    def _pass_on(self, call: StandingCall, response: Response, tag: str, now: Instant) -> Response:
        extra = [*relay.passed(response)]
        if 100 < response.status < 300:
            extra = [*relay.recorded(call.invite), ("Contact", self._board.contact(call.ingress)), *extra]
        return self._board.answer(
            call.server,
            call.invite,
            call.flow,
            response.status,
            now,
            reason=response.reason,
            tag=tag,
            extra=extra,
            body=response.body,
            fallback=call.ingress.place,
        )

    def _tell(self, call: StandingCall, status: int, now: Instant) -> None:
        self._board.answer(call.server, call.invite, call.flow, status, now, tag=call.tag, fallback=call.ingress.place)

    def _forget_callers(self, call: StandingCall) -> None:
        """Forget the dialogs with the caller of forks that nobody has picked up."""
        for pair in call.pairs:
            self._board.unpair(pair)
            self._board.dialogs.forget(pair.caller)
        call.pairs.clear()

    def _finish(self, call: StandingCall, now: Instant) -> None:
        self._book.over(call, Turn.END, "local", "cancelled", now)

    def _turn_away(self, arrived: Deliver, refusal: Refusal, now: Instant) -> None:
        request, flow = arrived.message, arrived.flow
        assert arrived.key is not None
        assert isinstance(request, Request)
        told = CallRefused(refusal.status, refusal.reason, request.call_id, format_endpoint(flow.remote))
        self._board.chassis.emit(now, told)
        self._board.answer(arrived.key, request, flow, refusal.status, now)


def callable_back(invite: Request) -> None:
    """Raise SipError unless an INVITE says where its caller is, and by which way he is reached."""
    if len(invite.contacts) != 1:
        raise SipError("not one Contact", header="Contact")
    towards(invite.contacts[0].uri, learned(invite, by_client=False))
