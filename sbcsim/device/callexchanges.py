"""Requests that go through the box from one side to the other and their answers: in the dialogs of a call, and outside.

Every request in a dialog passes, known or not, and its answer comes back: re-INVITE with its ACK, UPDATE, INFO, PRACK,
REFER, NOTIFY, BYE. What the dialog itself forbids is answered here. A BYE that cannot be passed on is answered 200: who
hangs up has hung up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sbcsim.clock import Instant
from sbcsim.sip import relay, session
from sbcsim.sip.dialog import CHALLENGES, ONE_AT_A_TIME, Dialog, DialogState, knows_nothing, received_id
from sbcsim.sip.errors import SipError
from sbcsim.sip.message import Request, Response
from sbcsim.sip.reliability import Unacknowledged
from sbcsim.sip.transactions import client_key
from sbcsim.sip.transactionstate import Deliver, Failed, Flow, Key, Why

from .awaitedacks import AwaitedAck, AwaitedAcks
from .callbook import CallBook
from .sipflows import Unreachable
from .standingcall import Pair, Side, Stage, StandingCall, Turn
from .switchboard import Switchboard

_FAILURES = {Why.TIMED_OUT: 408, Why.UNREACHABLE: 503, Why.CANCELLED: 487}


@dataclass(frozen=True, slots=True)
class Asked:
    """What one side asks in a call: in the dialog `asker` of `pair`, by `flow`, in the transaction `server`."""

    request: Request
    flow: Flow
    server: Key
    pair: Pair
    asker: Dialog


@dataclass(slots=True, eq=False)
class Exchange:
    """One request to a side of a call, in the dialog `answerer`. `asked` is None where it is our own: a BYE.

    `again` says that it was sent twice, `over` that its final answer has come, or been given for the other side, `ack`
    is what the box says itself to a 2xx that goes no further.
    """

    answerer: Dialog
    side: Side
    sent: Request
    asked: Asked | None = None
    again: bool = False
    over: bool = False
    ack: Request | None = None


class CallExchanges:
    """All requests in calls that are under way. `end` ends a call whose far end is lost."""

    def __init__(
        self,
        board: Switchboard,
        book: CallBook,
        acks: AwaitedAcks,
        end: Callable[[StandingCall, str, str, Instant], None],
    ) -> None:
        self._board = board
        self._book = book
        self._acks = acks
        self._end = end
        self._by_client: dict[Key, Exchange] = {}
        self._farewells: set[Key] = set()
        self._by_server: dict[Key, Exchange] = {}

    @property
    def footprint(self) -> int:
        """How many things are remembered."""
        return len(self._by_client) + len(self._by_server) + len(self._farewells)

    @property
    def saying_farewell(self) -> bool:
        """Whether somebody is dialled to be told BYE, or told behind his ACK: until then his port must not go."""
        return bool(self._farewells) or self._acks.some_owe

    # What one side asks.

    def ask(self, arrived: Deliver, pair: Pair, asker: Dialog, now: Instant) -> None:
        """Take a request in a dialog of an answered call, or of one that rings."""
        request, key = arrived.message, arrived.key
        assert key is not None
        assert isinstance(request, Request)
        asked = Asked(request, arrived.flow, key, pair, asker)
        answerer, side = pair.other(asker), pair.side(pair.other(asker))
        try:
            refused = asker.take(request)
        except SipError as error:
            self._answer(asked, error.status, now)  # the dialog has not taken it
            return
        if refused is not None:
            retry = [("Retry-After", str(int(self._board.chassis.token(1), 16) % 11))] if refused.retry else []
            self._answer(asked, refused.status, now, extra=retry)
            return
        self.came_by(arrived.flow, pair.call, pair.side(asker))
        try:
            extra = self._passed(asked, side)
        except SipError as error:
            self._refuse(asked, error.status, now)
            return
        bye = request.method == "BYE"
        if answerer.state in {DialogState.ENDING, DialogState.TERMINATED}:
            self._refuse(asked, 200 if bye else 481, now)
            if bye and pair.leaver is not asker:
                self._hung_up(pair, pair.leaver or asker, now)  # two BYEs have crossed
            return
        if answerer.pending(request.method):
            self._refuse(asked, 491, now)
            return
        flow = self._board.flows.open(side.place, answerer.next_hop, now)
        if isinstance(flow, Unreachable):
            self._refuse(asked, 200 if bye else 503, now)
            if bye:
                self._board.drop(answerer)
                self._hung_up(pair, asker, now)
            return
        sent = answerer.request(request.method, self._board.via(side.place), extra, request.body)
        if bye:
            pair.call.move(Turn.HANG_UP)
            pair.leaver = asker
        if request.method == "INVITE":
            pair.invites[asker.id] = (request.cseq.number, sent.cseq.number)
        exchange = Exchange(answerer, side, sent, asked)
        self._by_server[key] = exchange
        self._begin(exchange, flow, now)

    def came_by(self, flow: Flow, call: StandingCall, side: Side) -> None:
        """Take note of the way by which one side has spoken: there it is reached who cannot be dialled."""
        side.place = side.place.heard_by(flow)
        self._book.carried(call, side, flow.connection)

    def answered_by(self, client: Key, flow: Flow) -> None:
        """Take note that the answer to a request in a dialog has come by another connection than its own."""
        exchange = self._by_client.get(client)
        if exchange is not None and exchange.asked is not None:
            self.came_by(flow, exchange.asked.pair.call, exchange.side)

    def cancelled(self, server: Key, now: Instant) -> None:
        """Pass on the CANCEL of an INVITE in a dialog, where there is such an INVITE."""
        exchange = self._by_server.get(server)
        if exchange is not None:
            self._board.stack.cancel(client_key(exchange.sent), now, place=exchange.side.place)

    def acknowledged(self, ack: Request, flow: Flow, now: Instant) -> None:
        """Pass on the ACK to a 2xx; one that nobody awaits, or that has been passed on, is dropped."""
        awaited = self._acks.came(ack, received_id(ack))
        if awaited is None or awaited.ack is not None:
            return
        pair, asker = awaited.pair, awaited.asker
        if flow.connection:
            self.came_by(flow, pair.call, pair.side(asker))
        if self._acks.release(awaited):
            self.hang_up_debtor(awaited, now)
            return
        callee = pair.other(asker)
        awaited.ack = self._say_ack(callee, pair.side(callee), awaited.cseq, now, relay.passed(ack), ack.body)

    def said_again(self, client: Key, response: Response, now: Instant) -> bool:
        """Take a 2xx that may be a copy of one that has come before, and say its ACK again; False for another one."""
        awaited = self._acks.again(client)
        if awaited is None:
            return False
        callee = awaited.pair.other(awaited.asker)
        if response.recipient.tag != callee.id.remote_tag:
            return False
        if awaited.ack is not None:
            self._send_ack(awaited.ack, callee, awaited.pair.side(callee), now, again=True)
        return True

    # What the other side answers.

    def answered(self, client: Key, response: Response, now: Instant) -> None:
        """Take the answer to a request in a dialog."""
        exchange = self._by_client.get(client)
        if exchange is None or response.status == 100 or not (response.final or response.cseq.method == "INVITE"):
            return  # nothing but an INVITE has provisional responses that go further (RFC 4320 4.1)
        if exchange.over:
            if exchange.ack is not None:
                self._send_ack(exchange.ack, exchange.answerer, exchange.side, now, again=True)
            else:
                self.said_again(client, response, now)
            return
        try:
            exchange.answerer.answered_there(response)
        except SipError:
            if not response.final:
                return  # the final answer is still to come
            if exchange.sent.method == "INVITE":
                self._acknowledge(exchange, now)  # who asks hears of no 2xx, and so says no ACK
            response = replace(response, status=502, reason="Bad Gateway", body=b"")
        exchange.over = response.final
        if exchange.asked is not None:
            self._pass_back(exchange, exchange.asked, client, response, now)
        elif response.final:
            self._board.drop(exchange.answerer)

    def failed(self, failed: Failed, now: Instant) -> None:
        """Nobody has answered a request of ours in a dialog, or it could not be sent."""
        exchange = self._by_client.get(failed.key)
        if exchange is None or exchange.over:
            return  # an ACK of ours could not be sent
        bye = exchange.sent.method == "BYE"
        if failed.why is Why.UNREACHABLE and not exchange.again and self._repeat(exchange, now):
            return
        exchange.over = True
        exchange.answerer.unanswered(exchange.sent)  # a stable call outlives its connections
        if exchange.asked is None:
            self._board.drop(exchange.answerer)
            return
        status = _FAILURES[failed.why]
        self._refuse(exchange.asked, 200 if bye else status, now)
        self._settle(exchange, exchange.asked, 200 if bye else status, now)

    def over(self, key: Key) -> None:
        """A transaction is over."""
        self._by_client.pop(key, None)
        self._farewells.discard(key)
        self._by_server.pop(key, None)

    # What the box says itself.

    def hang_up(self, dialog: Dialog, side: Side, now: Instant, *, dial: bool = True) -> None:
        """Say BYE to one side; where nothing can be sent, or only by dialling and that is not wished, it is gone."""
        if dialog.state is not DialogState.CONFIRMED:
            self._board.drop(dialog)
            return
        flow = self._board.flows.open(side.place, dialog.next_hop, now, dial=dial)
        if isinstance(flow, Unreachable):
            self._board.drop(dialog)
            return
        sent = dialog.request("BYE", self._board.via(side.place))
        self._begin(Exchange(dialog, side, sent), flow, now)

    def hang_up_both(self, pair: Pair, now: Instant, dials: Callable[[Side], bool]) -> None:
        """Say BYE to both sides of a call, to one who owes an ACK behind that; nobody is dialled unless `dials`."""
        owed = self._acks.end(pair)
        for awaited in owed:  # the ACK that should have gone on will come from nobody else
            dialog = pair.other(awaited.asker)
            self._say_ack(dialog, pair.side(dialog), awaited.cseq, now)
            if not dials(pair.side(awaited.asker)):
                self._acks.release(awaited)  # it is now or never
        for dialog in (pair.caller, pair.callee):
            side = pair.side(dialog)
            if not dials(side) or not any(awaited.asker is dialog for awaited in owed):
                self.hang_up(dialog, side, now, dial=dials(side))

    def hang_up_debtor(self, awaited: AwaitedAck, now: Instant) -> None:
        """Say BYE to one who owed an ACK when his call ended, once."""
        if awaited.asker.state is DialogState.CONFIRMED:
            self.hang_up(awaited.asker, awaited.pair.side(awaited.asker), now)

    def decline(self, dialog: Dialog, side: Side, cseq: int, now: Instant) -> None:
        """Acknowledge a 2xx that nobody waits for any more, and say BYE (RFC 3261 13.2.2.4, 15)."""
        self._say_ack(dialog, side, cseq, now)
        if dialog.state is DialogState.CONFIRMED:
            self.hang_up(dialog, side, now)

    def clear(self) -> None:
        """Forget every request."""
        self._by_client.clear()
        self._by_server.clear()
        self._farewells.clear()

    def _begin(self, exchange: Exchange, flow: Flow, now: Instant) -> None:
        key = client_key(exchange.sent)
        self._by_client[key] = exchange
        if exchange.asked is not None:
            self._book.carried(exchange.asked.pair.call, exchange.side, flow.connection)
        elif not self._board.flows.stands(flow):
            self._farewells.add(key)
        self._board.stack.request(exchange.sent, flow, now)

    def _repeat(self, exchange: Exchange, now: Instant) -> bool:
        """Send a request once more by another connection; False where there is none."""
        flows, place = self._board.flows, exchange.side.place
        flow = flows.back(place) or flows.open(place, exchange.answerer.next_hop, now)
        if isinstance(flow, Unreachable):
            return False
        via = self._board.via(place)
        sent = replace(exchange.sent, headers=exchange.sent.headers.replaced("Via", str(via)))
        self._begin(replace(exchange, sent=sent, again=True), flow, now)
        if exchange.asked is not None and self._board.stack.knows(exchange.asked.server):
            self._by_server[exchange.asked.server] = self._by_client[client_key(sent)]
        return True

    def _passed(self, asked: Asked, side: Side) -> relay.Fields:
        request = asked.request
        extra = relay.passed(request)
        if relay.has_target(request):
            extra = (("Contact", self._board.contact(side, asked.pair.other(asked.asker))), *extra)
        if request.method == "PRACK":
            return (*relay.acknowledged(request, lambda number: _number(asked.pair, asked.asker, number)), *extra)
        return extra

    def _pass_back(self, exchange: Exchange, asked: Asked, client: Key, response: Response, now: Instant) -> None:
        known = asked.request.method == "BYE" and response.status not in CHALLENGES
        if asked.pair.call.stage is Stage.ENDED and response.final and not known:
            self._came_too_late(exchange, asked, response, now)
            return
        extra = [*relay.passed(response)]
        if relay.has_target(response):
            extra = [("Contact", self._board.contact(asked.pair.side(asked.asker), asked.asker)), *extra]
        relayed = self._answer(asked, response.status, now, reason=response.reason, extra=extra, body=response.body)
        asked.asker.answered_here(relayed)
        if not response.final:
            return
        if response.status < 300 and asked.request.method in ONE_AT_A_TIME:
            self._refreshed(exchange, asked, client, relayed, response, now)
        self._settle(exchange, asked, response.status, now)

    def _came_too_late(self, exchange: Exchange, asked: Asked, response: Response, now: Instant) -> None:
        """Take an answer in a call that has ended meanwhile: who has asked hears that, and a 2xx is acknowledged."""
        method = exchange.sent.method
        if method == "INVITE" and response.status < 300:
            self._acknowledge(exchange, now)
        self._refuse(asked, {"BYE": 200, "INVITE": 487}.get(method, 481), now)

    def _acknowledge(self, exchange: Exchange, now: Instant) -> None:
        """Acknowledge a 2xx that goes no further (RFC 3261 13.2.2.4)."""
        exchange.ack = self._say_ack(exchange.answerer, exchange.side, exchange.sent.cseq.number, now)

    def _refreshed(
        self, exchange: Exchange, asked: Asked, client: Key, relayed: Response, response: Response, now: Instant
    ) -> None:
        call = asked.pair.call
        self._board.chassis.call_counts.updated()
        if response.cseq.method == "INVITE":
            hearing = Unacknowledged(relayed, now.uptime)
            number = exchange.sent.cseq.number
            self._acks.expect(AwaitedAck(asked.pair, asked.asker, asked.server, client, number, hearing, asked.flow))
        if call.stage is Stage.STABLE and call.pair is asked.pair:
            try:
                self._book.agreed(call, session.take_response(response), now)
            except SipError:
                self._book.agreed(call, None, now)  # who refreshes is left open: nobody can be waited for

    def _settle(self, exchange: Exchange, asked: Asked, status: int, now: Instant) -> None:
        """Draw the conclusions of a final answer for the call; who knows of none is told BYE nonetheless."""
        pair, asker = asked.pair, asked.asker
        call = pair.call
        if exchange.sent.method == "BYE":
            if status in CHALLENGES and asker.state is DialogState.CONFIRMED:
                call.move(Turn.CHALLENGE)
            else:
                self._hung_up(pair, asker, now)
            return
        if knows_nothing(exchange.sent.method, status) and call.stage is Stage.STABLE and call.pair is pair:
            self._end(call, _name(pair, exchange.answerer), f"{status} to {exchange.sent.method}", now)

    def _hung_up(self, pair: Pair, asker: Dialog, now: Instant) -> None:
        call = pair.call
        if call.stage in {Stage.STABLE, Stage.ENDING}:
            self._book.over(call, Turn.END, _name(pair, asker), "BYE", now)
        self._acks.drop(pair)
        self._board.unpair(pair)
        for dialog in (pair.caller, pair.callee):
            self._board.drop(dialog)

    def _refuse(self, asked: Asked, status: int, now: Instant) -> None:
        """Answer what was asked in the place of the other side."""
        asked.asker.answered_here(self._answer(asked, status, now))

    def _answer(
        self,
        asked: Asked,
        status: int,
        now: Instant,
        *,
        reason: str | None = None,
        extra: relay.Fields | list[tuple[str, str]] = (),
        body: bytes = b"",
    ) -> Response:
        fallback = asked.pair.side(asked.asker).place
        return self._board.answer(
            asked.server,
            asked.request,
            asked.flow,
            status,
            now,
            reason=reason,
            extra=extra,
            body=body,
            fallback=fallback,
        )

    def _say_ack(
        self, dialog: Dialog, side: Side, cseq: int, now: Instant, extra: relay.Fields = (), body: bytes = b""
    ) -> Request:
        ack = dialog.request("ACK", self._board.via(side.place), extra, body, cseq=cseq)
        self._send_ack(ack, dialog, side, now)
        return ack

    def _send_ack(self, ack: Request, dialog: Dialog, side: Side, now: Instant, *, again: bool = False) -> None:
        flow = self._board.flows.open(side.place, dialog.next_hop, now)
        if not isinstance(flow, Unreachable):
            self._board.stack.send(flow, ack, now, again=again)


def _name(pair: Pair, dialog: Dialog) -> str:
    """Return who is at the far end of a dialog."""
    return "caller" if dialog is pair.caller else "callee"


def _number(pair: Pair, asker: Dialog, number: int) -> int:
    """Return the number of an INVITE on the other side: who is asked for one is who sends the PRACK about it."""
    last = pair.invites.get(asker.id)
    if last is not None and last[0] == number:
        return last[1]
    first = asker is pair.caller and number == asker.invite_cseq
    return pair.callee.invite_cseq if first else number
