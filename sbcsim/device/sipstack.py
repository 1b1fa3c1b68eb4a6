"""The transactions of the node on the ways of the device: messages go to them, and what they say goes out.

Their timers stand in the time table as one entry. Whoever was asked for something is waited for when the clock is
moved, until there is any answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from sbcsim.clock import Instant, Order
from sbcsim.sip.message import Message, Request, Response
from sbcsim.sip.transactions import Outcome, Transactions, client_key
from sbcsim.sip.transactionstate import Deliver, Failed, Flow, Key, Send, State, Terminated

from .chassis import Chassis
from .connections import ConnectionRecord
from .effects import ConnectionId
from .sipflows import Fate, Place, SipFlows

TIMER = ("transactions",)
"""The timer of whichever transaction is due next."""


class User(Protocol):
    """Who uses the transactions."""

    def delivered(self, message: Deliver, now: Instant) -> None:
        """A message has come for the user."""

    def failed(self, failed: Failed, now: Instant) -> None:
        """A transaction has come to nothing."""

    def over(self, key: Key, now: Instant) -> None:
        """A transaction is over."""

    def sent(self, flow: Flow, message: Message, *, again: bool) -> None:
        """A message has gone out, perhaps once more."""

    def settled(self, now: Instant) -> None:
        """Nothing more comes of what has happened at this moment."""


class SipStack:
    """All transactions of the node."""

    def __init__(self, chassis: Chassis, flows: SipFlows) -> None:
        self._chassis = chassis
        self.flows = flows
        self.transactions = Transactions()
        self._user: User | None = None
        self._outcomes: deque[Outcome] = deque()
        self._working = False
        self._due: int | None = None
        self._on: dict[ConnectionId, dict[Flow, None]] = {}
        self._datagrams: dict[str, Key] = {}
        self._fallbacks: dict[Key, Place] = {}
        self.awaiting: set[Key] = set()
        """Requests of ours that have had no answer, and that somebody waits for."""

    @property
    def footprint(self) -> int:
        """How many things are remembered: nothing once every transaction is over."""
        tables = (self._outcomes, self._datagrams, self._fallbacks, self.awaiting)
        return self.transactions.footprint + self.flows.footprint + sum(map(len, tables))

    def knows(self, key: Key) -> bool:
        """Whether a transaction is not over."""
        return self.transactions.state(key) is not State.TERMINATED

    def serve(self, user: User) -> None:
        """Tell `user` of everything from now on."""
        self._user = user

    def receive(self, message: Message, flow: Flow, now: Instant) -> None:
        """Take a message that `check` has passed; raises SipError where it cannot be matched."""
        outcomes = self.transactions.receive(message, flow, now.uptime)
        if isinstance(message, Response):
            self.awaiting.discard(client_key(message))
        elif flow.connection:
            self._on.setdefault(flow.connection, {})[flow] = None
        self._work(outcomes, now)

    def request(self, request: Request, flow: Flow, now: Instant) -> None:
        """Send a request in a transaction of its own, which `client_key` names."""
        key = client_key(request)
        if flow.connection:
            self._on.setdefault(flow.connection, {})[flow] = None
        else:
            self._datagrams[key.branch] = key
        self.awaiting.add(key)
        self._work(self.transactions.request(request, flow, now.uptime)[1], now)

    def respond(self, key: Key, response: Response, now: Instant, fallback: Place | None = None) -> None:
        """Answer a request; `fallback` is where the answer goes when the connection of the request is gone."""
        if fallback is not None and self.knows(key):
            self._fallbacks[key] = fallback
        self._work(self.transactions.respond(key, response, now.uptime), now)

    def cancel(
        self, key: Key, now: Instant, extra: tuple[tuple[str, str], ...] = (), place: Place | None = None
    ) -> None:
        """Cancel an INVITE of ours; `place` is where it went, for a CANCEL whose connection is gone."""
        if place is not None and self.knows(key):
            self._fallbacks[_cancelling(key)] = place
        outcomes = self.transactions.cancel(key, now.uptime, extra)
        if self.flows.withdraw(key):  # who has never seen it needs no CANCEL (RFC 3261 9.1)
            outcomes += self.transactions.failed(key, now.uptime)
        self._work(outcomes, now)

    def send(self, flow: Flow, message: Message, now: Instant, *, again: bool = False) -> None:
        """Send what belongs to no transaction, and is lost where it cannot be sent: an ACK to a 2xx."""
        fate = self.flows.send(flow, message, now, again=again)
        if fate is Fate.SENT and self._user is not None:
            self._user.sent(flow, message, again=again)

    def fire(self, now: Instant) -> None:
        """Fire the timers that are due."""
        self._due = None
        self._work(self.transactions.fire(now.uptime), now)

    def undeliverable(self, branch: str, now: Instant) -> None:
        """A request of ours could not be sent by UDP."""
        key = self._datagrams.get(branch)
        if key is not None:
            self._work(self.transactions.failed(key, now.uptime), now)

    def connection_up(self, record: ConnectionRecord, now: Instant) -> None:
        """A connection has come up."""
        for waited in self.flows.connection_up(record, now):
            if self._user is not None:
                self._user.sent(waited.flow, waited.message, again=waited.again)

    def connection_failed(self, record: ConnectionRecord, _reason: str, now: Instant) -> None:
        """A connection has never come up."""
        self._lost(record, now)

    def connection_gone(self, record: ConnectionRecord, _reason: str, now: Instant) -> None:
        """A connection is closed."""
        self._lost(record, now)

    def clear(self) -> None:
        """Forget every transaction, without a word to anybody."""
        self.transactions = Transactions()
        self.flows.clear()
        self._outcomes.clear()
        self._on.clear()
        self._datagrams.clear()
        self._fallbacks.clear()
        self.awaiting.clear()
        self._due = None
        self._chassis.timetable.own.cancel(TIMER)

    def _lost(self, record: ConnectionRecord, now: Instant) -> None:
        self.flows.connection_gone(record)
        with self.turn(now):
            for flow in self._on.pop(record.id, ()):
                self._work(self.transactions.lost(flow, now.uptime), now)

    @contextmanager
    def turn(self, now: Instant) -> Iterator[None]:
        """Do in one turn all that is asked for meanwhile: only then is anybody told that it is settled."""
        if self._working:
            yield
            return
        self._working = True
        try:
            yield
            while self._outcomes:
                self._do(self._outcomes.popleft(), now)
        finally:
            self._working = False
        self._settle(now)

    def _work(self, outcomes: list[Outcome], now: Instant) -> None:
        """Do what transactions want, in order; what comes of it is done in the same turn."""
        self._outcomes.extend(outcomes)
        with self.turn(now):
            pass

    def _settle(self, now: Instant) -> None:
        due = self.transactions.next_due
        if due != self._due:
            self._due = due
            if due is None:
                self._chassis.timetable.own.cancel(TIMER)
            else:
                self._chassis.timetable.own.set(TIMER, due, Order.TIMEOUT)
        if self._user is not None:
            self._user.settled(now)

    def _do(self, outcome: Outcome, now: Instant) -> None:
        user = self._user
        assert user is not None
        match outcome:
            case Send():
                self._send(outcome, user, now)
            case Deliver():
                user.delivered(outcome, now)
            case Failed():
                self.awaiting.discard(outcome.key)
                user.failed(outcome, now)
            case Terminated():
                self._forget(outcome.key)
                user.over(outcome.key, now)

    def _send(self, send: Send, user: User, now: Instant) -> None:
        key, message = send.key, send.message
        # An answer, or an ACK, that waits goes out even if its transaction ends: what would be a ghost is a request.
        begins = isinstance(message, Request) and message.method == key.method
        fallback = self._fallbacks.get(key)
        fate = self.flows.send(send.flow, message, now, fallback, again=send.again, key=key if begins else None)
        if fate is Fate.SENT:
            user.sent(send.flow, message, again=send.again)
        elif fate is Fate.LOST:
            self._outcomes.extend(self.transactions.failed(key, now.uptime))

    def _forget(self, key: Key) -> None:
        self.flows.withdraw(key)
        self.awaiting.discard(key)
        self._fallbacks.pop(key, None)
        if key.method == "INVITE":
            self._fallbacks.pop(_cancelling(key), None)
        if self._datagrams.get(key.branch) == key:
            del self._datagrams[key.branch]


def _cancelling(invite: Key) -> Key:
    """Return the key of the CANCEL of an INVITE."""
    return replace(invite, method="CANCEL")
