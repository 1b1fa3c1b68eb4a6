"""The signalling B2BUA: what comes in by SIP and is no ping goes to the call, or to the request, that it belongs to.

Two dialogs make a call, one with each side. Media flows between the two sides and never through here: session
descriptions pass untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import replace

from sbcsim.clock import Instant, Order
from sbcsim.sip.dialog import Dialog, DialogState, received_id
from sbcsim.sip.message import Message, Request, Response
from sbcsim.sip.reliability import Repeat
from sbcsim.sip.transactions import server_key
from sbcsim.sip.transactionstate import Deliver, Failed, Flow, Key
from sbcsim.sip.transactionstate import Side as TransactionSide

from .admission import Admission, Refusal
from .awaitedacks import AwaitedAcks
from .callbook import CallBook
from .callexchanges import CallExchanges
from .calls import Call
from .callsetup import CallSetup
from .chassis import Chassis
from .connections import ConnectionRecord, PortKey
from .listeners import Port
from .outsiderequests import OutsideRequests
from .sipflows import Local
from .sipstack import SipStack
from .standingcall import Pair, Stage, StandingCall, Turn
from .switchboard import Switchboard
from .trunkgroup import TrunkGroupKey

TIMER = ("calls",)
"""The timer of whatever is due next in any call."""

_STANDS = frozenset({DialogState.CONFIRMED, DialogState.ENDING})


class CallControl:
    """All calls of the node."""

    def __init__(
        self,
        chassis: Chassis,
        stack: SipStack,
        admission: Admission,
        book: CallBook,
        ports: Mapping[PortKey, Port],
    ) -> None:
        self._chassis = chassis
        self._stack = stack
        self._book = book
        self._board = Switchboard(chassis, stack, admission, ports)
        self._acks = AwaitedAcks()
        self._exchanges = CallExchanges(self._board, book, self._acks, self._end)
        self._setup = CallSetup(self._board, book, self._acks, self._exchanges)
        self._outside = OutsideRequests(self._board)
        self._due: int | None = None
        self.ended: Callable[[Instant], None] = lambda _now: None
        """Called when calls have ended, once nothing is under way with them any more."""
        stack.serve(self)

    @property
    def footprint(self) -> int:
        """How many things are remembered of calls in all: nothing once every call and transaction is over."""
        board, stack = self._board, self._stack
        parts = (stack, self._exchanges, self._outside, self._book, board.registrations)
        tables: tuple[Sized, ...] = (self._acks, board.dialogs, board.pairs)
        return sum(part.footprint for part in parts) + sum(map(len, tables))

    @property
    def awaiting(self) -> int:
        """How many ACKs are on their way, as far as anybody knows."""
        return len(self._acks.awaiting)

    def give_up(self) -> None:
        """Nobody waits for those ACKs any more but their timers."""
        self._acks.awaiting.clear()

    def passes(self, options: Request, port: PortKey, now: Instant) -> bool:
        """Whether an OPTIONS outside of dialogs is for somebody else than the box."""
        return self._outside.passes(options, port, now)

    def queued(self, record: ConnectionRecord) -> int:
        """Return how many messages of calls wait for a connection to come up."""
        return self._stack.flows.queued(record)

    def registered(self, context: str, zone: str, now: Instant) -> int:
        """Return how many endpoints of a zone are registered."""
        return self._board.registrations.in_zone(context, zone, now)

    def knows(self, request: Request) -> bool:
        """Whether a request has come before, and is not over; raises SipError."""
        return self._stack.knows(server_key(request))

    def receive(self, message: Message, flow: Flow, now: Instant) -> None:
        """Take a message that `check` has passed and that is no ping nor its answer; raises SipError."""
        if isinstance(message, Request):
            local = flow.local
            assert isinstance(local, Local)
            group = self._group(message, local.port, flow.remote[0])
            flow = replace(flow, local=replace(local, trunk_group=group))
            self._count(group, message, received=True)
        self._stack.receive(message, flow, now)

    # What the transactions say.

    def delivered(self, arrived: Deliver, now: Instant) -> None:
        """Take a message that has come for us."""
        message = arrived.message
        if isinstance(message, Response):
            assert arrived.key is not None
            if arrived.by is not None:
                self._moved(arrived.key, arrived.by)
            self._response(arrived.key, message, arrived.flow, now)
        elif message.method == "CANCEL":
            self._cancel(arrived, message, now)
        else:
            self._request(arrived, message, now)

    def failed(self, failed: Failed, now: Instant) -> None:
        """Take the news that a transaction has come to nothing."""
        attempt = self._book.attempts.get(failed.key)
        if attempt is not None:
            self._setup.failed(attempt, failed, now)
            return
        call = self._book.by_server.get(failed.key)
        if call is not None:
            self._setup.unheard(call, now)
            return
        self._exchanges.failed(failed, now)
        self._outside.failed(failed, now)

    def over(self, key: Key, now: Instant) -> None:
        """Take the news that a transaction is over."""
        if key.side is TransactionSide.SERVER:
            self._book.by_server.pop(key, None)
        else:
            self._acks.over(key)
            self._setup.over(key, now)
            self._outside.over(key)
        self._exchanges.over(key)

    def sent(self, flow: Flow, message: Message, *, again: bool) -> None:
        """Count a message that has gone out."""
        local = flow.local
        if isinstance(local, Local):
            self._count(local.trunk_group, message, received=False, again=again)

    def settled(self, now: Instant) -> None:
        """Nothing more comes of what has happened: look when something is due, and tell of calls that have ended."""
        self._arm()
        if self._book.some_ended and not self._exchanges.saying_farewell:
            self._book.some_ended = False
            self.ended(now)

    # Time.

    def fire(self, now: Instant) -> None:
        """Do what is due in the calls."""
        self._due = None
        with self._stack.turn(now):
            for awaited, told in self._acks.fire(now.uptime):
                call = awaited.pair.call
                if isinstance(told, Repeat):
                    fallback = awaited.pair.side(awaited.asker).place
                    if awaited.flow is not None and not self._board.flows.stands(awaited.flow):
                        self._acks.hope(awaited)
                    self._stack.respond(awaited.server, told.response, now, fallback)
                elif self._acks.release(awaited):
                    self._exchanges.hang_up_debtor(awaited, now)
                elif call.stage is Stage.STABLE:
                    self._end(call, "local", "no ACK", now)
            for call in self._book.expired(now):
                self._end(call, "local", "session expired", now)

    # Calls that have to go.

    def clear(self, calls: Iterable[Call], why: str, now: Instant, closing: PortKey | None = None) -> None:
        """End calls: BYE to both sides of a stable one, 503 and CANCEL where it is being set up.

        On a port that is `closing` nobody is dialled for that.
        """
        with self._stack.turn(now):
            for each in calls:
                call = self._book.get(each.id)
                if call is not None:
                    self._end(call, "local", why, now, closing)

    def clear_port(self, key: PortKey, why: str, now: Instant) -> None:
        """End the calls with a side on a sipSigPort, whose connections are about to be closed."""
        self.clear(self._chassis.calls.on_port(key), why, now, key)

    def clear_trunk_group(self, key: TrunkGroupKey, why: str, now: Instant) -> None:
        """End the calls of a trunk group."""
        self.clear(self._chassis.calls.by_trunk_group(key), why, now)

    def hand_over(self, why: str, now: Instant) -> None:
        """Another server takes over: stable calls go on there, what is under way is lost without a word."""
        self._stack.clear()
        self._exchanges.clear()
        self._outside.clear()
        self._book.by_server.clear()
        attempts, self._book.attempts = self._book.attempts, {}
        for call in self._book:
            if call.stage is not Stage.STABLE:
                self._book.lost(call, why, now)
                self._forget(call)
            else:
                call.attempt = None
                call.pair.caller.abandon()
                call.pair.callee.abandon()
        for attempt in attempts.values():
            self._board.dialogs.over(attempt.invite)
        self._board.keep_pairs()
        self._acks.handed_over()
        self.settled(now)

    def sweep(self, now: Instant) -> None:
        """End the calls that another server has taken over with a port that is out of service there."""
        with self._stack.turn(now):
            for call in self._book:
                sides = [call.ingress] if call.egress is None else [call.ingress, call.egress]
                why = next((why for side in sides if (why := self._board.missing(side))), "")
                if why:
                    self._end(call, "local", why, now)

    def restart(self, why: str, now: Instant) -> None:
        """End every call, without a word to its sides."""
        self._stack.clear()
        self._exchanges.clear()
        self._outside.clear()
        self._acks.clear()
        self._book.restart(why, now)
        self._board.restart()
        self._due = None
        self._chassis.timetable.own.cancel(TIMER)

    def _request(self, arrived: Deliver, request: Request, now: Instant) -> None:
        if request.method == "ACK":
            self._exchanges.acknowledged(request, arrived.flow, now)
            return
        known = self._known(request)
        if known is None:
            self._outsider(arrived, request, now)
            return
        pair, asker = known
        if request.method == "BYE" and pair.call.stage is Stage.ESTABLISHING:
            self._leave(arrived, request, pair, asker, now)
        else:
            self._exchanges.ask(arrived, pair, asker, now)

    def _outsider(self, arrived: Deliver, request: Request, now: Instant) -> None:
        """Take a request that belongs to no dialog of ours."""
        assert arrived.key is not None
        if request.recipient.tag:
            if not self._crossed(arrived, request, now):
                self._board.answer(arrived.key, request, arrived.flow, 481, now)
        elif arrived.merged:
            self._board.answer(arrived.key, request, arrived.flow, 482, now)
        elif request.method == "INVITE":
            self._setup.begin(arrived, now)
        else:
            self._outside.begin(arrived, now)

    def _crossed(self, arrived: Deliver, request: Request, now: Instant) -> bool:
        """Take a BYE that has crossed one which the box says by itself (RFC 3261 15.1.2); False for all else."""
        dialog = self._board.dialogs.find(request)
        if request.method != "BYE" or dialog is None or dialog.state not in _STANDS:
            return False
        assert arrived.key is not None
        refused = dialog.take(request)
        status = 200 if refused is None else refused.status
        response = self._board.answer(arrived.key, request, arrived.flow, status, now)
        if refused is None:
            dialog.answered_here(response)
            self._board.drop(dialog)
        return True

    def _leave(self, arrived: Deliver, request: Request, pair: Pair, asker: Dialog, now: Instant) -> None:
        """Take a BYE in a call that only rings so far: from the caller it is as good as a CANCEL (RFC 3261 15)."""
        assert arrived.key is not None
        self._board.answer(arrived.key, request, arrived.flow, 200, now)
        if asker is pair.caller:
            self._setup.cancelled(pair.call, request, now)

    def _cancel(self, arrived: Deliver, cancel: Request, now: Instant) -> None:
        assert arrived.key is not None
        call = None if arrived.cancels is None else self._book.by_server.get(arrived.cancels)
        tag = "" if call is None else call.tag
        status = 481 if arrived.cancels is None else 200
        self._board.answer(arrived.key, cancel, arrived.flow, status, now, tag=tag)
        if call is not None:
            self._setup.cancelled(call, cancel, now)
        elif arrived.cancels is not None:
            self._exchanges.cancelled(arrived.cancels, now)

    def _moved(self, key: Key, by: Flow) -> None:
        """Take note that who answers has come by another connection."""
        attempt = self._book.attempts.get(key)
        if attempt is not None:
            self._exchanges.came_by(by, attempt.call, attempt.side)
        else:
            self._exchanges.answered_by(key, by)

    def _response(self, key: Key, response: Response, flow: Flow, now: Instant) -> None:
        local = flow.local
        if isinstance(local, Local):
            self._count(local.trunk_group, response, received=True)
        attempt = self._book.attempts.get(key)
        if attempt is not None:
            self._setup.answered(attempt, response, now)
            return
        self._exchanges.answered(key, response, now)
        self._outside.answered(key, response, now)

    def _end(self, call: StandingCall, by: str, why: str, now: Instant, closing: PortKey | None = None) -> None:
        """End a call by ourselves."""
        if call.stage is Stage.ESTABLISHING:
            self._setup.cancel(call, by, why, 503, now)
            return
        if call.stage not in {Stage.STABLE, Stage.ENDING}:
            return
        self._book.over(call, Turn.END, by, why, now)
        pair = call.pair
        self._board.unpair(pair)
        self._exchanges.hang_up_both(pair, now, lambda side: side.place.local.port != closing)

    def _forget(self, call: StandingCall) -> None:
        for pair in tuple(call.pairs):
            self._acks.drop(pair)
            self._board.unpair(pair)
            self._board.drop(pair.caller)
            self._board.drop(pair.callee)
        call.pairs.clear()

    def _known(self, request: Request) -> tuple[Pair, Dialog] | None:
        """Return the pair of dialogs that a request belongs to, and the one that it comes in; None for a stranger's."""
        if not request.recipient.tag:
            return None
        found = received_id(request)
        pair = self._board.pairs.get(found)
        return None if pair is None else (pair, pair.caller if pair.caller.id == found else pair.callee)

    def _group(self, request: Request, port: PortKey, source: str) -> TrunkGroupKey | None:
        """Return the trunk group that a request is counted for."""
        known = self._known(request)
        if known is not None:
            pair, asker = known
            return pair.side(asker).trunk_group
        origin = self._board.admission.origin(port, source)
        return None if isinstance(origin, Refusal) else origin.trunk_group

    def _count(self, group: TrunkGroupKey | None, message: Message, *, received: bool, again: bool = False) -> None:
        if group is None:
            return
        counts = self._chassis.message_counts
        if received:
            counts.received(group, message)
        else:
            counts.sent(group, message)
            if again and isinstance(message, Request):
                counts.retransmitted(group, message.method)

    def _arm(self) -> None:
        dues = [due for due in (self._acks.next_due, self._book.next_due) if due is not None]
        due = min(dues, default=None)
        if due == self._due:
            return
        self._due = due
        if due is None:
            self._chassis.timetable.own.cancel(TIMER)
        else:
            self._chassis.timetable.own.set(TIMER, due, Order.TIMEOUT)
